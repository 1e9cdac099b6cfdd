"""`ledger_cells` in SQL: quantities from `calls`, cost by unit from `charges`; hours gone from rows from roll-ups."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

import duckdb

from costspan.core.units import Unit
from costspan.server.store.cells import CellsQuestion, LedgerCell, LedgerLine
from costspan.server.store.duckdb.rollups import ROWS_SINCE, mark
from costspan.server.store.sql.conditions import naive, utc
from costspan.server.store.sql.dialect import DUCKDB
from costspan.server.store.sql.plan import ROLLED

_LONGEST: Final = timedelta(days=1)
"""A call is looked for from this long before it was complete."""
_KEYS: Final = "hour, model, mode, scope"
_UNITS: Final = tuple(Unit)
_SUMS: Final = ", ".join(f"sum(sign * q_{unit})::HUGEINT" for unit in _UNITS)
_COMPLETE: Final = "date_trunc('hour', started_at + to_microseconds(coalesce(duration_ns, 0) // 1000))"
_OWNED: Final = (
    f"SELECT *, {_COMPLETE} AS hour, {{scope}} AS scope FROM calls WHERE role = 'owner' AND provider = $provider "
    "AND started_at >= $from AND started_at < $until"
)
_QUANTITIES: Final = (
    f"SELECT {_KEYS}, coalesce(sum(sign * call_count) FILTER (WHERE error_type IS NULL OR tokens > 0 OR used), 0)"
    f"::HUGEINT, {_SUMS} FROM (SELECT *, {' + '.join(f'q_{unit}' for unit in _UNITS)} > 0 AS used FROM ({_OWNED})) "
    f"WHERE hour >= $since GROUP BY ALL HAVING sum(sign) > 0"
)
_COSTS: Final = (
    f"SELECT {_KEYS}, unit, sum(c.sign * c.quantity)::HUGEINT, "
    "sum(c.sign * coalesce(c.list_cost, c.cost))::HUGEINT, sum(c.sign * c.cost)::HUGEINT "
    f"FROM charges c JOIN (SELECT entry_id, {_KEYS} FROM ({_OWNED}) WHERE sign > 0 AND hour >= $since) "
    f"USING (entry_id) WHERE c.started_at >= $from AND c.started_at < $until GROUP BY {_KEYS}, unit"
)
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

Key = tuple[datetime, str | None, str, str | None]
Lines = dict[Unit, LedgerLine]


def ledger_cells(connection: duckdb.DuckDBPyConnection, question: CellsQuestion) -> list[LedgerCell]:
    """Return the cells in order."""
    since, until = naive(question.period.since), naive(question.period.until)
    rows_since = mark(connection, ROWS_SINCE) or since
    cells: dict[Key, tuple[int, Lines]] = {}
    if since < rows_since:
        cells |= _rolled_up(connection, question, since, min(until, rows_since))
    if until > rows_since:
        cells |= _of_rows(connection, question, max(since, rows_since), until)
    ordered = sorted(cells, key=lambda key: tuple((part is None, str(part or "")) for part in key))
    return [
        LedgerCell(
            hour=utc(key[0]),
            provider=question.provider,
            model=key[1],
            mode=key[2],
            scope=key[3],
            calls=cells[key][0],
            lines=cells[key][1],
        )
        for key in ordered
    ]


def _of_rows(
    connection: duckdb.DuckDBPyConnection, question: CellsQuestion, since: datetime, until: datetime
) -> dict[Key, tuple[int, Lines]]:
    scope = DUCKDB.column(question.scope_by) if question.scope_by else "NULL::VARCHAR"
    values = {"provider": question.provider, "from": since - _LONGEST, "since": since, "until": until}
    charged: dict[Key, dict[Unit, tuple[int, int, int]]] = {}
    for row in connection.execute(_COSTS.format(scope=scope), values).fetchall():
        _, _, _, _, unit, quantity, list_cost, cost = row
        charged.setdefault(row[:4], {})[Unit(unit)] = (int(quantity), int(list_cost), int(cost))
    found: dict[Key, tuple[int, Lines]] = {}
    for row in connection.execute(_QUANTITIES.format(scope=scope), values).fetchall():
        key: Key = row[:4]
        if key[0] < until:
            found[key] = (int(row[4]), _lines(row[5:], charged.get(key, {})))
    return found


def _lines(used: Iterable[Any], charged: dict[Unit, tuple[int, int, int]]) -> Lines:
    lines = {}
    for unit, quantity in zip(_UNITS, used, strict=True):
        counted, list_cost, cost = charged.get(unit, (0, 0, 0))
        if counted or quantity:
            lines[unit] = LedgerLine(max(counted, int(quantity)), list_cost, cost)
    return lines


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
