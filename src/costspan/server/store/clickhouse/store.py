"""The ledger on ClickHouse behind the store's ports: written by whoever holds the lease, asked by everybody."""

from __future__ import annotations

from datetime import datetime, timedelta

from costspan.core.clock import Clock, system_clock
from costspan.server.store.calls import CallsPage, CallsQuestion, TraceView
from costspan.server.store.cells import CellsQuestion, LedgerCell
from costspan.server.store.clickhouse.connection import Target
from costspan.server.store.clickhouse.lease import PATIENCE
from costspan.server.store.clickhouse.ledger import ClickHouseLedger
from costspan.server.store.clickhouse.reader import MAX_EXACT, Reader
from costspan.server.store.ports import SETTLED_TOGETHER
from costspan.server.store.question import LedgerSummary, SpendAnswer, SpendQuestion
from costspan.server.store.spend_series import SeriesAnswer, SeriesQuestion, Touched
from costspan.server.store.tools import AskedTrace, ToolQuestion
from costspan.server.store.usage_history import UsageQuestion, UsageRow


class ClickHouseStore(ClickHouseLedger):
    """One process's view of a ledger that others write and ask, too."""

    def __init__(
        self,
        target: Target,
        *,
        clock: Clock = system_clock,
        settled_together: int = SETTLED_TOGETHER,
        max_exact: int = MAX_EXACT,
        patience: timedelta = PATIENCE,
    ) -> None:
        super().__init__(target, clock=clock, settled_together=settled_together, patience=patience)
        self._reader = Reader(self.connection, max_exact)

    def spend(self, question: SpendQuestion) -> SpendAnswer:
        """Return the measures of the calls asked about."""
        return self._reader.spend(question)

    def summary(self) -> LedgerSummary:
        """Return how much the ledger holds."""
        return self._reader.summary()

    def spend_series(self, question: SeriesQuestion) -> SeriesAnswer:
        """Return spend by group and five minutes."""
        return self._reader.spend_series(question)

    def touched(self, after: datetime | None = None) -> Touched:
        """Return what was posted after a moment."""
        return self._reader.touched(after)

    def calls(self, question: CallsQuestion) -> CallsPage:
        """Return one page of the entries asked for."""
        return self._reader.calls(question)

    def traces(self, prefix: str, limit: int) -> tuple[str, ...]:
        """Return the first recorded trace ids that begin with `prefix`."""
        return self._reader.traces(prefix, limit)

    def trace(self, trace_id: str) -> TraceView:
        """Return all that is recorded of a trace."""
        return self._reader.trace(trace_id)

    def usage_history(self, question: UsageQuestion) -> list[UsageRow]:
        """Return what the calls asked about used."""
        return self._reader.usage_history(question)

    def tool_traces(self, question: ToolQuestion) -> list[AskedTrace]:
        """Return the traces with a tool use or a tool's fee asked about."""
        return self._reader.tool_traces(question)

    def ledger_cells(self, question: CellsQuestion) -> list[LedgerCell]:
        """Return the cells of calls that count."""
        return self._reader.ledger_cells(question)
