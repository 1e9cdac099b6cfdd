"""One question about spend: measures of parts, the groups asked for, quantiles beside."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, Final

from costspan.server.store.question import SUMS, Filter, Interval, Spend, SpendAnswer, SpendQuestion, SpendRow
from costspan.server.store.sql.buckets import bucket_start
from costspan.server.store.sql.dialect import CLICKHOUSE, Ask
from costspan.server.store.sql.measures import ENTRIES, MEASURES, THINNED, needed
from costspan.server.store.sql.plan import Extent, Plan, plan
from costspan.server.store.sql.spread import Group, Spread, exact_quantiles, sketched_quantiles, standard_errors

_SELECTED: Final = ", ".join(f"{sql} AS m_{name}" for name, sql in MEASURES.items())
_STANDING: Final = f"HAVING {ENTRIES} > 0"
_EXTENT: Final = "SELECT count(*), countIf(booked_at IS NOT NULL) > 0 FROM calls"


class Answering:
    """The queries of one question, all on one snapshot."""

    def __init__(self, ask: Ask, question: SpendQuestion, max_exact: int) -> None:
        self._ask = ask
        self._asked = question
        self._max_exact = max_exact
        self._there = extent(ask)

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
            for group, said in self._spread(asked, thinned=bool(thinned)):
                spread.setdefault(group, {}).update(said)
        width = len(planned.names)
        return SpendAnswer(
            tuple(self._row(row[:width], _spend(row[width:], spread.get(row[:width]))) for row in rows),
            _spend(total, spread.get(None)),
        )

    def _total(self, whole: SpendQuestion) -> tuple[Any, ...]:
        parts = self._plan(whole).parts()
        [found] = self._ask(f"SELECT {THINNED}, {_SELECTED} FROM ({parts.sql})", parts.values)
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
        return self._asked if not self._top else replace(self._asked, filters=tuple(self._narrowed(self._top)))

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
        names, parts = ", ".join(planned.names), planned.parts()
        by = f"GROUPING SETS (({names}), ())" if with_total else names
        is_total = f"grouping({planned.names[0]}) = 1" if with_total else "false"
        has_buckets, limit = planned.interval is not Interval.TOTAL, self._asked.limit
        query = (
            f"SELECT {is_total}, {names}, {THINNED}, {_SELECTED} FROM ({parts.sql}) GROUP BY {by} "
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
        planned = self._plan(question)
        quantiles = sketched_quantiles if self._has_many(planned) else exact_quantiles
        yield from quantiles(self._ask, planned).items()
        if thinned:
            yield from standard_errors(self._ask, planned).items()

    def _has_many(self, planned: Plan) -> bool:
        if self._there.rows <= self._max_exact:
            return False
        [(rows,)] = self._ask(f"SELECT count(*) FROM {planned.rows.sql}", planned.rows.values)
        return int(rows) > self._max_exact

    def _row(self, group: tuple[Any, ...], spend: Spend) -> SpendRow:
        width = len(self._asked.group_by)
        if self._asked.interval is Interval.TOTAL:
            return SpendRow(group, None, spend)
        return SpendRow(group[:width], bucket_start(group[width], self._asked.interval, self._asked.zone), spend)


def extent(ask: Ask) -> Extent:
    """Return the extent of the ledger: all of it is rows."""
    [(rows, has_booked)] = ask(_EXTENT, ())
    return Extent(rolled_up_to=None, rows_since=None, rows=rows, has_booked=bool(has_booked))


def _spend(values: Iterable[Any], spread: dict[str, Any] | None) -> Spend:
    return Spend(**(dict(zip(MEASURES, values, strict=True)) | (spread or {})))
