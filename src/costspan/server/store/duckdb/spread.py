"""What is no sum: quantiles of durations, from rows or sketches, and the error of what was sampled."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, Final

import duckdb

from costspan.server.store.duckdb.measures import OWNED
from costspan.server.store.duckdb.plan import Plan, Source
from costspan.server.store.duckdb.sketches import COLUMNS, SHARES, counted, quantiles, slot

Group = tuple[Any, ...] | None
"""The key values and bucket of a group; None is the total."""
Spread = dict[Group, dict[str, Any]]
"""Group -> measure -> its value."""

_TAKEN_BACK: Final = "SELECT entry_id FROM calls WHERE sign < 0 AND booked_at IS NULL"
_STANDS: Final = f"sign > 0 AND booked_at IS NULL AND entry_id NOT IN ({_TAKEN_BACK})"


def exact_quantiles(cursor: duckdb.DuckDBPyConnection, planned: Plan) -> Spread:
    """Return the quantiles over the entries that stand, those taken back left out with their reversals."""
    selected = ", ".join(
        f"quantile_cont({column}, {list(SHARES)}) FILTER (WHERE {column} IS NOT NULL)" for column in COLUMNS.values()
    )
    kept = f"SELECT * FROM {planned.rows.sql} WHERE {OWNED} AND {_STANDS}"
    found: Spread = {}
    for names, _, asked in _levels(planned):
        told = ", ".join([*planned.grouping(rolled=False), selected]) if names else selected
        by = f" GROUP BY {', '.join(names)}" if names else ""
        query = f"SELECT {told} FROM ({kept}){by}"
        for row in cursor.execute(f"SELECT * FROM ({query}) AS q{asked}", planned.rows.values).fetchall():
            group = row[: len(names)] if names else None
            found[group] = {name: _ms(value) for name, value in zip(COLUMNS, row[len(names) :], strict=True)}
    return found


def sketched_quantiles(cursor: duckdb.DuckDBPyConnection, planned: Plan) -> Spread:
    """Return the quantiles over what sketches and rows count in each bucket."""
    found: Spread = defaultdict(dict)
    for measure, column in COLUMNS.items():
        counts = _counts(planned, measure, column)
        cursor.execute(f"CREATE OR REPLACE TEMP TABLE counts AS {counts.sql}", counts.values)
        for names, shown, asked in _levels(planned):
            query = quantiles("SELECT * FROM counts", shown)
            for row in cursor.execute(f"SELECT * FROM ({query}) AS q{asked}").fetchall():
                found[row[: len(names)] if names else None][measure] = _ms(row[-1])
    return dict(found)


def _levels(planned: Plan) -> list[tuple[list[str], str, str]]:
    """Return the total, and the groups that were answered: names, the same as text, and the condition on them."""
    levels: list[tuple[list[str], str, str]] = [([], "", "")]
    if planned.names:
        same = " AND ".join(f"a.{name} IS NOT DISTINCT FROM q.{name}" for name in planned.names)
        asked = f" WHERE EXISTS (SELECT 1 FROM answered a WHERE {same})"
        levels.append((planned.names, ", ".join(planned.names), asked))
    return levels


def _counts(planned: Plan, measure: str, column: str) -> Source:
    of_rows = ", ".join([*planned.grouping(rolled=False), f"{slot(column)} AS slot", "sum(sign)::HUGEINT AS n"])
    query = f"SELECT {of_rows} FROM {planned.rows.sql} WHERE {counted(column)} GROUP BY {_by(planned)}"
    if planned.rolled is None:
        return Source(query, planned.rows.values)
    hours = planned.rolled.sql.replace("FROM rollups WHERE", "FROM sketches WHERE")
    told = "".join(f"{name}, " for name in planned.grouping(rolled=True))
    unnested = f"SELECT {told}unnest(counts, recursive := true) FROM {hours} WHERE measure = '{measure}'"
    names = "".join(f"{name}, " for name in planned.names)
    query += f" UNION ALL SELECT {names}slot, sum(n)::HUGEINT FROM ({unnested}) GROUP BY {_by(planned)}"
    return Source(query, (*planned.rows.values, *planned.rolled.values))


def _by(planned: Plan) -> str:
    return ", ".join([*planned.names, "slot"])


def standard_errors(cursor: duckdb.DuckDBPyConnection, planned: Plan) -> Spread:
    """Return the standard error of each estimate: the root of the sum of w(w-1)y² over sampled traces.

    y is what a trace, sampled as a whole with the adjusted count w, cost within the group (Horvitz-Thompson).
    """
    found: Spread = {}
    for names, _, _ in _levels(planned):
        told = "".join(f"{name}, " for name in planned.grouping(rolled=False)) if names else ""
        grouped = "".join(f"{name}, " for name in names)
        traces = (
            f"SELECT {told}coalesce(trace_id, key) AS trace, adjusted_count AS w, sum(sign * cost)::DOUBLE AS y "
            f"FROM {planned.rows.sql} WHERE {OWNED} AND estimated_cost IS NOT NULL GROUP BY {grouped}trace, w "
            "HAVING sum(sign) > 0"
        )
        by = f" GROUP BY {grouped.removesuffix(', ')}" if names else ""
        query = f"SELECT {grouped}sqrt(fsum(w * (w - 1) * y * y)) FROM ({traces}){by}"
        for row in cursor.execute(query, planned.rows.values).fetchall():
            found[row[:-1] if names else None] = {"estimated_cost_stderr": row[-1]}
    return found


def _ms(quantiles_ns: list[float | None] | None) -> tuple[float, ...] | None:
    found = tuple(round(value / 1e6, 3) for value in quantiles_ns or () if value is not None)
    return found or None
