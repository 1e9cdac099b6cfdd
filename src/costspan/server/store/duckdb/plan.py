"""Where an answer is read: whole hours from the roll-ups, what they do not hold yet and broken hours from the rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import duckdb

from costspan.server.store.duckdb.conditions import column, naive, passes
from costspan.server.store.duckdb.measures import PARTS
from costspan.server.store.duckdb.rollups import COUNTED_AT, MARK, ROLLED, ROWS_SINCE, mark
from costspan.server.store.question import COLUMNS, Filter, Interval, SpendQuestion

_HOUR: Final = timedelta(hours=1)
_BUCKETS: Final = {Interval.HOUR: "hour", Interval.DAY: "day"}


@dataclass(frozen=True, slots=True)
class Source:
    """A FROM clause with its conditions, and the values bound in it."""

    sql: str
    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """The sources of one answer; together they hold everything that is asked, once.

    `rolled` is None where roll-ups have no part in it. `blind` says that keys of the question are unknown before
    `rows_since`, where only roll-ups are left.
    """

    keys: tuple[str, ...]
    interval: Interval
    rows: Source
    rolled: Source | None
    rows_since: datetime | None
    reaches_rollups_alone: bool
    blind: bool

    @property
    def names(self) -> list[str]:
        """The columns that a group is told by: keys, then the bucket."""
        return [f"k{i}" for i in range(len(self.keys))] + (["bucket"] if self.interval in _BUCKETS else [])

    def grouping(self, *, rolled: bool) -> list[str]:
        """Return what is selected for `names` in rows or roll-ups."""
        told = [f"{_rolled(key) if rolled else column(key)} AS k{i}" for i, key in enumerate(self.keys)]
        if self.interval in _BUCKETS:
            at = "hour" if rolled else COUNTED_AT
            told.append(f"date_trunc('{_BUCKETS[self.interval]}', {at}) AS bucket")
        return told

    def parts(self) -> Source:
        """Return the query for the parts of every group."""
        of_rows = ", ".join([*self.grouping(rolled=False), *(f"{sql} AS {name}" for name, sql in PARTS.items())])
        by = f" GROUP BY {', '.join(self.names)}" if self.names else ""
        query = f"SELECT {of_rows} FROM {self.rows.sql}{by}"
        if self.rolled is None:
            return Source(query, self.rows.values)
        of_hours = ", ".join([*self.grouping(rolled=True), *(f"sum({name})::HUGEINT AS {name}" for name in PARTS)])
        # A sum over no rows at all is NULL, where counting rows gives 0.
        none = "" if by else " HAVING count(*) > 0"
        query += f" UNION ALL SELECT {of_hours} FROM {self.rolled.sql}{by}{none}"
        return Source(query, (*self.rows.values, *self.rolled.values))


def plan(connection: duckdb.DuckDBPyConnection, question: SpendQuestion, *, rows_only: bool = False) -> Plan:
    """Return where `question` is to be read, as the ledger stands in the caller's transaction.

    `rows_only` leaves out roll-ups wherever there are rows.
    """
    since, until = naive(question.period.since), naive(question.period.until)
    to, rows_since = mark(connection, MARK), mark(connection, ROWS_SINCE)
    asked = (*question.group_by, *(chosen.key for chosen in question.filters))
    knows_all = all(COLUMNS.get(key) in ROLLED for key in asked)
    alone = rows_since is not None and since < rows_since
    first, last = _whole_hours(since, until, rows_since)
    if rows_since is not None and (rows_only or not knows_all):
        last = min(last, rows_since)
    uses_hours = to is not None and first < last and (alone or (knows_all and not rows_only))
    filters = question.filters
    return Plan(
        keys=question.group_by,
        interval=question.interval,
        rows=_rows(
            filters,
            (since, until),
            to if uses_hours or alone else None,
            [(max(since, rows_since or since), min(first, until)), (max(since, last, rows_since or since), until)],
        ),
        rolled=_hours(filters, first, last) if uses_hours else None,
        rows_since=rows_since,
        reaches_rollups_alone=alone and uses_hours,
        blind=alone and uses_hours and not knows_all,
    )


def _whole_hours(since: datetime, until: datetime, rows_since: datetime | None) -> tuple[datetime, datetime]:
    """Return the hours that lie in the period. Where rows are gone an hour is asked about when its start is."""
    first, last = _up(since), _down(until)
    if rows_since is not None and until <= rows_since:
        last = _up(until)
    return first, last


def _rows(
    filters: Sequence[Filter], period: tuple[datetime, datetime], to: datetime | None, edges: Sequence[Any]
) -> Source:
    """Return the rows of `period`; of those posted up to `to` only the ones within `edges`."""
    passing, used = passes(filters)
    # One branch for where a call began and one for where its correction is booked: each prunes by its own column.
    branches, values = [], []
    for place, at in (("booked_at IS NULL", "started_at"), ("booked_at IS NOT NULL", "booked_at")):
        kept = " AND ".join([place, f"{at} >= ? AND {at} < ?", *passing])
        if to is None:
            branches.append(kept)
            values += [*period, *used]
            continue
        branches.append(f"posted_at > ? AND {kept}")
        values += [to, *period, *used]
        for edge in edges:
            branches.append(f"posted_at <= ? AND {kept}")
            values += [to, *edge, *used]
    sql = " UNION ALL ".join(f"SELECT * FROM calls WHERE {branch}" for branch in branches)
    return Source(f"({sql})", tuple(values))


def _hours(filters: Sequence[Filter], first: datetime, last: datetime) -> Source:
    # A filter on what the roll-ups do not tell apart lets nothing through: who it was is not known any more.
    known = [chosen for chosen in filters if COLUMNS.get(chosen.key) in ROLLED]
    passing, used = passes(known)
    clauses = ["hour >= ? AND hour < ?", *passing] + (["FALSE"] if len(known) < len(filters) else [])
    return Source(f"(SELECT * FROM rollups WHERE {' AND '.join(clauses)})", (first, last, *used))


def _rolled(key: str) -> str:
    return column(key) if COLUMNS.get(key) in ROLLED else "NULL::VARCHAR"


def _up(moment: datetime) -> datetime:
    whole = _down(moment)
    return whole if whole == moment else whole + _HOUR


def _down(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)
