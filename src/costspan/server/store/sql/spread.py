"""What is no sum: quantiles of durations, from rows or sketches, and the error of what was sampled."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from math import isnan
from typing import Any, Final

from costspan.server.store.sql.dialect import Ask
from costspan.server.store.sql.measures import OWNED
from costspan.server.store.sql.plan import Plan, Source
from costspan.server.store.sql.sketches import COLUMNS, SHARES, counted, quantiles, slot

Group = tuple[Any, ...] | None
"""The key values and bucket of a group; None is the total."""
Spread = dict[Group, dict[str, Any]]
"""Group -> measure -> its value."""

# What takes an entry back began when that did.
_TAKEN_BACK: Final = (
    "SELECT entry_id FROM calls WHERE sign < 0 AND booked_at IS NULL AND started_at >= ? AND started_at < ?"
)
_STANDS: Final = f"sign > 0 AND booked_at IS NULL AND entry_id NOT IN ({_TAKEN_BACK})"


def exact_quantiles(
    ask: Ask,
    planned: Plan,
    measures: Sequence[str] = tuple(COLUMNS),
    among: str | None = None,
    *,
    with_total: bool = False,
) -> Spread:
    """Return the quantiles over the entries that stand, those taken back left out with their reversals.

    Here and below, `measures` are those of COLUMNS that are asked for, at least one, and `among` is a table of the
    groups that matter. `with_total` tells those of all groups together, too.
    """
    selected = ", ".join(planned.dialect.quantiles(COLUMNS[name], SHARES) for name in measures)
    is_total, by = "FALSE", _by(planned)
    if with_total and planned.names:
        is_total, by = (
            f"grouping({planned.names[0]}) = 1",
            f" GROUP BY GROUPING SETS (({', '.join(planned.names)}), ())",
        )
    told = ", ".join([*planned.grouping(rolled=False), is_total, selected])
    query = f"SELECT {told} FROM {planned.rows.sql} WHERE {OWNED} AND {_STANDS}{_kept(planned, among)}{by}"
    width = len(planned.names)
    return {
        None if row[width] or not width else row[:width]: {
            name: _ms(value) for name, value in zip(measures, row[width + 1 :], strict=True)
        }
        for row in ask(query, (*planned.rows.values, *planned.period))
    }


def sketched_quantiles(
    ask: Ask, planned: Plan, measures: Sequence[str] = tuple(COLUMNS), among: str | None = None
) -> Spread:
    """Return the quantiles over what sketches and rows count in each bucket."""
    found: Spread = defaultdict(dict)
    shown = ", ".join(planned.names)
    for measure in measures:
        counts = _counts(planned, measure, COLUMNS[measure], among)
        for row in ask(quantiles(counts.sql, shown), counts.values):
            found[row[:-1] if shown else None][measure] = _ms(row[-1])
    return dict(found)


def _counts(planned: Plan, measure: str, column: str, among: str | None) -> Source:
    by = ", ".join([*planned.names, "slot"])
    told = ", ".join([*planned.grouping(rolled=False), f"{slot(column)} AS slot", "sum(sign)::Int128 AS n"])
    query = f"SELECT {told} FROM {planned.rows.sql} WHERE {counted(column)}{_kept(planned, among)} GROUP BY {by}"
    if planned.rolled is None:
        return Source(query, planned.rows.values)
    told = "".join(f"{name}, " for name in planned.grouping(rolled=True))
    kept = f"measure = '{measure}'{_kept(planned, among, rolled=True)}"
    unnested = f"SELECT {told}{planned.dialect.counts} FROM {planned.rolled.sql} WHERE {kept}"
    query += f" UNION ALL SELECT {by}, sum(n)::Int128 FROM ({unnested}) GROUP BY {by}"
    return Source(query, (*planned.rows.values, *planned.rolled.values))


def standard_errors(ask: Ask, planned: Plan, among: str | None = None) -> Spread:
    """Return the standard error of each estimate: the root of the sum of w(w-1)y² over sampled traces.

    y is what a trace, sampled as a whole with the adjusted count w, cost within the group (Horvitz-Thompson).
    """
    told = "".join(f"{name}, " for name in planned.grouping(rolled=False))
    names = "".join(f"{name}, " for name in planned.names)
    traces = (
        f"SELECT {told}coalesce(trace_id, key) AS trace, adjusted_count AS w, sum(sign * cost)::DOUBLE AS y "
        f"FROM {planned.rows.sql} WHERE {OWNED} AND estimated_cost IS NOT NULL{_kept(planned, among)} "
        f"GROUP BY {names}trace, w HAVING sum(sign) > 0"
    )
    query = f"SELECT {names}sqrt(sumKahan(w * (w - 1) * y * y)) FROM ({traces}){_by(planned)}"
    found = ask(query, planned.rows.values)
    return {row[:-1] if names else None: {"estimated_cost_stderr": row[-1]} for row in found}


def _kept(planned: Plan, among: str | None, *, rolled: bool = False) -> str:
    return f" AND {planned.chosen(among, rolled=rolled)}" if planned.keys and among else ""


def _by(planned: Plan) -> str:
    return f" GROUP BY {', '.join(planned.names)}" if planned.names else ""


def _ms(quantiles_ns: list[float | None] | None) -> tuple[float, ...] | None:
    found = tuple(round(value / 1e6, 3) for value in quantiles_ns or () if value is not None and not isnan(value))
    return found or None
