"""The look over a ledger: do charges add up to calls, reversals to what they take back, roll-ups to rows?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Final

import duckdb

from costspan.server.store.duckdb.asking import asking
from costspan.server.store.duckdb.rollups import MARK, NEVER, ROWS_SINCE, mark
from costspan.server.store.sql.conditions import utc
from costspan.server.store.sql.dialect import DUCKDB
from costspan.server.store.sql.plan import COUNTED_AT, OF_USERS, ROLLED
from costspan.server.store.sql.sketches import COLUMNS, counted, slot
from costspan.server.store.sql.verify import entries_of_day
from costspan.server.store.upkeep import Finding, Verdict

_DAY: Final = timedelta(days=1)
_DAYS: Final = (
    f"SELECT DISTINCT date_trunc('day', {COUNTED_AT})::TIMESTAMP FROM calls UNION "
    "SELECT DISTINCT date_trunc('day', hour)::TIMESTAMP FROM rollups UNION "
    "SELECT DISTINCT date_trunc('day', started_at)::TIMESTAMP FROM calls ORDER BY 1"
)
_COUNTED_IN_DAY: Final = (
    "(SELECT * FROM calls WHERE booked_at IS NULL AND started_at >= $since AND started_at < $next "
    "AND posted_at <= $to UNION ALL "
    "SELECT * FROM calls WHERE booked_at >= $since AND booked_at < $next AND posted_at <= $to)"
)


def _unlike(left: str, right: str) -> str:
    return f"SELECT count(*) FROM ((({left}) EXCEPT ALL ({right})) UNION ALL (({right}) EXCEPT ALL ({left})))"


def _sums(table: str, dated: str, names: tuple[str, ...]) -> str:
    keys = ", ".join(names)
    return _unlike(
        f"SELECT date_trunc('{dated}', {COUNTED_AT})::TIMESTAMP AS {dated}, {keys}, "
        + ", ".join(f"{sql} AS {name}" for name, sql in DUCKDB.parts.items())
        + f" FROM {_COUNTED_IN_DAY} GROUP BY ALL",
        f"SELECT {dated}, {keys}, "
        + ", ".join(f"sum({name})::HUGEINT AS {name}" for name in DUCKDB.parts)
        + f" FROM {table} WHERE {dated} >= $since AND {dated} < $next GROUP BY ALL",
    )


_SKETCHES: Final = _unlike(
    " UNION ALL ".join(
        f"SELECT date_trunc('day', started_at)::TIMESTAMP AS day, '{measure}' AS measure, "
        f"{slot(column)} AS slot, sum(sign)::HUGEINT AS n FROM {_COUNTED_IN_DAY} "
        f"WHERE {counted(column)} GROUP BY ALL HAVING n <> 0"
        for measure, column in COLUMNS.items()
    ),
    "SELECT day, measure, slot, sum(n)::HUGEINT AS n FROM (SELECT day, measure, unnest(counts, recursive := true) "
    "FROM sketches WHERE day >= $since AND day < $next) GROUP BY ALL HAVING sum(n) <> 0",
)


_ROLLED_UP: Final = {
    "sums": _sums("rollups", "hour", ROLLED),
    "sums of users": _sums("user_rollups", "day", OF_USERS),
    "percentiles": _SKETCHES,
}


def verify(connection: duckdb.DuckDBPyConnection, progress: Callable[[float], None]) -> Verdict:
    """Look over every day of which there are rows; `progress` is told the share that is done."""
    rows_since = mark(connection, ROWS_SINCE) or NEVER
    days = [day for (day,) in connection.execute(_DAYS).fetchall() if day >= rows_since]
    entries = 0
    findings: list[Finding] = []
    for done, day in enumerate(days, 1):
        seen, found = entries_of_day(asking(connection), day)
        entries += seen
        findings += [*found, *_findings(connection, day)]
        progress(done / len(days))
    return Verdict(entries, findings)


def _findings(connection: duckdb.DuckDBPyConnection, day: datetime) -> Iterator[Finding]:
    connection.execute("BEGIN TRANSACTION")
    try:
        bounds = {"since": day, "next": day + _DAY, "to": mark(connection, MARK) or NEVER}
        for what, query in _ROLLED_UP.items():
            [(rows,)] = connection.execute(query, bounds).fetchall()
            if rows:
                yield Finding(utc(day), f"rolled-up {what} that differ from the rows", rows, rolled_up=True)
    finally:
        connection.execute("ROLLBACK")
