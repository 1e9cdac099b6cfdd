"""The ledger on ClickHouse behind the store's ports: claims the right to write, commits, and looks around batches."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final, TypeVar

from costspan.core.clock import Clock, system_clock
from costspan.core.errors import PermanentError, StoreUnavailable
from costspan.semconv.metrics import MetricState
from costspan.server.store.clickhouse import inbox, records
from costspan.server.store.clickhouse.connection import Connection, Target
from costspan.server.store.clickhouse.lease import PATIENCE, Lease
from costspan.server.store.clickhouse.marks import read_marks
from costspan.server.store.clickhouse.snapshot import take_snapshot
from costspan.server.store.clickhouse.writer import Writer
from costspan.server.store.entry import Batch, Neighbourhood, Posting
from costspan.server.store.migration import Stretch
from costspan.server.store.ports import SETTLED_TOGETHER
from costspan.server.store.sql.conditions import utc

Answer = TypeVar("Answer")

_log = logging.getLogger("costspan.store")
_LOOK_EVERY_S: Final = 10.0
_NOBODY: Final[tuple[bytes, ...]] = ()


class ClickHouseLedger:
    """One process's way to write the ledger. It writes while it holds the lease, and claims that when it needs it."""

    def __init__(
        self,
        target: Target,
        *,
        clock: Clock = system_clock,
        settled_together: int = SETTLED_TOGETHER,
        patience: timedelta = PATIENCE,
    ) -> None:
        """Raise Unreachable where the server cannot be reached or holds a newer ledger."""
        self.connection = Connection(target)
        self.lease = Lease(self.connection, patience=patience)
        self._clock = clock
        self._settled_together = settled_together
        self._writer: Writer | None = None
        self._writing = threading.RLock()
        self._taken: Sequence[bytes] = _NOBODY
        self._trouble: str | None = None
        self._kept_since: tuple[float, datetime | None] | None = None

    def known(self, batch: Batch) -> frozenset[str]:
        """Return the identities among `batch` that were recorded before."""
        return self._write(lambda writer: records.known(self.connection, writer.snapshot, batch))

    def neighbourhood(self, batch: Batch) -> Neighbourhood:
        """Return what is recorded of the traces and response ids in `batch`, and of all they lead to."""
        return self._write(
            lambda writer: records.neighbourhood(self.connection, writer.snapshot, batch, self._settled_together)
        )

    def metric_state(self) -> MetricState:
        """Return what every cumulative metric series had counted at its last point."""
        return self._write(lambda writer: writer.metric_state)

    def kept_since(self) -> datetime | None:
        """Return since when rows of calls are kept, None where all are; as of some seconds ago."""
        if self._kept_since is None or time.monotonic() - self._kept_since[0] > _LOOK_EVERY_S:
            since = read_marks(self.connection, take_snapshot(self.connection)).rows_since
            self._kept_since = time.monotonic(), utc(since) if since else None
        return self._kept_since[1]

    @property
    def trouble(self) -> str | None:
        """Why the last write did not succeed, None where it did."""
        return self._trouble

    def probe(self) -> None:
        """Write next to nothing, durably; raise StoreUnavailable where that cannot be done."""
        self._watched(self.lease.probe)

    def commit(self, posting: Posting) -> None:
        """Add a posting in one atomic commit; see the port for what is raised when nothing was added."""
        self._write(lambda writer: writer.commit(posting, self._taken))
        self._taken = _NOBODY

    def take_over(self, stretch: Stretch) -> None:
        """Add what was posted to another ledger, as it was posted there, in one atomic commit."""
        self._write(lambda writer: writer.take_over(stretch))

    def note(self, document: bytes, *, is_whole: bool) -> None:
        """Add a document to the log of alerting, in one atomic commit."""
        self._write(lambda writer: writer.note(document, is_whole=is_whole))

    def tend(self, act: Callable[[Writer], Answer]) -> Answer:
        """Run on the writer what is no telemetry; raise as `commit` does."""
        answer = self._write(act)
        self._kept_since = None
        return answer

    def is_on_duty(self) -> bool:
        """Return whether this process holds the right to write, as far as it knows."""
        return self.lease.epoch is not None

    def leave(self, batch: Batch) -> None:
        """Put a batch into the inbox, durably, for whoever settles. Raise StoreUnavailable; the sender sends again."""
        self._watched(lambda: inbox.put(self.connection, batch))

    def waiting(self) -> list[tuple[bytes, Batch]]:
        """Return batches of the inbox that nobody settled, with their ids, the first to arrive first."""
        return self._write(lambda writer: inbox.waiting(self.connection, writer.snapshot))

    def set_aside(self, batch_id: bytes, batch: Batch, why: str) -> None:
        """Keep a batch that cannot be settled beside the ledger, and take it out of the inbox."""
        inbox.set_aside(self.connection, batch_id, batch, why)
        with self.taking([batch_id]):
            pass

    def tidy(self) -> None:
        """Remove what was settled from the inbox."""
        self._write(lambda writer: inbox.remove_settled(self.connection, writer.snapshot))

    @contextmanager
    def taking(self, batch_ids: Sequence[bytes]) -> Iterator[None]:
        """Have the batches of the inbox marked as settled by what the block commits, or alone where that is nothing."""
        with self._writing:
            self._taken = batch_ids
            try:
                yield
                if self._taken:
                    self.commit(Posting(Batch()))
            finally:
                self._taken = _NOBODY

    def try_to_hold(self) -> bool:
        """Return whether this process may write, claiming the right where nobody has it. Raise StoreUnavailable."""
        with self._writing:
            return self._held() is not None

    def close(self) -> None:
        """Let others write at once; nothing committed is lost."""
        with self._writing:
            self.lease.resign()
            self._writer = None
            self.connection.close()

    def _writer_or_refusal(self) -> Writer:
        if (writer := self._held()) is None:
            raise StoreUnavailable("another process writes this ledger; give it records through the inbox")
        return writer

    def _held(self) -> Writer | None:
        if self.lease.epoch is None or self._writer is None:
            self._writer = None
            epoch = self.lease.claim()
            if epoch is None:
                return None
            self._writer = Writer(self.connection, self.lease, epoch, self._clock)
        return self._writer

    def _write(self, act: Callable[[Writer], Answer]) -> Answer:
        with self._writing:
            return self._watched(lambda: act(self._writer_or_refusal()))

    def _watched(self, act: Callable[[], Answer]) -> Answer:
        try:
            answer = act()
        except (OverflowError, TypeError, ValueError) as error:
            raise PermanentError(f"the ledger cannot hold this: {error}") from error
        except StoreUnavailable as error:
            self._trouble = str(error)
            _log.warning("commit failed: %s", error)
            raise
        self._trouble = None
        return answer
