"""Anomalies as they come: weeks are learned once a day, and every look after that reads what was posted since."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Final

from costspan.server.analytics.anomaly.day import Day
from costspan.server.analytics.anomaly.findings import Anomaly
from costspan.server.analytics.anomaly.history import Asked, Key
from costspan.server.analytics.anomaly.limits import Sensitivity

_LEARN_AGAIN: Final = timedelta(minutes=15)
"""What comes in for earlier days is learned no more often than this: a backfill comes in many parts."""
_TOO_LATE: Final = timedelta(hours=1)
"""What comes in for the end of yesterday changes little of what is usual."""


class Watch:
    """Looks at one question again and again. Safe from several threads."""

    def __init__(self, asked: Asked, sensitivity: Sensitivity = Sensitivity()) -> None:  # noqa: B008 - a value
        self._asked, self._sensitivity = asked, sensitivity
        self._lock = threading.Lock()
        self._start = self._learned_at = datetime.min.replace(tzinfo=UTC)
        self._day: Day | None = None

    def look(self, as_of: datetime) -> tuple[tuple[Anomaly, ...], tuple[Key, ...]]:
        """Return what gives alarm in the last whole bucket before `as_of`, and the groups that were looked at.

        The same as if history had been read just now, but for what came in during the last quarter of an hour for days
        before today.
        """
        with self._lock:
            day = self._day = self._known(as_of) or self._learned(as_of)
            return tuple(day.of_last_bucket()), tuple(sorted(day.keys, key=str))

    def _known(self, as_of: datetime) -> Day | None:
        """Return the day that was learned, read up to a moment, where it is still what history says."""
        day = self._day
        if day is None or self._asked.beginning(as_of) != self._start or not day.holds(as_of):
            return None
        day.read(as_of)
        is_stale = day.late_from is not None and day.late_from < day.begins_at - _TOO_LATE
        return None if is_stale and abs(as_of - self._learned_at) >= _LEARN_AGAIN else day

    def _learned(self, as_of: datetime) -> Day:
        self._start, self._learned_at = self._asked.beginning(as_of), as_of
        return Day(self._asked, self._start, as_of, self._sensitivity)
