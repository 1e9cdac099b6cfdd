"""Usage summed to be priced otherwise, from the rows that stand; what conversations repeat, by windows over them."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import Any, Final

from costspan.core.call import Role, Signal
from costspan.core.units import CACHE_READ_UNITS, INPUT_UNITS, Unit
from costspan.core.usage import Usage
from costspan.server.store.sql.conditions import conditions
from costspan.server.store.sql.dialect import Ask, Dialect
from costspan.server.store.sql.standing import standing
from costspan.server.store.usage_history import (
    CACHE_LIVES,
    LEAST_CACHED,
    REUSED_WITHIN,
    Repeated,
    UsageQuestion,
    UsageRow,
)

_NAMES: Final = ("sent_provider", "requested_model", "response_model", "mode")
_CONTEXT: Final = " + ".join(f"q_{unit}" for unit in INPUT_UNITS)
_READ: Final = " + ".join(f"q_{unit}" for unit in CACHE_READ_UNITS)
_MODEL: Final = "coalesce(nullif(response_model, ''), requested_model)"
_THREAD: Final = f"PARTITION BY tenant, {_MODEL}, thread ORDER BY began, key"
_REUSED: Final = int(REUSED_WITHIN.total_seconds()) * 1_000_000


def _read_within(life: timedelta) -> str:
    """Return the SQL for the most that a later call read from the cache while it still held what was written."""
    return (
        f"max(cached) OVER (PARTITION BY tenant, {_MODEL}, feature ORDER BY began_ms RANGE BETWEEN "
        f"1 FOLLOWING AND {int(life.total_seconds()) * 1_000} FOLLOWING)"
    )


def _repeated(condition: str) -> str:
    """Return the SQL for the uncached input that the call before had sent too."""
    same = "least(before, context)"
    return (
        f"CASE WHEN {condition} AND {same} >= {LEAST_CACHED} "
        f"THEN greatest(0, least({same} - cached, q_{Unit.INPUT})) ELSE 0 END"
    )


_SOON: Final = f"began - began_before <= {_REUSED}"
_GOES_ON: Final = f"{_SOON} AND context >= before AND ended_before <= began"
_FOLLOWED: Final = f"began_after - began <= {_REUSED} AND context >= {LEAST_CACHED}"
_SUMS: Final = {
    "calls": "call_count",
    **{f"q_{unit}": f"q_{unit}" for unit in Unit},
    "least_read": "least",
    "least_written": f"CASE WHEN {_FOLLOWED} THEN q_{Unit.INPUT} - least ELSE 0 END",
    "most_read": "most",
    "most_written": f"CASE WHEN {_FOLLOWED} THEN q_{Unit.INPUT} - most ELSE 0 END",
    **{f"u_{unit}": f"CASE WHEN coalesce(r_{unit}, 0) < q_{unit} THEN q_{unit} ELSE 0 END" for unit in CACHE_LIVES},
}


def usage_history(ask: Ask, dialect: Dialect, question: UsageQuestion) -> list[UsageRow]:
    """Return the sums of each group."""
    where, values = conditions(dialect, question.period, question.filters, booked=False)
    stands, of_standing = standing(*conditions(dialect, question.period, (), booked=False))
    keys = [f"k{place}" for place in range(len(question.group_by))]
    told = "".join(f", {dialect.column(key)} AS k{place}" for place, key in enumerate(question.group_by))
    band = " + ".join(f"(context > {int(over)})::INT" for over in question.breaks) or "0"
    by = ", ".join([*keys, *_NAMES, "hour", "band", "streams", "cost IS NULL"])
    reads = ", ".join(f"{_read_within(life)} AS r_{unit}" for unit, life in CACHE_LIVES.items())
    sums = ", ".join(f"{dialect.total(sql, None)} AS {name}" for name, sql in _SUMS.items())
    query = f"""WITH asked AS (SELECT *{told},
  CASE WHEN signal = '{Signal.METRIC}' THEN 0 ELSE {_CONTEXT} END AS context, {_READ} AS cached,
  coalesce(nullif(session, ''), {dialect.hex("trace_id")}, {dialect.hex("key")}) AS thread,
  {dialect.micros("started_at")} AS began, floor({dialect.micros("started_at")} / 1000)::BIGINT AS began_ms
  FROM calls WHERE {stands} AND role = '{Role.OWNER}' AND {where}),
beside AS (SELECT *, lag({_known("context")}) OVER thread_of AS before,
  lag({_known("began")}) OVER thread_of AS began_before,
  lag({_known("began + floor(coalesce(duration_ns, 0) / 1000)::BIGINT")}) OVER thread_of AS ended_before,
  lead({_known("began")}) OVER thread_of AS began_after, {reads} FROM asked WINDOW thread_of AS ({_THREAD})),
repeated AS (SELECT *, {_repeated(_GOES_ON)} AS least, {_repeated(_SOON)} AS most FROM beside)
SELECT {", ".join(keys) + ", " if keys else ""}{", ".join(_NAMES)}, date_trunc('hour', started_at) AS hour,
  {band} AS band, coalesce(streamed, false) OR ttft_ns IS NOT NULL AS streams, {_cost(dialect)} AS cost, {sums}
FROM repeated GROUP BY {by} ORDER BY {by}"""
    width = len(keys)
    return [_row(row[:width], row[width:]) for row in ask(query, [*of_standing, *values])]


def _known(sql: str) -> str:
    """Return SQL that may be null, where ClickHouse gives 0 for what is before the first."""
    return f"CASE WHEN TRUE THEN {sql} END"


def _cost(dialect: Dialect) -> str:
    return f"CASE WHEN count(cost) > 0 THEN {dialect.total('cost', None)} END"


def _row(key: tuple[str | None, ...], values: tuple[Any, ...]) -> UsageRow:
    provider, requested, response, mode, hour, band, streams, cost, *sums = values
    said = dict(zip(_SUMS, sums, strict=True))
    return UsageRow(
        key=key,
        provider=provider,
        requested_model=requested,
        response_model=response,
        mode=mode or "",
        hour=hour.replace(tzinfo=UTC),
        band=band,
        streamed=streams,
        calls=said["calls"],
        cost=cost,
        usage=Usage({unit: said[f"q_{unit}"] for unit in Unit}),
        repeated_least=Repeated(read=said["least_read"], written=said["least_written"]),
        repeated_most=Repeated(read=said["most_read"], written=said["most_written"]),
        unread=Usage({unit: said[f"u_{unit}"] for unit in CACHE_LIVES}),
    )
