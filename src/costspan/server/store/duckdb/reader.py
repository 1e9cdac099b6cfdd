"""Answering questions in SQL: parts of every group from rows and roll-ups, measures of the parts, quantiles beside."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

import duckdb

from costspan.core.errors import UsageError
from costspan.core.period import Period
from costspan.server.store.duckdb.asking import asking
from costspan.server.store.duckdb.rollups import NEVER, extent
from costspan.server.store.question import (
    ORDERS,
    QUANTILES,
    Filter,
    Interval,
    LedgerSummary,
    Spend,
    SpendAnswer,
    SpendQuestion,
    SpendRow,
)
from costspan.server.store.sql.buckets import bucket_start
from costspan.server.store.sql.conditions import utc
from costspan.server.store.sql.dialect import DUCKDB
from costspan.server.store.sql.measures import ENTRIES, MEASURES, THINNED, answered, needed
from costspan.server.store.sql.plan import DAYS, Extent, Plan, Source, plan
from costspan.server.store.sql.spread import (
    Group,
    Spread,
    exact_quantiles,
    sketched_quantiles,
    standard_errors,
)

Answer = TypeVar("Answer")

MAX_EXACT: Final = 500_000
"""Calls in a period beyond which its quantiles are read from sketches, which are off by 1.1 % at most."""

_WITHOUT_SKETCHES: Final = 4
"""Times as many where sketches do not know what is asked: rows are read either way."""
_PARTS: Final = "SELECT * FROM parts"
CHOSEN: Final = "chosen_keys"
"""The temporary table of the groups that a limit lets pass."""
ANSWERED: Final = "answered"
"""The temporary table of the groups that are answered, with their buckets."""
_STANDING: Final = f"HAVING {ENTRIES} > 0"
"""A group all of whose entries were taken back is no group."""
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
            there = extent(cursor)
            whole = _whole(question)
            planned = plan(DUCKDB, there, question)
            measures = answered(question)
            narrowed = _narrowed(cursor, planned, question)
            grouped = narrowed or question
            rows = _rows(cursor, plan(DUCKDB, there, grouped), grouped, measures) if planned.names else []
            # Where no group was left out, the total is in the parts already.
            left_out = not planned.names or question.limit is not None
            parts = plan(DUCKDB, there, whole).parts(needed(*measures)) if left_out else Source(_PARTS, ())
            thinned, *total = _total(cursor, parts, measures)
            wanted = _Wanted(
                quantiles=[name for name in QUANTILES if name in question.measures],
                errors=thinned and not planned.alone and "estimated_cost_stderr" in question.measures,
            )
            spread: Spread = {}
            calls = total[measures.index("calls")]
            if left_out or not rows:
                _add(spread, _spread(cursor, there, whole, wanted, many=self._are_many(there, whole, calls)))
            if rows:
                place = len(planned.names) + measures.index("calls")
                calls = sum(row[place] for row in rows) if narrowed else calls
                many = self._are_many(there, grouped, calls)
                _add(spread, _spread(cursor, there, grouped, wanted, many=many, with_total=not left_out))
        width = len(planned.names)
        return SpendAnswer(
            tuple(_row(row[:width], _spend(measures, row[width:], spread.get(row[:width])), question) for row in rows),
            _spend(measures, total, spread.get(None)),
            utc(there.rows_since) if planned.blind and there.rows_since else None,
        )

    def _are_many(self, there: Extent, question: SpendQuestion, calls: int) -> bool:
        """Return whether a question is about so many calls that its quantiles are read from sketches."""
        if there.rows is not None and there.rows <= self._max_exact and there.rows_since is None:
            return False
        asked = (*question.group_by, *(chosen.key for chosen in question.filters))
        return calls > self._max_exact * (1 if all(DAYS.knows(key) for key in asked) else _WITHOUT_SKETCHES)

    def look(self, ask: Callable[[duckdb.DuckDBPyConnection], Answer]) -> Answer:
        """Return what `ask` makes of a connection of its own."""
        with self._connection.cursor() as cursor:
            return ask(cursor)

    def summary(self) -> LedgerSummary:
        """Return how many calls the ledger holds, from when to when, by dialect."""
        with self._snapshot() as cursor:
            there = extent(cursor)
            parts = plan(DUCKDB, there, _BY_DIALECT).parts(["entries", "calls"])
            dialects = cursor.execute(_DIALECTS.format(parts=parts.sql), parts.values).fetchall()
            since = there.rows_since or NEVER
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


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What is no sum: of which measures quantiles are asked for, and whether errors of estimates are."""

    quantiles: Sequence[str]
    errors: bool


def _spread(
    cursor: duckdb.DuckDBPyConnection,
    there: Extent,
    question: SpendQuestion,
    wanted: _Wanted,
    *,
    many: bool,
    with_total: bool = False,
) -> Iterator[tuple[Group, dict[str, Any]]]:
    """Yield what is no sum of each group, and of all together; quantiles are exact where there are few enough rows."""
    ask, of_rows = asking(cursor), plan(DUCKDB, there, question, rows_only=True)
    each = (question, _whole(question)) if with_total else (question,)
    if wanted.quantiles and (of_rows.alone or many):
        for asked in each:
            of_days = plan(DUCKDB, there, asked, DAYS)
            yield from sketched_quantiles(ask, of_days, wanted.quantiles, ANSWERED).items()
    elif wanted.quantiles:
        yield from exact_quantiles(ask, of_rows, wanted.quantiles, ANSWERED, with_total=with_total).items()
    for asked in each if wanted.errors else ():
        yield from standard_errors(ask, plan(DUCKDB, there, asked, rows_only=True), ANSWERED).items()


def _add(spread: Spread, said: Iterable[tuple[Group, dict[str, Any]]]) -> None:
    for group, values in said:
        spread.setdefault(group, {}).update(values)


def _whole(question: SpendQuestion) -> SpendQuestion:
    """Return the question for the total."""
    return replace(question, group_by=(), interval=Interval.TOTAL, limit=None)


def _narrowed(cursor: duckdb.DuckDBPyConnection, planned: Plan, question: SpendQuestion) -> SpendQuestion | None:
    """Choose the groups that a limit lets pass, by the one measure that decides it, and put them into the table CHOSEN.

    Return a question that asks of those alone, where one can be and it lets less be read.
    """
    keys = planned.key_names
    if question.limit is None or not keys:
        return None
    by, measure = ", ".join(keys), f"{MEASURES[question.order]} AS m_{question.order}"
    parts = replace(planned, interval=Interval.TOTAL).parts(set(needed(question.order)) - {"thinned"})
    cursor.execute(
        f"CREATE TEMP TABLE {CHOSEN} AS SELECT {by}, {measure} FROM ({parts.sql}) GROUP BY {by} {_STANDING} "
        f"ORDER BY {_ranked(planned, question)} LIMIT {int(question.limit)}",
        parts.values,
    )
    key = question.group_by[0]
    # Where rows are gone a key may be unknown, which no filter lets pass.
    if len(keys) > 1 or planned.alone or any(chosen.key == key for chosen in question.filters):
        return None
    found = cursor.execute(f"SELECT {by} FROM {CHOSEN}").fetchall()
    filters = (*question.filters, *(Filter(key, value) for (value,) in found))
    return replace(question, filters=filters) if found else None


def _ranked(planned: Plan, question: SpendQuestion) -> str:
    direction = "ASC" if question.ascending else "DESC"
    return f"m_{question.order} {direction} NULLS LAST" + "".join(f", {name}" for name in planned.key_names)


def _selected(measures: Sequence[str]) -> str:
    return ", ".join(f"{MEASURES[name]} AS m_{name}" for name in measures)


def _total(cursor: duckdb.DuckDBPyConnection, parts: Source, measures: Sequence[str]) -> tuple[Any, ...]:
    [total] = cursor.execute(f"SELECT {THINNED}, {_selected(measures)} FROM ({parts.sql})", parts.values).fetchall()
    return tuple(total)


def _rows(
    cursor: duckdb.DuckDBPyConnection, planned: Plan, question: SpendQuestion, measures: Sequence[str]
) -> list[tuple[Any, ...]]:
    """Return the groups of the answer in its order, and leave them in the table ANSWERED."""
    keys, names, ranked = planned.key_names, ", ".join(planned.names), _ranked(planned, question)
    limit = f" LIMIT {int(question.limit)}" if question.limit is not None else ""
    parts = planned.parts(needed(*measures), CHOSEN if limit and keys else None)
    cursor.execute(f"CREATE TEMP TABLE parts AS {parts.sql}", parts.values)
    has_buckets = len(planned.names) > len(keys)
    ordered = f"bucket, {ranked}" if has_buckets else ranked
    last = "" if has_buckets and keys else limit
    cursor.execute(
        f"CREATE TEMP TABLE {ANSWERED} AS SELECT {names}, {_selected(measures)} FROM parts "
        f"GROUP BY {names} {_STANDING} ORDER BY {ordered}{last}"
    )
    return cursor.execute(f"SELECT * FROM {ANSWERED}").fetchall()


def _row(group: tuple[Any, ...], spend: Spend, question: SpendQuestion) -> SpendRow:
    width = len(question.group_by)
    if question.interval is Interval.TOTAL:
        return SpendRow(group, None, spend)
    return SpendRow(group[:width], bucket_start(group[width], question.interval, question.zone), spend)


def _spend(measures: Sequence[str], values: Sequence[Any], spread: dict[str, Any] | None) -> Spend:
    return Spend(**(dict(zip(measures, values, strict=True)) | (spread or {})))
