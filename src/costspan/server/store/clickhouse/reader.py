"""Answering questions on ClickHouse, each in a snapshot of its own."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from costspan.core.errors import UsageError
from costspan.core.period import Period
from costspan.server.store.calls import CallsPage, CallsQuestion, TraceView
from costspan.server.store.cells import CellsQuestion, LedgerCell
from costspan.server.store.clickhouse.asking import asking
from costspan.server.store.clickhouse.connection import Connection
from costspan.server.store.clickhouse.marks import read_marks, with_roll_ups
from costspan.server.store.clickhouse.snapshot import take_snapshot
from costspan.server.store.clickhouse.spend import Answering
from costspan.server.store.question import ORDERS, LedgerSummary, SpendAnswer, SpendQuestion
from costspan.server.store.spend_series import SeriesAnswer, SeriesQuestion, Touched
from costspan.server.store.sql import read_calls
from costspan.server.store.sql.conditions import naive, utc
from costspan.server.store.sql.dialect import CLICKHOUSE, Ask
from costspan.server.store.sql.ledger_cells import ledger_cells
from costspan.server.store.sql.plan import Extent, plan
from costspan.server.store.sql.spend_series import series_answer, series_columns, series_query, touched
from costspan.server.store.sql.tool_traces import tool_traces
from costspan.server.store.sql.usage_history import usage_history
from costspan.server.store.tools import AskedTrace, ToolQuestion
from costspan.server.store.usage_history import UsageQuestion, UsageRow

MAX_EXACT: Final = 500_000
"""Calls in a period beyond which its quantiles are told by buckets, which are off by 1.1 % at most."""

# Read in the order they are kept in, up to the first.
_LAST: Final = (
    "SELECT (SELECT started_at FROM calls ORDER BY started_at DESC LIMIT 1), "
    "(SELECT max(booked_at) FROM calls WHERE booked_at IS NOT NULL)"
)
_FIRST: Final = "SELECT started_at FROM calls ORDER BY started_at{} LIMIT 1"
_FIRST_HOUR: Final = "SELECT hour FROM rollups ORDER BY hour{} LIMIT 1"
_BY_DIALECT: Final = SpendQuestion(
    Period(datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)), group_by=("dialect",)
)


class Reader:
    """Questions about spend. Threads may ask at once."""

    def __init__(self, connection: Connection, max_exact: int = MAX_EXACT) -> None:
        self._connection = connection
        self._max_exact = max_exact

    def spend(self, question: SpendQuestion) -> SpendAnswer:
        """Return rows and total. Raise UsageError for an order that is no measure."""
        if question.order not in ORDERS:
            raise UsageError(f"cannot order by {question.order!r}; known: {', '.join(ORDERS)}")
        return Answering(*self._ask_with_roll_ups(), question, self._max_exact).answer()

    def summary(self) -> LedgerSummary:
        """Return how many calls the ledger holds, from when to when, by dialect."""
        ask, there = self._ask_with_roll_ups()
        parts = plan(CLICKHOUSE, there, _BY_DIALECT).parts(["entries", "calls"])
        by_dialect = f"SELECT k0, sum(calls)::Int64 FROM ({parts.sql}) GROUP BY 1 HAVING sum(entries) > 0 ORDER BY 1"
        dialects = {dialect: int(calls) for dialect, calls in ask(by_dialect, parts.values)}
        tables = (_FIRST,) if there.rows_since is None else (_FIRST, _FIRST_HOUR)
        first, last = ([at for table in tables for (at,) in ask(table.format(way), ())] for way in ("", " DESC"))
        return LedgerSummary(
            calls=sum(dialects.values()),
            first_call_at=utc(min(first)) if first else None,
            last_call_at=utc(max(last)) if last else None,
            dialects=dialects,
        )

    def spend_series(self, question: SeriesQuestion) -> SeriesAnswer:
        """Return spend by group and five minutes."""
        query = series_query(CLICKHOUSE, question)
        rows = self._ask()(query.sql, query.values)
        names = series_columns(question)
        columns = zip(*rows, strict=True) if rows else ((),) * len(names)
        return series_answer(question, {name: list(found) for name, found in zip(names, columns, strict=True)})

    def touched(self, after: datetime | None = None) -> Touched:
        """Return what was posted after a moment."""
        return touched(self._ask(), after)

    def usage_history(self, question: UsageQuestion) -> list[UsageRow]:
        """Return what the calls asked about used."""
        return usage_history(self._ask(), CLICKHOUSE, question)

    def tool_traces(self, question: ToolQuestion) -> list[AskedTrace]:
        """Return the traces with a tool use or a tool's fee asked about. Raise UsageError where they are too many."""
        return tool_traces(self._ask("use"), CLICKHOUSE, question)

    def ledger_cells(self, question: CellsQuestion) -> list[LedgerCell]:
        """Return the cells of calls that count."""
        ask, there = self._ask_with_roll_ups()
        return ledger_cells(ask, CLICKHOUSE, question, there.rows_since)

    def calls(self, question: CallsQuestion) -> CallsPage:
        """Return one page of the entries asked for."""
        return read_calls.page(self._ask(), CLICKHOUSE, question)

    def traces(self, prefix: str, limit: int) -> tuple[str, ...]:
        """Return the first recorded trace ids that begin with `prefix`."""
        return read_calls.traces(self._ask(), CLICKHOUSE, prefix, limit)

    def trace(self, trace_id: str) -> TraceView:
        """Return all that is recorded of a trace."""
        return read_calls.trace(self._ask(), CLICKHOUSE, trace_id)

    def _ask(self, *as_bytes: str) -> Ask:
        return asking(self._connection, take_snapshot(self._connection), as_bytes)

    def _ask_with_roll_ups(self) -> tuple[Ask, Extent]:
        snapshot = take_snapshot(self._connection)
        marks = read_marks(self._connection, snapshot)
        ask = asking(self._connection, with_roll_ups(snapshot, marks))
        [(last, booked)] = ask(_LAST, ())
        last_at = max((naive(at) for at in (last, booked) if at is not None), default=None)
        there = Extent(marks.rolled_up_to, marks.rows_since, rows=None, has_booked=booked is not None, last_at=last_at)
        return ask, there
