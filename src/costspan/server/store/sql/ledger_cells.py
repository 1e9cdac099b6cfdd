"""The ledger's side of a bill: quantities from `calls`, cost by unit from `charges`; roll-ups where those are gone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from costspan.core.units import Unit
from costspan.server.store.cells import CellsQuestion, LedgerCell, LedgerLine
from costspan.server.store.sql.conditions import naive, utc
from costspan.server.store.sql.dialect import Ask, Dialect
from costspan.server.store.sql.plan import ROLLED

_LONGEST: Final = timedelta(days=1)
"""A call is looked for from this long before it was complete."""
_KEYS: Final = "hour, model, mode, scope"
_UNITS: Final = tuple(Unit)
_TOOK_US: Final = "floor(coalesce(duration_ns, 0) / 1000)::BIGINT"
_COMPLETE: Final = f"date_trunc('hour', started_at + INTERVAL ({_TOOK_US}) MICROSECOND)"
_OWNED: Final = (
    f"SELECT *, {_COMPLETE} AS hour, {{scope}} AS scope FROM calls WHERE role = 'owner' AND provider = ? "
    "AND started_at >= ? AND started_at < ?"
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
    f"SELECT {_KEYS}, sum(billed_calls + unpriced_calls)::Int128, "
    + ", ".join(f"sum({tokens})::Int128, sum({cost})::Int128" for tokens, cost in _CLASSES.values())
    + " FROM (SELECT *, {scope} AS scope FROM rollups WHERE provider = ? AND hour >= ? AND hour < ?) "
    f"GROUP BY {_KEYS} HAVING sum(entries) > 0"
)

Key = tuple[datetime, str | None, str, str | None]
Lines = dict[Unit, LedgerLine]


def ledger_cells(ask: Ask, dialect: Dialect, question: CellsQuestion, rows_since: datetime | None) -> list[LedgerCell]:
    """Return the cells in order; those from before `rows_since` from roll-ups."""
    since, until = naive(question.period.since), naive(question.period.until)
    rows_since = rows_since or since
    cells: dict[Key, tuple[int, Lines]] = {}
    if since < rows_since:
        cells |= _rolled_up(ask, question, since, min(until, rows_since))
    if until > rows_since:
        cells |= _of_rows(ask, dialect, question, max(since, rows_since), until)
    return _in_order(question, cells)


def _rolled_up(ask: Ask, question: CellsQuestion, since: datetime, until: datetime) -> dict[Key, tuple[int, Lines]]:
    scope = question.scope_by if question.scope_by in ROLLED else "NULL::VARCHAR"
    found: dict[Key, tuple[int, Lines]] = {}
    for row in ask(_ROLLED_UP.format(scope=scope), [question.provider, since, until]):
        pairs = zip(_CLASSES, row[5::2], row[6::2], strict=True)
        lines = {unit: LedgerLine(int(n), int(cost), int(cost)) for unit, n, cost in pairs if n or cost}
        found[row[:4]] = (int(row[4]), lines)
    return found


def _of_rows(
    ask: Ask, dialect: Dialect, question: CellsQuestion, since: datetime, until: datetime
) -> dict[Key, tuple[int, Lines]]:
    scope = dialect.column(question.scope_by) if question.scope_by else "NULL::VARCHAR"
    of_calls = [question.provider, since - _LONGEST, until, since]
    charged: dict[Key, dict[Unit, tuple[int, int, int]]] = {}
    for row in ask(_costs(dialect, scope), [*of_calls, since - _LONGEST, until]):
        _, _, _, _, unit, quantity, list_cost, cost = row
        charged.setdefault(row[:4], {})[Unit(unit)] = (int(quantity), int(list_cost), int(cost))
    found: dict[Key, tuple[int, Lines]] = {}
    for row in ask(_quantities(dialect, scope), of_calls):
        key: Key = row[:4]
        if utc(key[0]) < utc(until):
            found[key] = (int(row[4]), _lines(row[5:], charged.get(key, {})))
    return found


def _in_order(question: CellsQuestion, cells: Mapping[Key, tuple[int, Lines]]) -> list[LedgerCell]:
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


def _quantities(dialect: Dialect, scope: str) -> str:
    used = "error_type IS NULL OR tokens > 0 OR used"
    sums = ", ".join(dialect.total(f"sign * q_{unit}", None) for unit in _UNITS)
    return (
        f"SELECT {_KEYS}, {dialect.total('sign * call_count', used)}, {sums} FROM "
        f"(SELECT *, {' + '.join(f'q_{unit}' for unit in _UNITS)} > 0 AS used FROM ({_OWNED.format(scope=scope)})) "
        f"WHERE hour >= ? GROUP BY {_KEYS} HAVING sum(sign) > 0"
    )


def _costs(dialect: Dialect, scope: str) -> str:
    sums = ", ".join(
        dialect.total(f"c.sign * {value}", None) for value in ("c.quantity", "coalesce(c.list_cost, c.cost)", "c.cost")
    )
    return (
        f"SELECT {_KEYS}, unit, {sums} FROM "
        f"(SELECT entry_id, {_KEYS} FROM ({_OWNED.format(scope=scope)}) WHERE sign > 0 AND hour >= ?) o "
        "JOIN (SELECT * FROM charges WHERE started_at >= ? AND started_at < ?) c USING (entry_id) "
        f"GROUP BY {_KEYS}, unit"
    )


def _lines(used: Iterable[Any], charged: dict[Unit, tuple[int, int, int]]) -> Lines:
    lines = {}
    for unit, quantity in zip(_UNITS, used, strict=True):
        counted, list_cost, cost = charged.get(unit, (0, 0, 0))
        if counted or quantity:
            lines[unit] = LedgerLine(max(counted, int(quantity)), list_cost, cost)
    return lines
