"""The look over a ledger on ClickHouse: entries as everywhere, and what roll-ups differ by from the rows.

The difference is a query. Where it finds something, adding just that makes the roll-ups right again.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from costspan.server.store.clickhouse.asking import asking, telling
from costspan.server.store.clickhouse.marks import Marks, read_marks, with_roll_ups
from costspan.server.store.clickhouse.rollups import KEYS, LISTS, NEVER
from costspan.server.store.clickhouse.writer import Writer
from costspan.server.store.sql.conditions import utc
from costspan.server.store.sql.dialect import CLICKHOUSE, Ask
from costspan.server.store.sql.plan import COUNTED_AT
from costspan.server.store.sql.sketches import COLUMNS, counted, slot
from costspan.server.store.sql.verify import entries_of_day
from costspan.server.store.upkeep import Finding, Verdict

_DAY: Final = timedelta(days=1)
_DAYS: Final = (
    f"SELECT DISTINCT day FROM (SELECT date_trunc('day', {COUNTED_AT}) AS day FROM calls UNION ALL "
    "SELECT date_trunc('day', started_at) FROM calls UNION ALL SELECT date_trunc('day', hour) FROM rollups) "
    "WHERE day >= ? ORDER BY day"
)
_COUNTED: Final = (
    "(SELECT * FROM calls WHERE posted_at <= ? AND booked_at IS NULL AND started_at >= ? AND started_at < ? UNION ALL "
    "SELECT * FROM calls WHERE posted_at <= ? AND booked_at >= ? AND booked_at < ?)"
)


def _sums(table: str) -> str:
    dated, names = KEYS[table]
    keys, parts = ", ".join((dated, *names)), CLICKHOUSE.parts
    return (
        f"SELECT {keys}, {', '.join(f'sum({name}) AS {name}' for name in parts)} FROM ("
        f"SELECT date_trunc('{dated}', {COUNTED_AT}) AS {keys}, "
        + ", ".join(f"{sql} AS {name}" for name, sql in parts.items())
        + f" FROM {_COUNTED} GROUP BY {keys} UNION ALL SELECT {keys}, {', '.join(f'-{name}' for name in parts)} "
        f"FROM {table} WHERE {dated} >= ? AND {dated} < ?) GROUP BY {keys} "
        f"HAVING {' OR '.join(f'sum({name}) <> 0' for name in parts)}"
    )


_SKETCH_KEYS: Final = ", ".join(KEYS["sketches"][1])
_SKETCHES: Final = (
    f"SELECT day, {_SKETCH_KEYS}, slot, sum(n) AS n FROM ("
    + "".join(
        f"SELECT date_trunc('day', started_at) AS day, {_SKETCH_KEYS.removesuffix('measure')}'{measure}' AS measure, "
        f"{slot(column)} AS slot, sign::Int64 AS n FROM calls "
        f"WHERE posted_at <= ? AND started_at >= ? AND started_at < ? AND {counted(column)} UNION ALL "
        for measure, column in COLUMNS.items()
    )
    + f"SELECT day, {_SKETCH_KEYS}, tupleElement(counted, 1), -tupleElement(counted, 2) FROM (SELECT day, "
    f"{_SKETCH_KEYS}, arrayJoin(counts) AS counted FROM sketches WHERE day >= ? AND day < ?)) "
    f"GROUP BY day, {_SKETCH_KEYS}, slot HAVING sum(n) <> 0"
)
_DIFFERENCES: Final = {
    "rollups": ("sums", _sums("rollups")),
    "user_rollups": ("sums of users", _sums("user_rollups")),
    "sketches": ("percentiles", _SKETCHES),
}


def verify(ask: Ask, marks: Marks, progress: Callable[[float], None]) -> Verdict:
    """Look over every day of which there are rows; `progress` is told the share that is done."""
    days = [day for (day,) in ask(_DAYS, [marks.rows_since or NEVER])]
    entries = 0
    findings: list[Finding] = []
    for done, day in enumerate(days, 1):
        seen, found = entries_of_day(ask, day)
        entries += seen
        findings += found
        for what, difference in _DIFFERENCES.values():
            [(rows,)] = ask(f"SELECT count(*)::Int64 FROM ({difference})", _bounds(marks, day))
            if rows:
                findings.append(Finding(utc(day), f"rolled-up {what} that differ from the rows", rows, rolled_up=True))
        progress(done / len(days))
    return Verdict(entries, findings)


def add_up_again(writer: Writer, day: datetime) -> None:
    """Add to the roll-ups of a day what they differ by from its rows."""
    marks = read_marks(writer.connection, writer.snapshot)
    snapshot = with_roll_ups(writer.snapshot, marks)
    ask, tell = asking(writer.connection, snapshot), telling(writer.connection, snapshot)

    def add(posting: int) -> None:
        for table, (_, difference) in _DIFFERENCES.items():
            if ask(f"SELECT 1 FROM ({difference}) LIMIT 1", _bounds(marks, day)):
                tell(_mended(table, difference), [posting, *_bounds(marks, day)], f"mended-{table}-{posting}")

    writer.post(add)


def _mended(table: str, difference: str) -> str:
    if table == "sketches":
        return LISTS.replace("<buckets>", difference)
    dated, keys = KEYS[table]
    columns = ", ".join((dated, *keys, *CLICKHOUSE.parts))
    return f"INSERT INTO {table} (posting, {columns}) SELECT ?, {columns} FROM ({difference})"


def _bounds(marks: Marks, day: datetime) -> list[datetime]:
    posted = [marks.rolled_up_to or NEVER, day, day + _DAY]
    return [*posted, *posted, day, day + _DAY]
