"""One question about spend: measures of parts, the groups asked for, quantiles beside."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, Final

from costspan.server.store.question import (
    QUANTILES,
    SUMS,
    Filter,
    Interval,
    Spend,
    SpendAnswer,
    SpendQuestion,
    SpendRow,
)
from costspan.server.store.sql.buckets import bucket_start
from costspan.server.store.sql.conditions import utc
from costspan.server.store.sql.dialect import CLICKHOUSE, Ask
from costspan.server.store.sql.measures import ENTRIES, MEASURES, THINNED, answered, needed
from costspan.server.store.sql.plan import DAYS, Extent, Plan, plan
from costspan.server.store.sql.spread import Group, Spread, exact_quantiles, sketched_quantiles, standard_errors

_STANDING: Final = f"HAVING {ENTRIES} > 0"


class Answering:
    """The queries of one question, all on one snapshot."""

    def __init__(self, ask: Ask, there: Extent, question: SpendQuestion, max_exact: int) -> None:
        self._ask = ask
        self._there = there
        self._asked = question
        self._max_exact = max_exact
        self._measures = answered(question)
        self._selected = ", ".join(f"{MEASURES[name]} AS m_{name}" for name in self._measures)

    def answer(self) -> SpendAnswer:
        """Return rows and total."""
        whole = replace(self._asked, group_by=(), interval=Interval.TOTAL, limit=None)
        grouped = self._of_top_keys() if self._asked.limit is not None and self._asked.group_by else self._asked
        planned = self._plan(grouped)
        # Where no group is left out, the total is found with the groups: calls are read once for both.
        found = self._rows(planned, with_total=self._asked.limit is None) if planned.names else []
        rows = [row for row, is_total in found if not is_total]
        thinned, *total = next((row for row, is_total in found if is_total), None) or self._total(whole)
        spread: Spread = {}
        sums_only = not set(self._asked.measures) - set(SUMS)
        for asked in () if sums_only else (whole, grouped) if rows else (whole,):
            for group, said in self._spread(asked, thinned=bool(thinned) and not planned.alone):
                spread.setdefault(group, {}).update(said)
        width = len(planned.names)
        return SpendAnswer(
            tuple(self._row(row[:width], self._spend(row[width:], spread.get(row[:width]))) for row in rows),
            self._spend(total, spread.get(None)),
            utc(self._there.rows_since) if planned.blind and self._there.rows_since else None,
        )

    def _total(self, whole: SpendQuestion) -> tuple[Any, ...]:
        parts = self._plan(whole).parts(needed(*self._measures))
        [found] = self._ask(f"SELECT {THINNED}, {self._selected} FROM ({parts.sql})", parts.values)
        return found

    def _plan(self, question: SpendQuestion) -> Plan:
        return plan(CLICKHOUSE, self._there, question)

    def _of_top_keys(self) -> SpendQuestion:
        """Return the question of the keys that are asked about, by the one measure that decides it."""
        planned = self._plan(replace(self._asked, interval=Interval.TOTAL))
        by, parts = ", ".join(planned.key_names), planned.parts(needed(self._asked.order))
        query = (
            f"SELECT {by}, {MEASURES[self._asked.order]} AS m_{self._asked.order} FROM ({parts.sql}) GROUP BY {by} "
            f"{_STANDING} ORDER BY {self._ranked(planned)} LIMIT {self._asked.limit}"
        )
        self._top = {row[:-1] for row in self._ask(query, parts.values)}
        # Where rows are gone a key may be unknown, which no filter lets pass.
        if not self._top or planned.alone:
            return self._asked
        return replace(self._asked, filters=tuple(self._narrowed(self._top)))

    def _narrowed(self, top: Iterable[tuple[str | None, ...]]) -> Iterator[Filter]:
        """Yield filters that let all of `top` pass, and little else: of each key the values there are."""
        keys = self._asked.group_by
        yield from (chosen for chosen in self._asked.filters if chosen.excludes or chosen.key not in keys)
        for key, values in zip(keys, zip(*top, strict=True), strict=True):
            yield from (Filter(key, value) for value in dict.fromkeys(values))

    def _ranked(self, planned: Plan) -> str:
        direction = "ASC" if self._asked.ascending else "DESC"
        return ", ".join([f"m_{self._asked.order} {direction} NULLS LAST", *planned.key_names])

    def _rows(self, planned: Plan, *, with_total: bool) -> list[tuple[tuple[Any, ...], bool]]:
        """Return the groups in their order; among them, marked and without keys, their total where it is asked for."""
        names, parts = ", ".join(planned.names), planned.parts(needed(*self._measures))
        by = f"GROUPING SETS (({names}), ())" if with_total else names
        is_total = f"grouping({planned.names[0]}) = 1" if with_total else "false"
        has_buckets, limit = planned.interval is not Interval.TOTAL, self._asked.limit
        query = (
            f"SELECT {is_total}, {names}, {THINNED}, {self._selected} FROM ({parts.sql}) GROUP BY {by} "
            f"{_STANDING} OR {is_total} ORDER BY {'bucket, ' if has_buckets else ''}{self._ranked(planned)}"
        )
        keys, width = len(planned.keys), len(planned.names)
        found = [
            (row[1 + width :], True) if row[0] else ((*row[1 : 1 + width], *row[2 + width :]), False)
            for row in self._ask(query, parts.values)
        ]
        if limit is None:
            return found
        return [one for one in found if one[0][:keys] in self._top] if keys else found[:limit]

    def _spread(self, question: SpendQuestion, *, thinned: bool) -> Iterator[tuple[Group, dict[str, Any]]]:
        of_rows = plan(CLICKHOUSE, self._there, question, rows_only=True)
        wanted = [name for name in QUANTILES if name in question.measures]
        if wanted and (of_rows.alone or self._has_many(question)):
            yield from sketched_quantiles(self._ask, plan(CLICKHOUSE, self._there, question, DAYS), wanted).items()
        elif wanted:
            yield from exact_quantiles(self._ask, of_rows, wanted).items()
        if thinned and "estimated_cost_stderr" in question.measures:
            yield from standard_errors(self._ask, of_rows).items()

    def _has_many(self, question: SpendQuestion) -> bool:
        parts = self._plan(SpendQuestion(question.period, filters=question.filters)).parts(["calls"])
        [(calls,)] = self._ask(f"SELECT coalesce(sum(calls), 0)::Int64 FROM ({parts.sql})", parts.values)
        return int(calls) > self._max_exact

    def _row(self, group: tuple[Any, ...], spend: Spend) -> SpendRow:
        width = len(self._asked.group_by)
        if self._asked.interval is Interval.TOTAL:
            return SpendRow(group, None, spend)
        return SpendRow(group[:width], bucket_start(group[width], self._asked.interval, self._asked.zone), spend)

    def _spend(self, values: Iterable[Any], spread: dict[str, Any] | None) -> Spend:
        return Spend(**(dict(zip(self._measures, values, strict=True)) | (spread or {})))
