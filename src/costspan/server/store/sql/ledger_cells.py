"""The ledger's side of a bill, from rows: quantities from `calls`, cost by unit from `charges`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from costspan.core.units import Unit
from costspan.server.store.cells import CellsQuestion, LedgerCell, LedgerLine
from costspan.server.store.sql.conditions import utc
from costspan.server.store.sql.dialect import Ask, Dialect

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

Key = tuple[datetime, str | None, str, str | None]
Lines = dict[Unit, LedgerLine]


def cells_of_rows(
    ask: Ask, dialect: Dialect, question: CellsQuestion, since: datetime, until: datetime
) -> dict[Key, tuple[int, Lines]]:
    """Return how many calls a cell has, and its lines, for the hours from `since` on to `until`."""
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


def in_order(question: CellsQuestion, cells: Mapping[Key, tuple[int, Lines]]) -> list[LedgerCell]:
    """Return the cells as they are answered."""
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
