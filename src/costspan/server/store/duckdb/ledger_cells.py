"""`ledger_cells` of rows, and of roll-ups for the hours whose rows are gone."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import duckdb

from costspan.core.units import Unit
from costspan.server.store.cells import CellsQuestion, LedgerCell, LedgerLine
from costspan.server.store.duckdb.asking import asking
from costspan.server.store.duckdb.rollups import ROWS_SINCE, mark
from costspan.server.store.sql.conditions import naive
from costspan.server.store.sql.dialect import DUCKDB
from costspan.server.store.sql.ledger_cells import Key, Lines, cells_of_rows, in_order
from costspan.server.store.sql.plan import ROLLED

_KEYS: Final = "hour, model, mode, scope"
_CLASSES: Final = {
    Unit.INPUT: ("input_tokens", "input_cost"),
    Unit.CACHE_READ: ("cache_read_tokens", "cache_read_cost"),
    Unit.CACHE_WRITE_5M: ("cache_write_tokens", "cache_write_cost"),
    Unit.OUTPUT: ("output_tokens", "output_cost"),
    Unit.WEB_SEARCH: ("0", "fee_cost"),
}
"""What is left of units in roll-ups: a class stands under its commonest unit, with its cost as its list cost."""
_ROLLED_UP: Final = (
    f"SELECT {_KEYS}, sum(billed_calls + unpriced_calls)::HUGEINT, "
    + ", ".join(f"sum({tokens})::HUGEINT, sum({cost})::HUGEINT" for tokens, cost in _CLASSES.values())
    + " FROM (SELECT *, {scope} AS scope FROM rollups WHERE provider = $provider AND hour >= $from AND hour < $until) "
    "GROUP BY ALL HAVING sum(entries) > 0"
)


def ledger_cells(connection: duckdb.DuckDBPyConnection, question: CellsQuestion) -> list[LedgerCell]:
    """Return the cells in order."""
    since, until = naive(question.period.since), naive(question.period.until)
    rows_since = mark(connection, ROWS_SINCE) or since
    cells: dict[Key, tuple[int, Lines]] = {}
    if since < rows_since:
        cells |= _rolled_up(connection, question, since, min(until, rows_since))
    if until > rows_since:
        cells |= cells_of_rows(asking(connection), DUCKDB, question, max(since, rows_since), until)
    return in_order(question, cells)


def _rolled_up(
    connection: duckdb.DuckDBPyConnection, question: CellsQuestion, since: datetime, until: datetime
) -> dict[Key, tuple[int, Lines]]:
    scope = question.scope_by if question.scope_by in ROLLED else "NULL::VARCHAR"
    values = {"provider": question.provider, "from": since, "until": until}
    found: dict[Key, tuple[int, Lines]] = {}
    for row in connection.execute(_ROLLED_UP.format(scope=scope), values).fetchall():
        pairs = zip(_CLASSES, row[5::2], row[6::2], strict=True)
        lines = {unit: LedgerLine(int(n), int(cost), int(cost)) for unit, n, cost in pairs if n or cost}
        found[row[:4]] = (int(row[4]), lines)
    return found
