"""Spend in buckets of five minutes, in SQL. Read from rows: roll-ups are of hours, and have no logarithms."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from costspan.server.store.spend_series import COLUMNS, STEP, UNITS, SeriesAnswer, SeriesQuestion, Touched
from costspan.server.store.sql.conditions import conditions, naive, utc
from costspan.server.store.sql.dialect import Ask, Dialect
from costspan.server.store.sql.measures import OWNED
from costspan.server.store.sql.plan import Source

_INPUT: Final = (
    "q_input + q_input_audio + q_input_image + q_tool_use_input + q_cache_read + q_cache_read_audio "
    "+ q_cache_write_5m + q_cache_write_30m + q_cache_write_1h + q_cache_write_12h"
)
_OUTPUT: Final = "q_output + q_reasoning + q_output_audio + q_output_image"
_VALUES: Final = {
    "cost_per_call": "usd / n",
    "input_per_call": "tokens_in / n + 1",
    "output_per_call": "tokens_out / n + 1",
    "price_per_token": "usd / (tokens_in + tokens_out)",
}
_CALLS: Final = (
    f"SELECT {{keys}}floor(({{at}} - {{since}}) / {STEP // timedelta(microseconds=1)})::BIGINT AS slot, "
    f"sign::DOUBLE AS s, call_count::DOUBLE AS n, coalesce(cost, 0)::DOUBLE / 1e12 AS usd, "
    f"({_INPUT})::DOUBLE AS tokens_in, ({_OUTPUT})::DOUBLE AS tokens_out "
    f"FROM calls WHERE {{asked}} AND booked_at IS NULL AND {OWNED}"
)
_HAS_ALL: Final = "n > 0 AND usd > 0 AND tokens_in + tokens_out > 0"
_LOGS: Final = "SELECT *, " + ", ".join(
    f"CASE WHEN {_HAS_ALL} THEN ln({value}) END AS ln_{unit}" for unit, value in _VALUES.items()
)
_SUMS: Final = {
    "calls": "sum(s * n)",
    "cost_usd": "sum(s * usd)",
    "measured": f"coalesce(sum(s * n) FILTER (WHERE {_HAS_ALL}), 0)",
    **{f"log_{unit}": f"coalesce(sum(s * n * ln_{unit}), 0)" for unit in UNITS},
    **{f"square_{unit}": f"coalesce(sum(s * n * ln_{unit} * ln_{unit}), 0)" for unit in UNITS},
}


def series_query(dialect: Dialect, question: SeriesQuestion) -> Source:
    """Return the query for the series of a question; `series_answer` reads what it gives."""
    names = _names(question)
    told = "".join(f"{dialect.column(key)} AS {name}, " for key, name in zip(question.group_by, names, strict=True))
    asked, values = conditions(dialect, question.period, question.filters, booked=False)
    by = "".join(f"{name}, " for name in names)
    sums = ", ".join(f"{sql} AS {name}" for name, sql in _SUMS.items())
    at, since = dialect.micros("started_at"), dialect.micros("?")
    calls = _CALLS.format(keys=told, asked=asked, at=at, since=since)
    rows = f"SELECT {by}slot, {sums} FROM ({_LOGS} FROM ({calls})) GROUP BY {by}slot HAVING sum(s) > 0"
    limit = f" LIMIT {int(question.limit)}" if question.limit is not None else ""
    same = " AND ".join(f"t.{name} IS NOT DISTINCT FROM r.{name}" for name in names)
    joined = f"JOIN t ON {same}" if same else "CROSS JOIN t"
    ranked = "".join(f", {name} NULLS LAST" for name in names)
    shown = ", ".join(f"r.{name} AS {name}" for name in (*COLUMNS, *names))
    query = (
        f"WITH r AS ({rows}), t AS (SELECT {by}row_number() OVER (ORDER BY c DESC{ranked}) - 1 AS g FROM (SELECT {by}"
        f"sum(cost_usd) AS c FROM r{_group(names)} ORDER BY c DESC{ranked}{limit})) "
        f"SELECT t.g AS g, r.slot AS slot, {shown} FROM r {joined} "
        "ORDER BY g, slot"
    )
    return Source(query, (naive(question.period.since), *values))


def series_answer(question: SeriesQuestion, found: Mapping[str, Any]) -> SeriesAnswer:
    """Return the answer of what `series_query` found, as columns by name."""
    import numpy as np  # noqa: PLC0415 - a quarter of a second, and only where anomalies are looked for

    names, groups = _names(question), np.asarray(found["g"], np.int64)
    columns = {name: np.asarray(found[name], np.float64) for name in COLUMNS}
    _, places = np.unique(groups, return_index=True)
    keys = tuple(tuple(_text(found[name][place]) for name in names) for place in places)
    return SeriesAnswer(keys, groups, np.asarray(found["slot"], np.int64), columns)


def series_columns(question: SeriesQuestion) -> list[str]:
    """Return the names of the columns that `series_query` finds, in order."""
    return ["g", "slot", *COLUMNS, *_names(question)]


def touched(ask: Ask, after: datetime | None) -> Touched:
    """Return when the ledger was posted to last, and the earliest call of what was posted after a moment."""
    # Rows lie in the order of posting, so that those before the moment are passed over.
    where, values = ("", []) if after is None else (" WHERE posted_at > ?", [naive(after)])
    [(posted_at, rows)] = ask(f"SELECT max(posted_at), count(*) FROM calls{where}", values)
    if after is None or not rows:
        return Touched(utc(posted_at) if rows else None, None)
    [(since, rows)] = ask(f"SELECT min(started_at), count(*) FROM calls{where} AND booked_at IS NULL", values)
    return Touched(utc(posted_at), utc(since) if rows else None)


def _names(question: SeriesQuestion) -> list[str]:
    return [f"k{number}" for number in range(len(question.group_by))]


def _group(names: list[str]) -> str:
    return f" GROUP BY {', '.join(names)}" if names else " HAVING count(*) > 0"


def _text(value: Any) -> str | None:
    missing = value is None or isinstance(value, float) or getattr(value, "mask", False)  # not a number; numpy's masked
    return None if missing else str(value)
