"""Answering questions in SQL: parts of every group from rows and roll-ups, measures of the parts, quantiles beside."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

import duckdb

from costspan.core.errors import UsageError
from costspan.core.period import Period
from costspan.server.store.duckdb.conditions import utc
from costspan.server.store.duckdb.measures import ENTRIES, MEASURES, THINNED
from costspan.server.store.duckdb.plan import Plan, plan
from costspan.server.store.duckdb.rollups import NEVER
from costspan.server.store.duckdb.spread import Spread, exact_quantiles, sketched_quantiles, standard_errors
from costspan.server.store.question import (
    ORDERS,
    Interval,
    LedgerSummary,
    Spend,
    SpendAnswer,
    SpendQuestion,
    SpendRow,
)

Answer = TypeVar("Answer")

MAX_EXACT: Final = 500_000
"""Calls in a period beyond which its quantiles are read from sketches, which are off by 1.1 % at most."""

_SELECTED: Final = ", ".join(f"{sql} AS m_{name}" for name, sql in MEASURES.items())
_STANDING: Final = f"HAVING {ENTRIES} > 0"
"""A group all of whose entries were taken back is no group."""
_IN_PERIOD: Final = "SELECT coalesce(sum(calls), 0) FROM ({parts})"
_DIALECTS: Final = "SELECT k0, sum(calls)::BIGINT FROM ({parts}) GROUP BY 1 ORDER BY 1"
_FIRST_AND_LAST: Final = (
    "SELECT least((SELECT min(started_at) FROM calls), (SELECT min(hour) FROM rollups WHERE hour < ?)), "
    "greatest((SELECT max(started_at) FROM calls), (SELECT max(hour) FROM rollups WHERE hour < ?))"
)
_BY_DIALECT: Final = SpendQuestion(
    Period(datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)), group_by=("dialect",)
)


class Reader:
    """Questions to a ledger file. Every question runs on a cursor of its own, so threads may ask at once."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, max_exact: int = MAX_EXACT) -> None:
        self._connection = connection
        self._max_exact = max_exact

    def spend(self, question: SpendQuestion) -> SpendAnswer:
        """Return rows and total. Raise UsageError for an order that is no measure, duckdb.Error when reading fails."""
        if question.order not in ORDERS:
            raise UsageError(f"cannot order by {question.order!r}; known: {', '.join(ORDERS)}")
        with self._snapshot() as cursor:
            planned = plan(cursor, question)
            parts = planned.parts()
            cursor.execute(f"CREATE TEMP TABLE parts AS {parts.sql}", parts.values)
            [(thinned, *total)] = cursor.execute(f"SELECT {THINNED}, {_SELECTED} FROM parts").fetchall()
            rows: list[tuple[Any, ...]] = []
            if planned.names:
                cursor.execute(f"CREATE TEMP TABLE answered AS {_grouped(planned, question)}")
                rows = cursor.execute("SELECT * FROM answered").fetchall()
            spread = self._spread(cursor, planned, question)
            if thinned and not planned.reaches_rollups_alone:
                for group, error in standard_errors(cursor, plan(cursor, question, rows_only=True)).items():
                    spread.setdefault(group, {}).update(error)
        width = len(planned.names)
        return SpendAnswer(
            tuple(_row(row[:width], _spend(row[width:], spread.get(row[:width])), question) for row in rows),
            _spend(tuple(total), spread.get(None)),
            utc(planned.rows_since) if planned.blind and planned.rows_since else None,
        )

    def _spread(self, cursor: duckdb.DuckDBPyConnection, planned: Plan, question: SpendQuestion) -> Spread:
        """Return the quantiles, exact where there are rows and few enough."""
        if planned.reaches_rollups_alone or (
            planned.rolled is not None and self._calls_in(cursor, question) > self._max_exact
        ):
            return sketched_quantiles(cursor, planned)
        return exact_quantiles(cursor, plan(cursor, question, rows_only=True))

    @staticmethod
    def _calls_in(cursor: duckdb.DuckDBPyConnection, question: SpendQuestion) -> int:
        parts = plan(cursor, SpendQuestion(question.period)).parts()
        [(calls,)] = cursor.execute(_IN_PERIOD.format(parts=parts.sql), parts.values).fetchall()
        return int(calls)

    def look(self, ask: Callable[[duckdb.DuckDBPyConnection], Answer]) -> Answer:
        """Return what `ask` makes of a connection of its own."""
        with self._connection.cursor() as cursor:
            return ask(cursor)

    def summary(self) -> LedgerSummary:
        """Return how many calls the ledger holds, from when to when, by dialect."""
        with self._snapshot() as cursor:
            planned = plan(cursor, _BY_DIALECT)
            parts = planned.parts()
            dialects = cursor.execute(_DIALECTS.format(parts=parts.sql), parts.values).fetchall()
            since = planned.rows_since or NEVER
            [(first, last)] = cursor.execute(_FIRST_AND_LAST, [since, since]).fetchall()
        return LedgerSummary(
            calls=sum(row[1] for row in dialects),
            first_call_at=utc(first) if first else None,
            last_call_at=utc(last) if last else None,
            dialects=dict(dialects),
        )

    @contextmanager
    def _snapshot(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Yield a cursor on which every query sees the ledger as it is now; what it keeps aside goes with it."""
        with self._connection.cursor() as cursor:
            cursor.execute("BEGIN TRANSACTION")
            try:
                yield cursor
            finally:
                cursor.execute("ROLLBACK")


def _grouped(planned: Plan, question: SpendQuestion) -> str:
    """Return the query for the rows of the answer, in its order."""
    keys = [f"k{i}" for i in range(len(question.group_by))]
    names = ", ".join(planned.names)
    direction = "ASC" if question.ascending else "DESC"
    ranked = f"m_{question.order} {direction} NULLS LAST" + "".join(f", {name}" for name in keys)
    has_buckets = len(planned.names) > len(keys)
    limit = f" LIMIT {int(question.limit)}" if question.limit is not None else ""
    kept = ""
    if limit and has_buckets and keys:
        by = ", ".join(keys)
        top = (
            f"SELECT {by}, {MEASURES[question.order]} AS m_{question.order} FROM parts "
            f"GROUP BY {by} {_STANDING} ORDER BY {ranked}{limit}"
        )
        same = " AND ".join(f"top.{name} IS NOT DISTINCT FROM parts.{name}" for name in keys)
        kept, limit = f" WHERE EXISTS (SELECT 1 FROM ({top}) AS top WHERE {same})", ""
    ordered = f"bucket, {ranked}" if has_buckets else ranked
    return f"SELECT {names}, {_SELECTED} FROM parts{kept} GROUP BY {names} {_STANDING} ORDER BY {ordered}{limit}"


def _row(group: tuple[Any, ...], spend: Spend, question: SpendQuestion) -> SpendRow:
    width = len(question.group_by)
    return SpendRow(group[:width], utc(group[width]) if question.interval is not Interval.TOTAL else None, spend)


def _spend(values: tuple[Any, ...], spread: dict[str, Any] | None) -> Spend:
    return Spend(**(dict(zip(MEASURES, values, strict=True)) | (spread or {})))
