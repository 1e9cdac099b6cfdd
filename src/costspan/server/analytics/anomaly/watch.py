"""Anomalies as they come: weeks are read once, and every look after that reads what is new."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Final

from costspan.core.zone import ZONE_UTC, Zone
from costspan.server.analytics.anomaly.buckets import DAY
from costspan.server.analytics.anomaly.detect import Detector
from costspan.server.analytics.anomaly.findings import Anomaly, of_bucket
from costspan.server.analytics.anomaly.history import History, beginning
from costspan.server.analytics.anomaly.limits import Sensitivity
from costspan.server.analytics.anomaly.profile import LOOK_BACK
from costspan.server.store.ports import LedgerReader
from costspan.server.store.question import Filter
from costspan.server.store.spend_series import STEP

_KEPT_DAYS: Final = LOOK_BACK + 7
"""After so many days history is read anew from its beginning."""
_LATE: Final = timedelta(hours=1)
"""Calls that come later than this are seen when the day is read again."""


class Watch:
    """Looks at one question again and again. Safe from several threads."""

    def __init__(
        self,
        reader: LedgerReader,
        group_by: tuple[str, ...],
        filters: tuple[Filter, ...] = (),
        sensitivity: Sensitivity = Sensitivity(),  # noqa: B008 - a value
        zone: Zone = ZONE_UTC,
    ) -> None:
        self._reader, self._group_by, self._filters = reader, group_by, filters
        self._sensitivity, self._zone = sensitivity, zone
        self._lock = threading.Lock()
        self._history: History | None = None
        self._detector: Detector | None = None
        self._found: tuple[datetime, tuple[Anomaly, ...]] | None = None

    def look(self, as_of: datetime) -> tuple[tuple[Anomaly, ...], int]:
        """Return what gives alarm in the last whole bucket before `as_of`, and how many groups were looked at."""
        with self._lock:
            history, detector = self._until(as_of)
            if not history.length:
                return (), 0
            sums = history.sums()
            detector.widen(len(history.keys))
            last = history.length - 1
            while detector.day < last // DAY:
                detector.learn(sums)
            return tuple(of_bucket(history, detector.judge(sums), last)), len(history.keys)

    def _until(self, as_of: datetime) -> tuple[History, Detector]:
        history, detector = self._history, self._detector
        ended = as_of - history.start if history else timedelta(0)
        if history is None or detector is None or not timedelta(detector.day) < ended <= timedelta(history.days):
            history = History(
                self._reader, self._group_by, self._filters, beginning(as_of, self._zone), _KEPT_DAYS, self._zone
            )
            history.read(history.start, as_of)
            detector = Detector(len(history.keys), history.off, self._sensitivity)
        else:
            known = history.start + history.length * STEP
            # A day that is over is read once more whole before it is learned: late calls are in it by then.
            is_over = history.start + timedelta(detector.day + 1) < as_of
            since = history.start + timedelta(detector.day) if is_over else known - _LATE
            history.read(min(since, as_of - _LATE), as_of)
        self._history, self._detector = history, detector
        return history, detector
