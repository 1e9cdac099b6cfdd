"""Roll-ups: what the rows of `calls` add up to by the hour and what calls have in common, posted up to a mark.

A question reads the roll-ups up to the mark and the rows posted after it, in one snapshot: an answer is never behind,
and a commit of telemetry does nothing for it. They only grow, by signed sums; many rows of one hour are merged into
one now and then. Whatever they say can be added up again from the rows.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import duckdb

from costspan.server.store.sql.dialect import DUCKDB
from costspan.server.store.sql.plan import COUNTED_AT, OF_USERS, ROLLED, SKETCHED, Extent
from costspan.server.store.sql.sketches import COLUMNS, counted, slot

NEVER: Final = datetime(1, 1, 1)  # noqa: DTZ001 - as the tables keep moments: UTC, without a zone
MARK: Final = "rolled_up_to"
"""The last `posted_at` the roll-ups contain."""
ROWS_SINCE: Final = "rows_since"
"""The hour before which calls are kept in roll-ups alone."""

_KEYS: Final = {"rollups": ", ".join(ROLLED), "user_rollups": ", ".join(OF_USERS)}
_DATED: Final = {"rollups": "hour", "user_rollups": "day", "sketches": "day"}
_DAY: Final = "date_trunc('day', started_at)"
_SKETCH_KEYS: Final = ", ".join(SKETCHED)
_SUMS: Final = ", ".join(DUCKDB.parts)
DDL: Final = (
    "CREATE TABLE IF NOT EXISTS ledger_marks (name VARCHAR PRIMARY KEY, moment TIMESTAMP NOT NULL)",
    *(
        f"CREATE TABLE IF NOT EXISTS {table} ({_DATED[table]} TIMESTAMP NOT NULL, "
        + ", ".join([*(f"{name} VARCHAR" for name in keys), *(f"{name} HUGEINT NOT NULL" for name in DUCKDB.parts)])
        + ")"
        for table, keys in {"rollups": ROLLED, "user_rollups": OF_USERS}.items()
    ),
    "CREATE TABLE IF NOT EXISTS sketches (day TIMESTAMP NOT NULL, "
    + ", ".join(f"{name} VARCHAR" for name in SKETCHED)
    + ", measure VARCHAR NOT NULL, counts STRUCT(slot SMALLINT, n BIGINT)[] NOT NULL)",
)

_NEXT_MARK: Final = (
    "WITH waiting AS (SELECT posted_at FROM calls WHERE posted_at > $after) SELECT coalesce("
    "(SELECT posted_at FROM waiting ORDER BY posted_at LIMIT 1 OFFSET $most), (SELECT max(posted_at) FROM waiting))"
)
_POSTED: Final = "posted_at > $after AND posted_at <= $to"
_COUNTED: Final = f"posted_at <= $to AND {COUNTED_AT} >= $since AND {COUNTED_AT} < $next"
_ROLL_SUMS: Final = {
    table: f"INSERT INTO {table} BY NAME "
    f"SELECT date_trunc('{_DATED[table]}', {COUNTED_AT}) AS {_DATED[table]}, {keys}, "
    + ", ".join(f"{sql} AS {name}" for name, sql in DUCKDB.parts.items())
    + f" FROM calls WHERE {{rows}} GROUP BY {_DATED[table]}, {keys}"
    for table, keys in _KEYS.items()
}
_BUCKETS: Final = " UNION ALL ".join(
    f"SELECT {_DAY} AS day, {_SKETCH_KEYS}, '{measure}' AS measure, {slot(column)} AS slot, sum(sign)::BIGINT AS n "
    f"FROM calls WHERE {{rows}} AND {counted(column)} GROUP BY ALL"
    for measure, column in COLUMNS.items()
)
_LISTS: Final = (
    f"SELECT day, {_SKETCH_KEYS}, measure, list(struct_pack(slot := slot, n := n) ORDER BY slot) AS counts "
    "FROM ({buckets}) WHERE n <> 0 GROUP BY ALL"
)
_ROLL_SKETCHES: Final = "INSERT INTO sketches BY NAME " + _LISTS.format(buckets=_BUCKETS)

_SPREAD: Final = (
    "SELECT {dated}, count(*) - count(DISTINCT hash({keys})) AS extra FROM {table} GROUP BY {dated} HAVING extra > 0"
)
_MERGED_SUMS: Final = {
    table: f"SELECT {_DATED[table]}, {keys}, "
    + ", ".join(f"sum({name})::HUGEINT AS {name}" for name in DUCKDB.parts)
    + f" FROM {table} WHERE {_DATED[table]} IN (SELECT unnest(?::TIMESTAMP[])) GROUP BY {_DATED[table]}, {keys}"
    for table, keys in _KEYS.items()
}
_MERGED_BUCKETS: Final = (
    f"SELECT day, {_SKETCH_KEYS}, measure, counted.slot AS slot, sum(counted.n)::BIGINT AS n "
    f"FROM (SELECT day, {_SKETCH_KEYS}, measure, unnest(counts) AS counted FROM sketches "
    "WHERE day IN (SELECT unnest(?::TIMESTAMP[]))) GROUP BY ALL"
)
_MERGED: Final = {
    table: f"CREATE OR REPLACE TEMP TABLE merged AS {query}"
    for table, query in {**_MERGED_SUMS, "sketches": _LISTS.format(buckets=_MERGED_BUCKETS)}.items()
}
_EXTENT: Final = (
    f"SELECT max(moment) FILTER (WHERE name = '{MARK}'), max(moment) FILTER (WHERE name = '{ROWS_SINCE}'), "
    "(SELECT count(*) FROM calls), EXISTS (SELECT 1 FROM calls WHERE booked_at IS NOT NULL), "
    "greatest((SELECT max(started_at) FROM calls), (SELECT max(booked_at) FROM calls)) FROM ledger_marks"
)


def extent(connection: duckdb.DuckDBPyConnection) -> Extent:
    """Return the extent of the ledger, as it stands in the caller's transaction."""
    [found] = connection.execute(_EXTENT).fetchall()
    return Extent(*found)


def mark(connection: duckdb.DuckDBPyConnection, name: str) -> datetime | None:
    """Return a mark of the ledger, None where it was never set."""
    found = connection.execute("SELECT moment FROM ledger_marks WHERE name = ?", [name]).fetchall()
    moment: datetime | None = found[0][0] if found else None
    return moment


def set_mark(connection: duckdb.DuckDBPyConnection, name: str, at: datetime) -> None:
    """Set a mark of the ledger, within the caller's transaction."""
    connection.execute("INSERT OR REPLACE INTO ledger_marks VALUES (?, ?)", [name, at])


def waiting(connection: duckdb.DuckDBPyConnection) -> int:
    """Return how many rows were posted after the mark."""
    after = mark(connection, MARK) or NEVER
    [(rows,)] = connection.execute("SELECT count(*) FROM calls WHERE posted_at > ?", [after]).fetchall()
    return int(rows)


def advance(connection: duckdb.DuckDBPyConnection, most: int) -> int:
    """Roll up what was posted after the mark, about `most` rows of it, within the caller's transaction.

    Return how many rows. Only whole postings are rolled up. The writer's `posted_at` only rises, so what is seen up to
    a moment is all there ever will be of it.
    """
    after = mark(connection, MARK) or NEVER
    [(to,)] = connection.execute(_NEXT_MARK, {"after": after, "most": most}).fetchall()
    if to is None:
        return 0
    times = {"after": after, "to": to}
    [(rows,)] = connection.execute(f"SELECT count(*) FROM calls WHERE {_POSTED}", times).fetchall()
    for query in (*_ROLL_SUMS.values(), _ROLL_SKETCHES):
        connection.execute(query.format(rows=_POSTED), times)
    set_mark(connection, MARK, to)
    return int(rows)


def add_up_again(connection: duckdb.DuckDBPyConnection, day: datetime) -> None:
    """Make the roll-ups of a day from its rows, within the caller's transaction."""
    times = {"since": day, "next": day + timedelta(days=1)}
    for table, dated in _DATED.items():
        connection.execute(f"DELETE FROM {table} WHERE {dated} >= $since AND {dated} < $next", times)
    to = mark(connection, MARK)
    if to is not None:
        for query in (*_ROLL_SUMS.values(), _ROLL_SKETCHES):
            connection.execute(query.format(rows=_COUNTED), times | {"to": to})


def add_up_users(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the roll-ups of users of all rows up to the mark, within the caller's transaction, a day at a time."""
    to = mark(connection, MARK)
    connection.execute("DELETE FROM user_rollups")
    days = f"SELECT DISTINCT date_trunc('day', {COUNTED_AT})::TIMESTAMP FROM calls WHERE posted_at <= ? ORDER BY 1"
    for (day,) in connection.execute(days, [to]).fetchall() if to else ():
        times = {"since": day, "next": day + timedelta(days=1), "to": to}
        connection.execute(_ROLL_SUMS["user_rollups"].format(rows=_COUNTED), times)


def merge(connection: duckdb.DuckDBPyConnection, worth: int) -> int:
    """Merge rows of the same hour and keys where at least `worth` rows go away by it; return how many went.

    Within the caller's transaction.
    """
    gone = 0
    spread = {
        table: connection.execute(_SPREAD.format(dated=dated, keys=keys, table=table)).fetchall()
        for (table, dated), keys in zip(_DATED.items(), (*_KEYS.values(), f"{_SKETCH_KEYS}, measure"), strict=True)
    }
    if sum(extra for rows in spread.values() for _, extra in rows) < max(1, worth):
        return 0
    for table, dated in _DATED.items():
        times = [[moment for moment, _ in spread[table]]]
        connection.execute(_MERGED[table], times)
        connection.execute(f"DELETE FROM {table} WHERE {dated} IN (SELECT unnest(?::TIMESTAMP[]))", times)
        connection.execute(f"INSERT INTO {table} BY NAME SELECT * FROM merged")
        gone += sum(extra for _, extra in spread[table])
    connection.execute("DROP TABLE merged")
    return int(gone)
