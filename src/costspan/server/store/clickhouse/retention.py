"""Removing rows of calls that are past their time: whole months as partitions, the days at the edge one by one.

Totals stay: before an hour's rows go its roll-ups are complete, and from then on the ledger answers for it from them.
That moment is a mark, and counts before anything goes. What is cut off in between is removed by the next round.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from costspan.server.store.clickhouse.asking import asking
from costspan.server.store.clickhouse.connection import Connection
from costspan.server.store.clickhouse.marks import ROWS_SINCE, read_marks
from costspan.server.store.clickhouse.writer import Writer
from costspan.server.store.ports import SETTLING_WINDOW
from costspan.server.store.sql.conditions import naive
from costspan.server.store.sql.plan import COUNTED_AT

_DATED: Final = {
    "charges": ("started_at", "posted_at"),
    "tools": ("started_at", "posted_at"),
    "records": ("started_at", "received_at"),
    "calls": (COUNTED_AT, "posted_at"),
}
"""What says of a row when it counts and when it was posted. Calls go last: while they are there a round has to."""
_PAST: Final = f"SELECT count(*)::Int64 FROM calls WHERE posted_at <= ? AND started_at < ? AND {COUNTED_AT} < ?"
_MONTHS: Final = (
    "SELECT toYYYYMM(started_at) AS month FROM {table} WHERE toYYYYMM(started_at) < toYYYYMM({within_reach}) "
    "GROUP BY month HAVING countIf(NOT ({past})) = 0"
)


def remove_calls(writer: Writer, before: datetime) -> int:
    """Remove rows of calls that count before the day of a moment; return how many went.

    Nothing goes that is not rolled up. All that is executed names the rows by moments that a posting which counts set
    before, so that it does no harm in a process that was replaced meanwhile.
    """
    before = before.replace(hour=0, minute=0, second=0, microsecond=0)
    marks = read_marks(writer.connection, writer.snapshot)
    to = marks.rolled_up_to
    if to is None:
        return 0
    [(gone,)] = asking(writer.connection, writer.snapshot)(_PAST, [to, before, before])
    if not gone:
        return 0
    if marks.rows_since is None or marks.rows_since < before:
        writer.post(lambda posting: writer.set_mark(posting, ROWS_SINCE, before))
    # Who it was goes with the rows.
    writer.connection.remove("user_rollups", f"day < {_moment(before)}")
    for table, (dated, posted) in _DATED.items():
        past = f"{dated} < {_moment(before)} AND {posted} <= {_moment(to)}"
        _drop_months(writer.connection, table, before, past)
        writer.connection.remove(table, past)
    return int(gone)


def _drop_months(connection: Connection, table: str, before: datetime, past: str) -> None:
    """Drop the months of which every row is past, but for one that a trace which is kept may still reach into."""
    within_reach = _moment(before - SETTLING_WINDOW - timedelta(microseconds=1))
    for (month,) in connection.rows(_MONTHS.format(table=table, within_reach=within_reach, past=past)):
        connection.drop_month(table, month)


def _moment(at: datetime) -> str:
    return f"toDateTime64('{naive(at):%Y-%m-%d %H:%M:%S.%f}', 6, 'UTC')"
