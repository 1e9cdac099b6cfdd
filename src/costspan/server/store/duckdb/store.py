"""The embedded ledger behind the store's ports: opens the file, appends, answers, and recovers from a failed commit."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Final, TypeVar

import duckdb

from costspan.core.clock import Clock, system_clock
from costspan.core.errors import PermanentError, StoreUnavailable, Unreachable
from costspan.semconv.metrics import MetricState
from costspan.server.store.calls import CallsPage, CallsQuestion, TraceView
from costspan.server.store.cells import CellsQuestion, LedgerCell
from costspan.server.store.duckdb import ledger_cells, records, spend_series, tools
from costspan.server.store.duckdb.asking import asking
from costspan.server.store.duckdb.connection import LEDGER_FILE, open_ledger_file
from costspan.server.store.duckdb.place import RESERVE_BYTES, Misplaced, Place
from costspan.server.store.duckdb.reader import MAX_EXACT, Reader
from costspan.server.store.duckdb.writer import Writer
from costspan.server.store.entry import Batch, Neighbourhood, Posting
from costspan.server.store.ports import SETTLED_TOGETHER
from costspan.server.store.question import LedgerSummary, SpendAnswer, SpendQuestion
from costspan.server.store.spend_series import SeriesAnswer, SeriesQuestion, Touched
from costspan.server.store.sql import read_calls
from costspan.server.store.sql.conditions import utc
from costspan.server.store.sql.dialect import DUCKDB
from costspan.server.store.sql.spend_series import touched
from costspan.server.store.sql.usage_history import usage_history
from costspan.server.store.tools import AskedTrace, ToolQuestion
from costspan.server.store.usage_history import UsageQuestion, UsageRow

Answer = TypeVar("Answer")

_log = logging.getLogger("costspan.store")
_UNFIT: Final = (duckdb.DataError, duckdb.ProgrammingError, duckdb.NotSupportedError)
"""A value of the batch is at fault: the same batch fails every time."""
_DEAD: Final = (duckdb.FatalException, duckdb.ConnectionException)
"""After one of these the instance answers nothing any more, not even reads, until the file is opened anew."""


class DuckDBStore:
    """One ledger file. One thread writes; questions may come from several."""

    def __init__(
        self,
        data: Path,
        *,
        read_only: bool = False,
        clock: Clock = system_clock,
        settled_together: int = SETTLED_TOGETHER,
        max_exact: int = MAX_EXACT,
        reserve_bytes: int = RESERVE_BYTES,
    ) -> None:
        self._data = data
        self._settled_together = settled_together
        self._max_exact = max_exact
        self._read_only = read_only
        self._clock = clock
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._opening = threading.Lock()
        self._place = Place(data / LEDGER_FILE, reserve_bytes=reserve_bytes)
        self._trouble: str | None = None
        self._open()

    @property
    def path(self) -> Path:
        """The ledger's file."""
        return self._data / LEDGER_FILE

    def known(self, batch: Batch) -> frozenset[str]:
        """Return the identities among `batch` that were recorded before."""
        return self._write(lambda: records.known(self._opened(), self._writer.recent, batch))

    def neighbourhood(self, batch: Batch) -> Neighbourhood:
        """Return what is recorded of the traces and response ids in `batch`."""
        return self._write(
            lambda: records.neighbourhood(self._opened(), self._writer.recent, batch, self._settled_together)
        )

    def metric_state(self) -> MetricState:
        """Return what every cumulative metric series had counted at its last point."""
        return self._write(lambda: self._writer.metric_state)

    def kept_since(self) -> datetime | None:
        """Return since when rows of calls are kept, None where all are."""
        since = self._writer.rows_since
        return utc(since) if since else None

    def commit(self, posting: Posting) -> None:
        """Add a posting in one durable commit; see the port for what is raised when nothing was added."""
        self._write(lambda: self._writer.commit(posting))

    def spend(self, question: SpendQuestion) -> SpendAnswer:
        """Return the measures of the calls asked about."""
        return self._read(lambda reader: reader.spend(question))

    def spend_series(self, question: SeriesQuestion) -> SeriesAnswer:
        """Return spend by group and five minutes."""
        return self._read(lambda reader: reader.look(lambda cursor: spend_series.spend_series(cursor, question)))

    def touched(self, after: datetime | None = None) -> Touched:
        """Return what was posted after a moment."""
        return self._read(lambda reader: reader.look(lambda cursor: touched(asking(cursor), after)))

    def summary(self) -> LedgerSummary:
        """Return how much the ledger holds."""
        return self._read(lambda reader: reader.summary())

    def calls(self, question: CallsQuestion) -> CallsPage:
        """Return one page of the entries asked for."""
        return self._read(lambda _: read_calls.page(asking(self._opened().cursor()), DUCKDB, question))

    def traces(self, prefix: str, limit: int) -> tuple[str, ...]:
        """Return the first recorded trace ids that begin with `prefix`."""
        return self._read(lambda _: read_calls.traces(asking(self._opened().cursor()), DUCKDB, prefix, limit))

    def trace(self, trace_id: str) -> TraceView:
        """Return all that is recorded of a trace."""
        return self._read(lambda _: read_calls.trace(asking(self._opened().cursor()), DUCKDB, trace_id))

    def usage_history(self, question: UsageQuestion) -> list[UsageRow]:
        """Return what the calls asked about used."""
        return self._read(lambda reader: reader.look(lambda cursor: usage_history(asking(cursor), DUCKDB, question)))

    def tool_traces(self, question: ToolQuestion) -> list[AskedTrace]:
        """Return the traces with a tool use or a tool's fee asked about."""
        return self._read(lambda _: tools.tool_traces(self._opened(), question))

    def ledger_cells(self, question: CellsQuestion) -> list[LedgerCell]:
        """Return the cells of calls that count."""
        return self.look(lambda connection: ledger_cells.ledger_cells(connection, question))

    def tend(self, act: Callable[[Writer], Answer]) -> Answer:
        """Run on the writer what leaves every record and entry as it is; raise as `commit` does."""
        return self._write(lambda: act(self._writer))

    def correct(self, act: Callable[[Writer], Answer]) -> Answer:
        """Run a correction on the writer; raise as `commit` does."""

        def correct() -> Answer:
            self._writer.recent.forget()
            return act(self._writer)

        return self._write(correct)

    def look(self, ask: Callable[[duckdb.DuckDBPyConnection], Answer]) -> Answer:
        """Run a question on a connection of its own, where it may keep temporary tables."""
        return self._read(lambda reader: reader.look(ask))

    def close(self) -> None:
        """Close the file; a later append opens it again."""
        with self._opening:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    @property
    def trouble(self) -> str | None:
        """Why the last write did not succeed, None where it did."""
        return self._trouble

    def probe(self) -> None:
        """Write next to nothing, durably; raise StoreUnavailable where that cannot be done."""
        self._write(lambda: self._writer.probe())  # noqa: PLW0108 - the file may be opened anew, with another writer

    def _write(self, act: Callable[[], Answer]) -> Answer:
        try:
            self._open()
            self._place.check()
            answer = act()
        except (*_UNFIT, OverflowError, TypeError, ValueError) as error:
            raise PermanentError(f"the ledger cannot hold this: {str(error).splitlines()[0]}") from error
        except (duckdb.Error, Unreachable, Misplaced) as error:
            self._trouble = str(error).splitlines()[0]
            _log.warning("commit failed, nothing of this batch was taken: %s", self._trouble)
            if isinstance(error, (*_DEAD, Misplaced)):
                self.close()
            raise StoreUnavailable("the ledger could not be written; try again") from error
        self._trouble = None
        return answer

    def _read(self, ask: Callable[[Reader], Answer]) -> Answer:
        try:
            self._open()
            return ask(self._reader)
        except (duckdb.Error, Unreachable) as error:
            raise StoreUnavailable(f"the ledger could not be read: {str(error).splitlines()[0]}") from error

    def _opened(self) -> duckdb.DuckDBPyConnection:
        if self._connection is None:
            raise StoreUnavailable("the ledger is closed")
        return self._connection

    def _open(self) -> None:
        with self._opening:
            if self._connection is None:
                self._place.open_again()
                self._connection = open_ledger_file(self._data, read_only=self._read_only)
                self._place.opened()
                recent = records.open_recent(self._connection, self._settled_together)
                self._writer = Writer(self._connection, self._clock, recent)
                self._reader = Reader(self._connection, self._max_exact)
