"""The ledger on ClickHouse behind the store's ports: written by whoever holds the lease, asked by everybody."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, NoReturn

from costspan.core.clock import Clock, system_clock
from costspan.core.errors import UsageError
from costspan.server.store.clickhouse.connection import Target
from costspan.server.store.clickhouse.lease import PATIENCE
from costspan.server.store.clickhouse.ledger import ClickHouseLedger
from costspan.server.store.clickhouse.reader import MAX_EXACT, Reader
from costspan.server.store.ports import SETTLED_TOGETHER
from costspan.server.store.question import LedgerSummary, SpendAnswer, SpendQuestion


def _not_yet(what: str) -> Callable[..., Any]:
    def refuse(*_: object) -> NoReturn:
        raise UsageError(f"{what} cannot be asked of a ledger on ClickHouse yet")

    return refuse


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

    spend_series = _not_yet("anomalies and series")
    calls = _not_yet("single calls")
    traces = _not_yet("traces")
    trace = _not_yet("traces")
    usage_history = _not_yet("what-if")
    tool_traces = _not_yet("tools")
    ledger_cells = _not_yet("reconciliation")
