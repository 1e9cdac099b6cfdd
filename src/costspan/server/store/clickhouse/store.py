"""The ledger on ClickHouse behind the store's ports: written by whoever holds the lease, asked by everybody."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

from costspan.core.clock import Clock, system_clock
from costspan.core.errors import UsageError
from costspan.server.store.calls import CallsPage, CallsQuestion, TraceView
from costspan.server.store.cells import CellsQuestion, LedgerCell
from costspan.server.store.clickhouse.connection import Target
from costspan.server.store.clickhouse.ledger import ClickHouseLedger
from costspan.server.store.clickhouse.reader import MAX_EXACT, Reader
from costspan.server.store.ports import SETTLED_TOGETHER
from costspan.server.store.question import LedgerSummary, SpendAnswer, SpendQuestion
from costspan.server.store.spend_series import SeriesAnswer, SeriesQuestion
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
    ) -> None:
        super().__init__(target, clock=clock, settled_together=settled_together)
        self._reader = Reader(self.connection, max_exact)

    def spend(self, question: SpendQuestion) -> SpendAnswer:
        """Return the measures of the calls asked about."""
        return self._reader.spend(question)

    def summary(self) -> LedgerSummary:
        """Return how much the ledger holds."""
        return self._reader.summary()

    def spend_series(self, question: SeriesQuestion) -> SeriesAnswer:
        """Return spend by group and five minutes."""
        _not_yet("anomalies and series")

    def calls(self, question: CallsQuestion) -> CallsPage:
        """Return one page of the entries asked for."""
        _not_yet("single calls")

    def traces(self, prefix: str, limit: int) -> tuple[str, ...]:
        """Return the first recorded trace ids that begin with `prefix`."""
        _not_yet("traces")

    def trace(self, trace_id: str) -> TraceView:
        """Return all that is recorded of a trace."""
        _not_yet("traces")

    def usage_history(self, question: UsageQuestion) -> Sequence[UsageRow]:
        """Return what the calls asked about used."""
        _not_yet("what-if")

    def tool_traces(self, question: ToolQuestion) -> Sequence[AskedTrace]:
        """Return the traces with a tool use or a tool's fee asked about."""
        _not_yet("tools")

    def ledger_cells(self, question: CellsQuestion) -> Sequence[LedgerCell]:
        """Return the cells of calls that count."""
        _not_yet("reconciliation")


def _not_yet(what: str) -> NoReturn:
    raise UsageError(f"{what} cannot be asked of a ledger on ClickHouse yet")
