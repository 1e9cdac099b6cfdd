"""Anomalies of a period: what was found for a question is kept, so that asking again reads only what is new."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from costspan.core.period import Period
from costspan.server.analytics.anomaly.day import Day, day_number
from costspan.server.analytics.anomaly.findings import Anomaly
from costspan.server.analytics.anomaly.history import Asked
from costspan.server.analytics.anomaly.limits import Sensitivity

LOOK_AGAIN: Final = timedelta(minutes=1)
"""What comes in for days that are over is learned no more often than this: late calls come in many parts."""
MOST_KEPT: Final = 16
"""Questions that are kept, those asked last."""
MOST_GROUPS_KEPT: Final = 400
"""Groups of all questions that are kept, a tenth of a megabyte each."""


@dataclass(frozen=True, slots=True)
class Found:
    """Anomalies, the latest first, by all that was posted up to `as_of`, and for the last day after it, too."""

    anomalies: tuple[Anomaly, ...]
    as_of: datetime


@dataclass(frozen=True, slots=True)
class _Question:
    """What is learned in one go: days from `start` up to the one of that number."""

    asked: Asked
    sensitivity: Sensitivity
    start: datetime
    day: int


class Finder:
    """Finds anomalies of periods. Safe from several threads; the same for the same ledger, as of `Found.as_of`."""

    def __init__(self) -> None:
        self._kept: OrderedDict[_Question, _Kept] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, asked: Asked, period: Period, sensitivity: Sensitivity, now: datetime) -> Found:
        """Return the anomalies whose alarm was given in `period`. Raise StoreUnavailable where nothing can be read."""
        start = asked.beginning(period.since)
        question = _Question(asked, sensitivity, start, day_number(start, period.until))
        with self._lock:
            kept = self._kept.setdefault(question, _Kept(question))
            self._kept.move_to_end(question)
        found = kept.find(period, now)
        with self._lock:
            while len(self._kept) > MOST_KEPT or sum(each.groups for each in self._kept.values()) > MOST_GROUPS_KEPT:
                self._kept.popitem(last=False)
        return found


class _Kept:
    """One question: the day it ends in, with all that was learned before."""

    def __init__(self, question: _Question) -> None:
        self.groups = 0
        self._question = question
        self._lock = threading.Lock()
        self._day: Day | None = None
        self._learned_at = datetime.min.replace(tzinfo=UTC)

    def find(self, period: Period, now: datetime) -> Found:
        """Return what is found in a period of the question's days."""
        # Who asks what is being looked for waits for it, rather than looking too.
        with self._lock:
            day = self._day = self._known(period, now) or self._learned(period, now)
            self.groups = len(day.keys)
            return Found(_told(day, period), now if day.late_from is None else self._learned_at)

    def _known(self, period: Period, now: datetime) -> Day | None:
        day = self._day
        if day is None:
            return None
        day.read(period.until)
        return None if day.late_from is not None and abs(now - self._learned_at) >= LOOK_AGAIN else day

    def _learned(self, period: Period, now: datetime) -> Day:
        self._learned_at = now
        return Day(self._question.asked, self._question.start, period.until, self._question.sensitivity)


def find(asked: Asked, period: Period, sensitivity: Sensitivity) -> tuple[Anomaly, ...]:
    """Return the anomalies whose alarm was given in `period`, the latest first, from the ledger as it is."""
    return _told(Day(asked, asked.beginning(period.since), period.until, sensitivity), period)


def _told(day: Day, period: Period) -> tuple[Anomaly, ...]:
    told = (each for each in day.anomalies() if each.until > period.since)
    return tuple(sorted(told, key=lambda each: (each.since, each.score), reverse=True))
