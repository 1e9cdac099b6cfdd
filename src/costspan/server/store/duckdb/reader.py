"""Answering questions in SQL: the measures, once, as fragments; a question picks the grouping and the filters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

import duckdb

from costspan.core.errors import UsageError
from costspan.core.period import Period
from costspan.server.store.question import (
    COLUMNS,
    MEASURES,
    ORDERS,
    TAG,
    Filter,
    Interval,
    LedgerSummary,
    Spend,
    SpendAnswer,
    SpendQuestion,
    SpendRow,
)

Answer = TypeVar("Answer")

_OWNED: Final = "role = 'owner'"
_BILLED: Final = f"{_OWNED} AND cost IS NOT NULL"
_FAILED: Final = f"{_OWNED} AND cost IS NULL AND error_type IS NOT NULL"
_UNPRICED: Final = f"{_OWNED} AND cost IS NULL AND error_type IS NULL"


def _count(condition: str) -> str:
    return f"coalesce(sum(sign * call_count) FILTER (WHERE {condition}), 0)::BIGINT"


def _tokens(columns: str, condition: str = _OWNED) -> str:
    return f"coalesce(sum(sign * ({columns})) FILTER (WHERE {condition}), 0)::HUGEINT"


def _money(column: str, condition: str = _OWNED) -> str:
    # Where every cost was taken back nothing is known, and a sum of nothing must not read as 0.
    known = f"{condition} AND {column} IS NOT NULL"
    total = f"sum(sign * {column}) FILTER (WHERE {known})"
    # A closed month's adjustment takes back and adds in another period: there no call is left, but money may be.
    return f"CASE WHEN sum(sign) FILTER (WHERE {known}) > 0 OR {total} <> 0 THEN {total} END"


def _quantiles(column: str) -> str:
    # The one measure that is no sum: an entry taken back has to be left out together with its reversal.
    return f"quantile_cont({column}, [0.5, 0.95, 0.99]) FILTER (WHERE {_OWNED} AND stands AND {column} IS NOT NULL)"


def _asked(where: str) -> str:
    """Return the entries a question is about; `stands` is true for those that were not taken back."""
    taken_back = "SELECT entry_id FROM calls WHERE sign < 0 AND booked_at IS NULL"
    stands = f"sign > 0 AND booked_at IS NULL AND entry_id NOT IN ({taken_back})"
    return f"(SELECT *, {stands} AS stands FROM calls WHERE {where}) AS asked"


_MEASURES: Final[dict[str, str]] = {
    "calls": _count(_OWNED),
    "billed_calls": _count(_BILLED),
    "errors": _count(_FAILED),
    "retries": _count(f"{_OWNED} AND attempt > 1"),
    "truncated": _count(f"{_OWNED} AND finish_reason = 'length'"),
    "unpriced_calls": _count(_UNPRICED),
    "partial_calls": _count(f"{_OWNED} AND price_status = 'partial'"),
    "usage_missing_calls": _count(f"{_UNPRICED} AND price_status = 'usage_missing'"),
    "duplicate_calls": _count("role = 'duplicate'"),
    "input_tokens": _tokens("q_input + q_input_audio + q_input_image + q_tool_use_input"),
    "cache_read_tokens": _tokens("q_cache_read + q_cache_read_audio"),
    "cache_write_tokens": _tokens("q_cache_write_5m + q_cache_write_30m + q_cache_write_1h + q_cache_write_12h"),
    "output_tokens": _tokens("q_output + q_reasoning + q_output_audio + q_output_image"),
    "reasoning_tokens": _tokens("q_reasoning"),
    "unpriced_tokens": _tokens("tokens", f"{_OWNED} AND cost IS NULL"),
    "cost": _money("cost"),
    "list_cost": _money("list_cost"),
    "duplicate_cost": _money("cost", "role = 'duplicate'"),
    "input_cost": _money("input_cost"),
    "cache_read_cost": _money("cache_read_cost"),
    "cache_write_cost": _money("cache_write_cost"),
    "output_cost": _money("output_cost"),
    "fee_cost": _money("fee_cost"),
    "cache_savings": _money("cache_savings"),
    "estimated_cost": (
        f"CASE WHEN count(adjusted_count) FILTER (WHERE {_OWNED} AND stands) > 0 "
        f"THEN sum(coalesce(estimated_cost, cost)) FILTER (WHERE {_OWNED} AND stands) END"
    ),
    "estimated_cost_stderr": "NULL::DOUBLE",  # filled in from `standard_errors` where something was sampled
    "sampling_unknown_calls": _count(f"{_OWNED} AND adjusted_count IS NULL"),
    "latency_ms": _quantiles("duration_ns"),
    "ttft_ms": _quantiles("ttft_ns"),
}
_SELECTED: Final = ", ".join(f"{_MEASURES[name]} AS m_{name}" for name in MEASURES)
_STANDING: Final = "HAVING sum(sign) > 0"
"""A group all of whose entries were taken back is no group."""
_BUCKETS: Final = {Interval.HOUR: "hour", Interval.DAY: "day"}


class Reader:
    """Questions to a ledger file. Every question runs on a cursor of its own, so threads may ask at once."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def spend(self, question: SpendQuestion) -> SpendAnswer:
        """Return rows and total. Raise UsageError for an order that is no measure, duckdb.Error when reading fails."""
        if question.order not in ORDERS:
            raise UsageError(f"cannot order by {question.order!r}; known: {', '.join(ORDERS)}")
        where, values = conditions(question.period, question.filters)
        cursor = self._connection.cursor()
        [total] = cursor.execute(f"SELECT {_SELECTED} FROM {_asked(where)}", values).fetchall()
        rows = cursor.execute(*_grouped(question, where, values)).fetchall() if _has_rows(question) else []
        answer = SpendAnswer(tuple(_row(row, question) for row in rows), _spend(total))
        return answer if answer.total.estimated_cost is None else self._with_errors(answer, question, where, values)

    def _with_errors(self, answer: SpendAnswer, question: SpendQuestion, where: str, values: list[Any]) -> SpendAnswer:
        cursor = self._connection.cursor()
        [(of_total,)] = cursor.execute(_standard_errors([], where), values).fetchall()
        total = replace(answer.total, estimated_cost_stderr=of_total)
        if not answer.rows:
            return replace(answer, total=total)
        keys = [_column(key) for key in question.group_by]
        if question.interval in _BUCKETS:
            keys.append(f"date_trunc('{_BUCKETS[question.interval]}', started_at)")
        found = {tuple(row[:-1]): row[-1] for row in cursor.execute(_standard_errors(keys, where), values).fetchall()}
        rows = []
        for row in answer.rows:
            key = row.key if row.start is None else (*row.key, row.start.replace(tzinfo=None))
            rows.append(replace(row, spend=replace(row.spend, estimated_cost_stderr=found.get(key))))
        return SpendAnswer(tuple(rows), total)

    def look(self, ask: Callable[[duckdb.DuckDBPyConnection], Answer]) -> Answer:
        """Return what `ask` makes of a connection of its own."""
        with self._connection.cursor() as cursor:
            return ask(cursor)

    def summary(self) -> LedgerSummary:
        """Return how many calls the ledger holds, from when to when, by dialect."""
        cursor = self._connection.cursor()
        rows = cursor.execute(
            f"SELECT dialect, {_count(_OWNED)}, min(started_at), max(started_at) FROM calls GROUP BY 1 ORDER BY 1"
        ).fetchall()
        return LedgerSummary(
            calls=sum(row[1] for row in rows),
            first_call_at=min((utc(row[2]) for row in rows), default=None),
            last_call_at=max((utc(row[3]) for row in rows), default=None),
            dialects={row[0]: row[1] for row in rows},
        )


def _standard_errors(keys: list[str], where: str) -> str:
    """Return the query for the standard error of each group: the root of the sum of w(w-1)y² over sampled traces.

    y is what a trace, sampled as a whole with the adjusted count w, cost within the group (Horvitz-Thompson).
    """
    names = [f"k{i}" for i in range(len(keys))]
    selected = "".join(f"{key} AS {name}, " for key, name in zip(keys, names, strict=True))
    grouped = "".join(f"{name}, " for name in names)
    traces = (
        f"SELECT {selected}coalesce(trace_id, key) AS trace, adjusted_count AS w, sum(sign * cost)::DOUBLE AS y "
        f"FROM calls WHERE {where} AND {_OWNED} AND estimated_cost IS NOT NULL GROUP BY {grouped}trace, w "
        "HAVING sum(sign) > 0"
    )
    return f"SELECT {grouped}sqrt(fsum(w * (w - 1) * y * y)) FROM ({traces})" + (
        f" GROUP BY {grouped.removesuffix(', ')}" if keys else ""
    )


def _has_rows(question: SpendQuestion) -> bool:
    return bool(question.group_by) or question.interval is not Interval.TOTAL


def _grouped(question: SpendQuestion, where: str, values: list[Any]) -> tuple[str, list[Any]]:
    keys = [f"{_column(key)} AS k{i}" for i, key in enumerate(question.group_by)]
    names = [f"k{i}" for i in range(len(keys))]
    bucket = (
        [f"date_trunc('{_BUCKETS[question.interval]}', coalesce(booked_at, started_at)) AS bucket"]
        if question.interval in _BUCKETS
        else []
    )
    groups = ", ".join(names + (["bucket"] if bucket else []))
    direction = "ASC" if question.ascending else "DESC"
    ranked = f"m_{question.order} {direction} NULLS LAST" + "".join(f", {name}" for name in names)
    selected = ", ".join(keys + bucket + [_SELECTED])
    if question.limit is None or not bucket or not keys:
        ordered = f"bucket, {ranked}" if bucket else ranked
        limit = f" LIMIT {int(question.limit)}" if question.limit is not None else ""
        return f"SELECT {selected} FROM {_asked(where)} GROUP BY {groups} {_STANDING} ORDER BY {ordered}{limit}", values
    only_keys = ", ".join(names)
    top = (
        f"SELECT {', '.join(keys)}, {_MEASURES[question.order]} AS m_{question.order} FROM {_asked(where)} "
        f"GROUP BY {only_keys} {_STANDING} ORDER BY {ranked} LIMIT {int(question.limit)}"
    )
    same = " AND ".join(
        f"top.{name} IS NOT DISTINCT FROM {_column(key)}" for name, key in zip(names, question.group_by, strict=True)
    )
    query = (
        f"WITH top AS ({top}) SELECT {selected} FROM {_asked(where)} WHERE EXISTS (SELECT 1 FROM top WHERE {same}) "
        f"GROUP BY {groups} {_STANDING} ORDER BY bucket, {ranked}"
    )
    return query, values + values


_STARTED: Final = "started_at >= ? AND started_at < ?"
# A correction of a closed month counts on the day it was booked (accounting rule 9).
_COUNTED: Final = f"(booked_at IS NULL AND {_STARTED} OR booked_at >= ? AND booked_at < ?)"


def conditions(period: Period, filters: Sequence[Filter], *, booked: bool = True) -> tuple[str, list[Any]]:
    """Return what keeps the rows of a period that pass the filters, as SQL, and its values.

    `booked` is for rows of `calls`, which may count on another day than they began.
    """
    clauses = [_COUNTED if booked else _STARTED]
    values: list[Any] = [naive(period.since), naive(period.until)] * (2 if booked else 1)
    for key in dict.fromkeys(chosen.key for chosen in filters):
        chosen_here = [chosen for chosen in filters if chosen.key == key]
        for alternatives in ([f for f in chosen_here if not f.excludes], *([f] for f in chosen_here if f.excludes)):
            if alternatives:
                clause, used = _alternatives(_column(key), alternatives)
                clauses.append(clause)
                values += used
    return " AND ".join(clauses), values


def _alternatives(column: str, filters: list[Filter]) -> tuple[str, list[Any]]:
    operator = "IS DISTINCT FROM" if filters[0].excludes else "IS NOT DISTINCT FROM"
    clause = " OR ".join(f"{column} {operator} ?" for _ in filters)
    return f"({clause})", [chosen.value for chosen in filters]


def _column(key: str) -> str:
    if key.startswith(TAG):
        name = key.removeprefix(TAG).replace("'", "''")
        return f"tags['{name}']"
    column = COLUMNS[key]
    return f"{column}::VARCHAR" if column == "attempt" else column


def _row(row: tuple[Any, ...], question: SpendQuestion) -> SpendRow:
    width = len(question.group_by)
    start = utc(row[width]) if question.interval in _BUCKETS else None
    return SpendRow(tuple(row[:width]), start, _spend(row[width + (start is not None) :]))


def _spend(values: tuple[Any, ...]) -> Spend:
    found = dict(zip(MEASURES, values, strict=True))
    for name in ("latency_ms", "ttft_ms"):
        quantiles_ns = found[name]
        found[name] = tuple(round(value / 1e6, 3) for value in quantiles_ns) if quantiles_ns else None
    return Spend(**found)


def naive(moment: datetime) -> datetime:
    """Return an aware moment as the ledger's TIMESTAMP, which is UTC."""
    return moment.astimezone(UTC).replace(tzinfo=None)


def utc(moment: datetime) -> datetime:
    """Return a TIMESTAMP of the ledger as an aware moment."""
    return moment.replace(tzinfo=UTC)
