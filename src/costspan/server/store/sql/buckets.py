"""Time buckets in SQL: a moment to the hour or day it is in, as the clocks of a zone go.

By the zones that Python knows, whatever the engine does: local time is UTC plus an offset that changes a few times a
year, written out as a CASE.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from costspan.core.zone import Offset, Zone
from costspan.server.store.question import Interval

BUCKETS: Final = {Interval.HOUR: "hour", Interval.DAY: "day"}


def bucket(interval: Interval, at: str, offsets: tuple[Offset, ...]) -> str:
    """Return the SQL of the bucket of the moment `at`: an hour as the UTC moment it begins at, a day by its local date.

    `bucket_start` reads it.
    """
    if all(not offset.ahead for offset in offsets):
        return f"date_trunc('{BUCKETS[interval]}', {at})"
    shift = _shift(at, offsets)
    local = f"date_trunc('{BUCKETS[interval]}', {at} + {shift})"
    return f"({local} - {shift})" if interval is Interval.HOUR else local


def bucket_start(found: datetime, interval: Interval, zone: Zone) -> datetime:
    """Return the UTC moment at which a bucket of an answer begins."""
    return zone.midnight(found) if interval is Interval.DAY else found.replace(tzinfo=UTC)


def _shift(at: str, offsets: tuple[Offset, ...]) -> str:
    *earlier, last = offsets
    cases = "".join(
        f"WHEN {at} < TIMESTAMP '{then.since.astimezone(UTC):%Y-%m-%d %H:%M:%S}' THEN {_seconds(now.ahead)} "
        for now, then in zip(earlier, offsets[1:], strict=True)
    )
    return f"(CASE {cases}ELSE {_seconds(last.ahead)} END)" if cases else _seconds(last.ahead)


def _seconds(ahead: timedelta) -> str:
    return f"INTERVAL ({int(ahead.total_seconds())}) SECOND"
