"""Anomalies as they come: weeks are read once, and every look after that reads what is new."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Final

from costspan.core.zone import ZONE_UTC, Zone
from costspan.server.analytics.anomaly.buckets import DAY
from costspan.server.analytics.anomaly.detect import Detector
from costspan.server.analytics.anomaly.findings import Anomaly, of_bucket
from costspan.server.analytics.anomaly.history import History, Key, beginning
from costspan.server.analytics.anomaly.limits import Sensitivity
from costspan.server.analytics.anomaly.profile import LOOK_BACK
from costspan.server.store.ports import LedgerReader
from costspan.server.store.question import Filter
from costspan.server.store.spend_series import STEP

_LATE: Final = timedelta(hours=1)
"""Calls that come later than this are seen when history is read anew, at midnight."""


class Watch:
    """Looks at one question again and again. Safe from several threads."""

    def __init__(
        self,
        reader: LedgerReader,
        group_by: tuple[str, ...],
        filters: tuple[Filter, ...] = (),
        sensitivity: Sensitivity = Sensitivity(),  # noqa: B008 - a value
        zone: Zone = ZONE_UTC,
        look_back_days: int = LOOK_BACK,
    ) -> None:
        self._reader, self._group_by, self._filters = reader, group_by, filters
        self._sensitivity, self._zone, self._look_back_days = sensitivity, zone, look_back_days
        self._lock = threading.Lock()
        self._history: History | None = None
        self._detector: Detector | None = None

    def look(self, as_of: datetime) -> tuple[tuple[Anomaly, ...], tuple[Key, ...]]:
        """Return what gives alarm in the last whole bucket before `as_of`, and the groups that were looked at.

        The same as if history had been read just now, but for calls that came more than an hour late today.
        """
        with self._lock:
            history, detector = self._until(as_of)
            if not history.length or not history.keys:
                return (), ()
            sums = history.sums()
            detector.widen(len(history.keys))
            last = history.length - 1
            while detector.day < last // DAY:
                detector.learn(sums)
            found = tuple(of_bucket(history, detector.judge(sums), last))
            return found, tuple(sorted(history.keys, key=str))

    def _until(self, as_of: datetime) -> tuple[History, Detector]:
        """Return history up to `as_of`. Each day begins anew, so that what was looked at before makes no difference."""
        history, detector, start = self._history, self._detector, beginning(as_of, self._zone, self._look_back_days)
        if history is not None and detector is not None and history.start == start:
            history.read(min(history.start + history.length * STEP, as_of) - _LATE, as_of)
            return history, detector
        history = History(self._reader, self._group_by, self._filters, start, self._look_back_days + 2, self._zone)
        history.read(start, as_of)
        detector = Detector(len(history.keys), history.off, self._sensitivity)
        self._history, self._detector = history, detector
        return history, detector
