"""Anomalies as they come: weeks are learned once a day, and every look after that reads what was posted since."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from costspan.server.analytics.anomaly.buckets import DAY, HOUR, Sums
from costspan.server.analytics.anomaly.detect import Detector
from costspan.server.analytics.anomaly.expected import Expected
from costspan.server.analytics.anomaly.findings import Anomaly, of_last_bucket
from costspan.server.analytics.anomaly.history import MOST_GROUPS, Asked, History, Key, placed, running
from costspan.server.analytics.anomaly.limits import UNIT, Sensitivity
from costspan.server.store.spend_series import STEP, SeriesAnswer

_LATEST: Final = UNIT[-1].width
"""Buckets before today that the longest windows reach back to."""
_LEARN_AGAIN: Final = timedelta(minutes=15)
"""What comes in for earlier days is learned no more often than this: a backfill comes in many parts."""


class Watch:
    """Looks at one question again and again. Safe from several threads."""

    def __init__(self, asked: Asked, sensitivity: Sensitivity = Sensitivity()) -> None:  # noqa: B008 - a value
        self._asked, self._sensitivity = asked, sensitivity
        self._lock = threading.Lock()
        self._today: _Today | None = None

    def look(self, as_of: datetime) -> tuple[tuple[Anomaly, ...], tuple[Key, ...]]:
        """Return what gives alarm in the last whole bucket before `as_of`, and the groups that were looked at.

        The same as if history had been read just now, but for what came in during the last quarter of an hour for days
        before today.
        """
        with self._lock:
            if self._today is not None and self._today.can_judge(as_of):
                self._today.read(as_of)
            if self._today is None or not self._today.can_judge(as_of):
                self._today = _Today(self._asked, as_of, self._sensitivity)
            return tuple(self._today.judge()), tuple(sorted(self._today.keys, key=str))


@dataclass(frozen=True, slots=True)
class _Part:
    """Some groups: what is expected of them, and in which bucket each was seen first."""

    expected: Expected
    seen_from: NDArray[np.int64]


class _Today:
    """A day: what is expected of it, learned from what was before, and the latest buckets."""

    def __init__(self, asked: Asked, as_of: datetime, sensitivity: Sensitivity) -> None:
        self._asked, self._sensitivity = asked, sensitivity
        # Asked before anything is read, so that nothing that is posted meanwhile is missed.
        self._posted_at = asked.reader.touched().posted_at
        self._learned_at, self._is_stale = as_of, False
        self._start = asked.beginning(as_of)
        history = History.read(asked, self._start, as_of)
        self._length, self._midnight = history.length, _midnight(history.length)
        self._first = max(0, self._midnight - _LATEST)
        self.keys = list(history.keys)
        self._columns = history.latest(self._first, self._midnight + DAY)
        self._whole = history.whole
        self._off = asked.off(self._start, self._midnight // DAY + 1)
        self._parts = [self._learned(sums) for sums in history.parts()]

    def can_judge(self, as_of: datetime) -> bool:
        """Return whether what was learned is still what history says."""
        is_worth_it = self._is_stale and abs(as_of - self._learned_at) >= _LEARN_AGAIN
        same_day = self._asked.beginning(as_of) == self._start
        return same_day and _midnight((as_of - self._start) // STEP) == self._midnight and not is_worth_it

    def read(self, as_of: datetime) -> None:
        """Read what was posted since the last time, whenever it was called, and what is new."""
        touched = self._asked.reader.touched(self._posted_at)
        self._posted_at = touched.posted_at or self._posted_at
        since, length = self._length, (as_of - self._start) // STEP
        if touched.since is not None:
            bucket = (touched.since - self._start) // STEP
            self._is_stale |= 0 <= bucket < self._midnight - HOUR
            since = max(min(since, bucket), self._first)
        since, self._length = min(since, length), length
        if since < length:
            answer = self._asked.series(self._start + since * STEP, self._start + length * STEP)
            self._place(answer, since - self._first, length - self._first)

    def judge(self) -> Iterator[Anomaly]:
        """Yield what gives alarm in the last bucket."""
        last, at = self._length - 1, 0
        if last < 0:
            return
        for part in self._parts:
            groups = slice(at, at + len(part.seen_from))
            shown = {name: values[groups, : self._length - self._first] for name, values in self._columns.items()}
            sums = replace(running(shown, self._whole, self._first), seen_from=part.seen_from)
            yield from of_last_bucket(self._start, self.keys[groups], part.expected.judge(sums, last, last + 1))
            at = groups.stop

    def _place(self, answer: SeriesAnswer, first: int, last: int) -> None:
        known = {key: place for place, key in enumerate(self.keys)}
        new = [key for key in answer.keys if key not in known][: max(0, MOST_GROUPS - len(self.keys))]
        known |= {key: len(known) + number for number, key in enumerate(new)}
        places = np.array([known.get(key, -1) for key in answer.keys], np.int64)
        rows = places[answer.group] >= 0
        columns = placed(answer, rows, places[answer.group[rows]], (len(known), last - first))
        for name, values in columns.items():
            grown = np.pad(self._columns[name], ((0, len(new)), (0, 0)))
            grown[:, first:last] = values
            self._columns[name] = grown
        if new:
            self._add(new)

    def _add(self, keys: list[Key]) -> None:
        """Take in groups of which nothing is known from before."""
        at = len(self.keys)
        self.keys += keys
        before = ((0, 0), (self._first, 0))
        columns = {
            name: np.pad(values[at:, : self._length - self._first], before) for name, values in self._columns.items()
        }
        self._parts.append(self._learned(running(columns, self._whole)))

    def _learned(self, sums: Sums) -> _Part:
        detector = Detector(len(sums.seen_from), self._off, self._sensitivity)
        for _ in range(self._midnight // DAY):
            detector.learn(sums)
        return _Part(detector.expected(sums), sums.seen_from)


def _midnight(length: int) -> int:
    """Return the first bucket of the day of the last of so many."""
    return max(0, length - 1) // DAY * DAY
