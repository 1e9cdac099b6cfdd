"""Where an answer is read: whole hours or days from roll-ups, the rest from rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from costspan.core.zone import Offset, in_whole_hours
from costspan.server.store.question import COLUMNS, Filter, Interval, SpendQuestion
from costspan.server.store.sql.buckets import BUCKETS, bucket
from costspan.server.store.sql.conditions import naive, passes
from costspan.server.store.sql.dialect import Dialect

_HOUR: Final = timedelta(hours=1)
ROLLED: Final = (
    "provider", "model", "requested_model", "response_model", "operation", "mode", "feature", "team", "environment",
    "service", "agent", "tenant", "dialect", "price_status", "error_type", "finish_reason",
)  # fmt: skip
"""What roll-ups by the hour tell apart. Sessions, tools, tags and attempts have too many values: rows answer."""
OF_USERS: Final = ("user_id", "tenant")
"""What roll-ups by the day tell apart beside them: with more keys there would be nearly as many of them as calls."""
SKETCHED: Final = ("provider", "model", "operation", "feature", "team", "environment", "service", "agent", "tenant")
"""What sketches tell apart, by the day: a sketch is worth its place where it holds many calls."""

COUNTED_AT: Final = "coalesce(booked_at, started_at)"
"""When a row of `calls` counts."""


@dataclass(frozen=True, slots=True)
class Grain:
    """A table of roll-ups: the column that dates its rows, how much time one row is of, and the keys it knows."""

    table: str
    dated: str
    width: timedelta
    keys: tuple[str, ...]

    def knows(self, key: str) -> bool:
        """Return whether a group key is told apart."""
        return COLUMNS.get(key) in self.keys


HOURS: Final = Grain("rollups", "hour", _HOUR, ROLLED)
DAYS: Final = Grain("sketches", "day", 24 * _HOUR, SKETCHED)
USERS: Final = Grain("user_rollups", "day", 24 * _HOUR, OF_USERS)


@dataclass(frozen=True, slots=True)
class Extent:
    """How far the ledger reaches: up to when it is rolled up, since when it has rows, and what rows there are.

    `rows` is None where counting them would be to read them. `last_at` is when the last of them counts; None where
    there is none, or nobody looked.
    """

    rolled_up_to: datetime | None
    rows_since: datetime | None
    rows: int | None
    has_booked: bool
    last_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """A FROM clause with its conditions, and the values bound in it."""

    sql: str
    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """The sources of one answer; together they hold everything that is asked, once.

    `rolled` is None where roll-ups have no part in it. `alone` says that part of the period has no rows any more,
    `blind` that keys of the question are unknown there.
    """

    dialect: Dialect
    period: tuple[datetime, datetime]
    keys: tuple[str, ...]
    interval: Interval
    offsets: tuple[Offset, ...]
    grain: Grain
    rows: Source
    rolled: Source | None
    alone: bool
    blind: bool

    @property
    def key_names(self) -> list[str]:
        """The columns of the keys."""
        return [f"k{i}" for i in range(len(self.keys))]

    @property
    def names(self) -> list[str]:
        """The columns that a group is told by: keys, then the bucket."""
        return self.key_names + (["bucket"] if self.interval in BUCKETS else [])

    def grouping(self, *, rolled: bool) -> list[str]:
        """Return what is selected for `names` in rows or roll-ups."""
        told = [f"{self._key(key, rolled=rolled)} AS k{i}" for i, key in enumerate(self.keys)]
        if self.interval in BUCKETS:
            at = self.grain.dated if rolled else COUNTED_AT
            told.append(f"{bucket(self.interval, at, self.offsets)} AS bucket")
        return told

    def chosen(self, table: str, *, rolled: bool) -> str:
        """Return the condition that the key of a row is one of `table`'s."""
        same = (f"chosen.k{i} IS NOT DISTINCT FROM {self._key(key, rolled=rolled)}" for i, key in enumerate(self.keys))
        return f"EXISTS (SELECT 1 FROM {table} AS chosen WHERE {' AND '.join(same)})"

    def parts(self, only: Iterable[str] | None = None, chosen: str | None = None) -> Source:
        """Return the query for the parts of every group, or of those whose keys the table `chosen` has."""
        by = f" GROUP BY {', '.join(self.names)}" if self.names else ""
        parts = self.dialect.parts
        only = tuple(parts if only is None else only)
        told = ", ".join([*self.grouping(rolled=False), *(f"{parts[name]} AS {name}" for name in only)])
        kept = f" WHERE {self.chosen(chosen, rolled=False)}" if chosen else ""
        query = f"SELECT {told} FROM {self.rows.sql}{kept}{by}"
        if self.rolled is None:
            return Source(query, self.rows.values)
        told = ", ".join([*self.grouping(rolled=True), *(f"sum({name})::Int128 AS {name}" for name in only)])
        kept = f" WHERE {self.chosen(chosen, rolled=True)}" if chosen else ""
        # A sum over no rows at all is NULL, where counting rows gives 0.
        some = "" if by else " HAVING count(*) > 0"
        query += f" UNION ALL SELECT {told} FROM {self.rolled.sql}{kept}{by}{some}"
        return Source(query, (*self.rows.values, *self.rolled.values))

    def _key(self, key: str, *, rolled: bool) -> str:
        return self.dialect.column(key) if not rolled or self.grain.knows(key) else "NULL::VARCHAR"


def plan(
    dialect: Dialect, there: Extent, question: SpendQuestion, grain: Grain | None = None, *, rows_only: bool = False
) -> Plan:
    """Return where `question` is to be read in a ledger of an extent.

    The sums of `grain` are read, of whichever knows what is asked unless said; `rows_only` leaves out roll-ups wherever
    there are rows.
    """
    since, until = naive(question.period.since), naive(question.period.until)
    to, rows_since = there.rolled_up_to, there.rows_since
    asked = (*question.group_by, *(chosen.key for chosen in question.filters))
    if grain is None:
        # Who it was is forgotten with the rows.
        whole = rows_since is None or rows_since <= since
        grain = USERS if whole and "user" in asked and all(USERS.knows(key) for key in asked) else HOURS
    offsets = question.zone.offsets(question.period) if question.interval in BUCKETS else ()
    fits = _fits(question.interval, offsets, grain)
    # A local hour that is not an hour of UTC is told by rows alone; where they are gone, its calls count by the hour.
    knows_all = fits and in_whole_hours(offsets) and all(grain.knows(key) for key in asked)
    alone = rows_since is not None and since < rows_since
    first, last = _whole(since, until, there, grain.width)
    if rows_since is not None and (rows_only or not knows_all):
        last = min(last, rows_since)
    rolls = to is not None and fits and first < last and (alone or (knows_all and not rows_only))
    if not rolls:
        first = last = until
    edges = [(max(since, rows_since or since), min(first, until)), (max(since, last, rows_since or since), until)]
    return Plan(
        dialect=dialect,
        period=(since, until),
        keys=question.group_by,
        interval=question.interval,
        offsets=offsets,
        grain=grain,
        rows=_rows(
            dialect, there, question.filters, (since, until), to if rolls or alone else None, edges, wide=not rows_only
        ),
        rolled=_rolled(dialect, question.filters, first, last, grain) if rolls else None,
        alone=alone,
        blind=alone and rolls and not knows_all,
    )


def _fits(interval: Interval, offsets: tuple[Offset, ...], grain: Grain) -> bool:
    """Return whether each row of a grain is, or is taken to be, of one bucket."""
    return grain is HOURS or interval not in BUCKETS or (interval is Interval.DAY and not any(o.ahead for o in offsets))


def _whole(since: datetime, until: datetime, there: Extent, width: timedelta) -> tuple[datetime, datetime]:
    """Return the hours or days that lie in the period. Where rows are gone one is asked about when its start is.

    The last one, too, where nothing counts after the period: then it is all in it, as today is when it is asked about
    up to now.
    """
    first, last = _up(since, width), _down(until, width)
    is_gone = there.rows_since is not None and until <= there.rows_since
    if is_gone or (there.last_at is not None and there.last_at < until):
        last = _up(until, width)
    return first, last


def _rows(
    dialect: Dialect,
    there: Extent,
    filters: Sequence[Filter],
    period: tuple[datetime, datetime],
    to: datetime | None,
    edges: Sequence[tuple[datetime, datetime]],
    *,
    wide: bool,
) -> Source:
    """Return the rows of `period`; of those posted up to `to` only the ones within `edges`.

    `wide` says that many of their columns are read.
    """
    passing, used = passes(dialect, filters)
    # One branch for where a call began and one for where its correction is booked: each prunes by its own column.
    branches: list[str] = []
    values: list[Any] = []
    places = [("booked_at IS NULL", "started_at"), ("booked_at IS NOT NULL", "booked_at")]
    for place, at in places if there.has_booked else places[:1]:
        kept = " AND ".join([place, f"{at} >= ? AND {at} < ?", *passing])
        if to is None:
            branches.append(kept)
            values += [*period, *used]
            continue
        branches.append(f"posted_at > ? AND {kept}")
        values += [to, *period, *used]
        for edge in (edge for edge in edges if edge[0] < edge[1]):
            branches.append(f"posted_at <= ? AND {kept}")
            values += [to, *edge, *used]
    # What no roll-up tells apart is rare among the rows: first which they are, then all that they say. Otherwise every
    # column of every block with such a row would be read.
    is_rare = wide and any(not HOURS.knows(chosen.key) for chosen in filters)
    chosen = [dialect.rows_where(branch, "") if is_rare else branch for branch in branches]
    sql = " UNION ALL ".join(f"SELECT * FROM calls WHERE {branch}" for branch in chosen)
    return Source(f"({sql})", tuple(values))


def _rolled(dialect: Dialect, filters: Sequence[Filter], first: datetime, last: datetime, grain: Grain) -> Source:
    # A filter on what the roll-ups do not tell apart lets nothing through: who it was is not known any more.
    known = [chosen for chosen in filters if grain.knows(chosen.key)]
    passing, used = passes(dialect, known)
    clauses = [f"{grain.dated} >= ? AND {grain.dated} < ?", *passing] + (["FALSE"] if len(known) < len(filters) else [])
    return Source(f"(SELECT * FROM {grain.table} WHERE {' AND '.join(clauses)})", (first, last, *used))


def _up(moment: datetime, width: timedelta) -> datetime:
    whole = _down(moment, width)
    return whole if whole == moment else whole + width


def _down(moment: datetime, width: timedelta) -> datetime:
    hour = moment.replace(minute=0, second=0, microsecond=0)
    return hour if width == _HOUR else hour.replace(hour=0)
