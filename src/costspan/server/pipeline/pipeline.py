"""The walk of one request: read, settle, price, commit. Threads call it; nothing here is async."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, replace

from costspan.semconv.dialects.detection import Dialects
from costspan.server.pipeline.apart import REASON
from costspan.server.pipeline.committer import Committer, New
from costspan.server.pipeline.counters import IngestCounters
from costspan.server.pipeline.forgotten import without_forgotten
from costspan.server.pipeline.reading import USUAL, Reading
from costspan.server.pipeline.signals import Received
from costspan.server.pipeline.tenant import of_tenant


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of one request, once it is durable."""

    items: int
    """Spans, log records or points the request held."""
    calls: int
    retransmitted: int
    refused: Mapping[str, int]

    @property
    def refused_items(self) -> int:
        """Spans, log records or points that will never be taken."""
        return sum(self.refused.values())


@dataclass(frozen=True, slots=True)
class Pending:
    """A request on its way into the ledger."""

    received: Received
    committed: Future[New]


class Pipeline:
    """Turns bodies into durable entries."""

    def __init__(self, committer: Committer, counters: IngestCounters, reading: Reading = USUAL) -> None:
        self._committer = committer
        self.reading = reading
        self.counters = counters

    @property
    def is_full(self) -> bool:
        """True when the next request would be told to come back."""
        return self._committer.is_full

    @property
    def waiting_requests(self) -> int:
        """How many requests wait for their commit."""
        return self._committer.waiting_requests

    def check(self) -> str | None:
        """Return why nothing can be made durable now, None where it can."""
        return self._committer.check()

    def read_in(self, dialects: Dialects) -> None:
        """Read what comes from now on in `dialects`."""
        self.reading = replace(self.reading, dialects=dialects)

    def start(self, body: bytes, content_type: str, signal: str = "traces", tenant: str | None = None) -> Pending:
        """Read a request of one signal, as `tenant`'s, and queue it for the commit.

        Raise UnreadableBody when the body is no request of that signal, RetryableError when too many requests wait.
        """
        return self.queue(self.reading.read(body, content_type, signal), tenant)

    def queue(self, received: Received, tenant: str | None = None) -> Pending:
        """Queue a request that was read, as `tenant`'s. Raise RetryableError when too many requests wait."""
        received = of_tenant(without_forgotten(received, self._committer.kept_since()), tenant)
        return Pending(received, self._committer.submit(received.batch))

    def finish(self, pending: Pending, new: New) -> Taken:
        """Count a committed request and return what became of it."""
        received = pending.received
        refused = received.refused + Counter({REASON: new.count(None)})
        fresh, known = (new[: len(received.batch.calls)].count(was) for was in (True, False))
        taken = Taken(items=received.items, calls=fresh, retransmitted=known, refused=dict(refused))
        self.counters.count_committed(
            received=taken.items,
            calls=taken.calls,
            retransmitted=taken.retransmitted,
            refused=taken.refused,
            latest_ns=max((call.ended_at_ns for call in received.batch.calls), default=None),
        )
        return taken

    def take(self, body: bytes, content_type: str, signal: str = "traces") -> Taken:
        """Take one request and wait until it is durable. Raise as `start` does, and StoreUnavailable."""
        pending = self.start(body, content_type, signal)
        return self.finish(pending, pending.committed.result())

    def close(self) -> None:
        """Commit what waits and stop."""
        self._committer.close()
