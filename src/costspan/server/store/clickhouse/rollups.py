"""Roll-ups on ClickHouse: what the rows add up to by the hour, posted up to a mark, as in `duckdb.rollups`.

A step is a posting of its own: the sums of some rows and the mark up to which they are in it count together or not at
all, like the rows of any posting. So one that was cut off leaves nothing, and no step is ever counted twice.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from costspan.server.store.clickhouse.asking import asking, telling
from costspan.server.store.clickhouse.connection import Connection
from costspan.server.store.clickhouse.marks import MERGED, ROLLED_UP_TO, read_marks, with_roll_ups
from costspan.server.store.clickhouse.schema import ROLLED_UP
from costspan.server.store.clickhouse.writer import Writer
from costspan.server.store.sql.dialect import CLICKHOUSE, Ask
from costspan.server.store.sql.plan import COUNTED_AT, OF_USERS, ROLLED, SKETCHED
from costspan.server.store.sql.sketches import COLUMNS, counted, slot

NEVER: Final = datetime(1900, 1, 1)  # noqa: DTZ001 - as questions are bound: UTC, without a zone
AT_ONCE: Final = 1_000_000
"""Rows of a step where so many wait: to find the next ones all that wait are looked through."""

_POSTED: Final = "posted_at > ? AND posted_at <= ?"
_NEXT: Final = (
    "SELECT max(posted_at), sum(n)::Int64 FROM (SELECT posted_at, n, sum(n) OVER (ORDER BY posted_at ROWS BETWEEN "
    "UNBOUNDED PRECEDING AND CURRENT ROW)::Int64 - n::Int64 AS before FROM (SELECT posted_at, count(*) AS n FROM calls "
    "WHERE posted_at > ? GROUP BY posted_at)) WHERE before < ?"
)
_LONG_SINCE: Final = (
    "SELECT 1 FROM postings WHERE posting = {posting:UInt64} AND posted_at < now64(6) - INTERVAL 1 HOUR"
)
_WAITING: Final = "SELECT count(*)::Int64 FROM calls WHERE posted_at > ?"


def _sums(table: str, dated: str, names: tuple[str, ...]) -> str:
    keys = ", ".join(names)
    return (
        f"INSERT INTO {table} (posting, {dated}, {keys}, {', '.join(CLICKHOUSE.parts)}) "
        f"SELECT ?, date_trunc('{dated}', {COUNTED_AT}) AS {dated}, {keys}, {', '.join(CLICKHOUSE.parts.values())} "
        f"FROM calls WHERE {_POSTED} GROUP BY {dated}, {keys}"
    )


_SKETCH_KEYS: Final = ", ".join(SKETCHED)
LISTS: Final = (
    f"INSERT INTO sketches (posting, day, {_SKETCH_KEYS}, measure, counts) "
    f"SELECT ?, day, {_SKETCH_KEYS}, measure, arraySort(groupArray((slot, n))) FROM (<buckets>) WHERE n <> 0 "
    f"GROUP BY day, {_SKETCH_KEYS}, measure"
)
_BUCKETS: Final = " UNION ALL ".join(
    f"SELECT date_trunc('day', started_at) AS day, {_SKETCH_KEYS}, '{measure}' AS measure, {slot(column)} AS slot, "
    f"sum(sign)::Int64 AS n FROM calls WHERE {_POSTED} AND {counted(column)} GROUP BY day, {_SKETCH_KEYS}, slot"
    for measure, column in COLUMNS.items()
)
_ROLL_UP: Final = {
    "rollups": (_sums("rollups", "hour", ROLLED), 1),
    "user_rollups": (_sums("user_rollups", "day", OF_USERS), 1),
    "sketches": (LISTS.replace("<buckets>", _BUCKETS), len(COLUMNS)),
}
"""Table -> the statement that adds to it what some rows add up to, and how often it names which rows."""


def waiting(ask: Ask, after: datetime | None) -> int:
    """Return how many rows were posted after the mark."""
    [(rows,)] = ask(_WAITING, [after or NEVER])
    return int(rows)


def advance(writer: Writer, most: int) -> int:
    """Roll up what was posted after the mark, about `most` rows of it or `AT_ONCE`; return how many.

    Only whole postings are rolled up. `posted_at` only rises over the postings that count, so what counts up to a
    moment is all that ever will of it.
    """
    ask, tell = asking(writer.connection, writer.snapshot), telling(writer.connection, writer.snapshot)
    after = read_marks(writer.connection, writer.snapshot).rolled_up_to or NEVER
    [(to, rows)] = ask(_NEXT, [after, max(most, AT_ONCE)])
    if not rows:
        return 0

    def add(posting: int) -> None:
        for table, (statement, times) in _ROLL_UP.items():
            tell(statement, [posting, *(after, to) * times], f"{table}-{posting}")
        writer.set_mark(posting, ROLLED_UP_TO, to)

    writer.post(add)
    return int(rows)


KEYS: Final = {
    "rollups": ("hour", ROLLED),
    "user_rollups": ("day", OF_USERS),
    "sketches": ("day", (*SKETCHED, "measure")),
}
_SPREAD: Final = " UNION ALL ".join(
    f"SELECT toYYYYMM({dated}) AS month, (count(*) - count(DISTINCT ({dated}, {', '.join(keys)})))::Int64 AS extra "
    f"FROM {table} GROUP BY month"
    for table, (dated, keys) in KEYS.items()
)


def merge(writer: Writer, worth: int) -> int:
    """Merge roll-ups of one hour, a month at a time, where at least `worth` rows go away by it; return how many went.

    A merged month is a posting: from then on what it was made of counts no more. That is removed when the month is
    merged again, so that a question under way still finds it.
    """
    snapshot = writer.snapshot
    marks = read_marks(writer.connection, snapshot)
    rolled_up = with_roll_ups(snapshot, marks)
    ask, tell = asking(writer.connection, rolled_up), telling(writer.connection, rolled_up)
    gone = 0
    for month, extra in ask(f"SELECT month, sum(extra)::Int64 FROM ({_SPREAD}) GROUP BY month ORDER BY month", ()):
        if extra < max(1, worth):
            continue
        _remove_merged(writer.connection, dict(marks.merged).get(month, 0), month)

        def add(posting: int, month: int = month) -> None:
            for table, statement in _MERGE.items():
                tell(statement, [posting, month], f"merged-{table}-{month}-{posting}")
            writer.set_mark(posting, f"{MERGED}{month}", writer.now)

        writer.post(add)
        gone += extra
    return gone


def _remove_merged(connection: Connection, since: int, month: int) -> None:
    """Remove what a merge replaced, once no question can be under way that began before."""
    if connection.rows(_LONG_SINCE, {"posting": since}):
        for table, kept in ROLLED_UP.items():
            connection.remove(table, f"{kept.partition_by} = {month} AND posting < {since}")


def _merged_sums(table: str) -> str:
    dated, names = KEYS[table]
    keys, parts = ", ".join(names), CLICKHOUSE.parts
    return (
        f"INSERT INTO {table} (posting, {dated}, {keys}, {', '.join(parts)}) SELECT ?, {dated}, {keys}, "
        + ", ".join(f"sum({name}) AS {name}" for name in parts)
        + f" FROM {table} WHERE toYYYYMM({dated}) = ? GROUP BY {dated}, {keys}"
    )


_MERGED_COUNTS: Final = (
    f"SELECT day, {_SKETCH_KEYS}, measure, tupleElement(counted, 1) AS slot, sum(tupleElement(counted, 2)) AS n FROM "
    f"(SELECT day, {_SKETCH_KEYS}, measure, arrayJoin(counts) AS counted FROM sketches WHERE toYYYYMM(day) = ?) "
    f"GROUP BY day, {_SKETCH_KEYS}, measure, slot"
)
_MERGE: Final = {
    "rollups": _merged_sums("rollups"),
    "user_rollups": _merged_sums("user_rollups"),
    "sketches": LISTS.replace("<buckets>", _MERGED_COUNTS),
}
