"""A day that is judged as it goes by: what is expected of it is learned once, and what is posted after that is read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from costspan.server.analytics.anomaly.buckets import DAY, Sums
from costspan.server.analytics.anomaly.detect import Detector
from costspan.server.analytics.anomaly.expected import Expected
from costspan.server.analytics.anomaly.findings import Alarms, Anomaly, anomalies
from costspan.server.analytics.anomaly.history import MOST_GROUPS, Asked, History, Key, placed, running
from costspan.server.analytics.anomaly.limits import UNIT, Sensitivity
from costspan.server.store.spend_series import STEP, SeriesAnswer, Touched

_LATEST: Final = UNIT[-1].width
"""Buckets before the day that the longest windows reach back to."""


@dataclass(frozen=True, slots=True)
class _Part:
    """Some groups: what is expected of them, and in which bucket each was seen first."""

    expected: Expected
    seen_from: NDArray[np.int64]


class Day:
    """The day of `until`, with alarms of it and of the days before it from `start` on, where a day begins.

    Raises StoreUnavailable, here and in `read`, when the ledger cannot be read. Not safe from several threads.
    """

    def __init__(self, asked: Asked, start: datetime, until: datetime, sensitivity: Sensitivity) -> None:
        self._asked, self._start, self._sensitivity = asked, start, sensitivity
        # Asked before anything is read, so that nothing that is posted meanwhile is missed.
        self._posted_at = asked.reader.touched().posted_at
        self.late_from: datetime | None = None
        """The earliest moment before this day for which something was posted after it was learned."""
        history = History.read(asked, start, until)
        self._length, self._midnight = history.length, day_number(start, until) * DAY
        self._first = max(0, self._midnight - _LATEST)
        self.keys = list(history.keys)
        self._columns = history.latest(self._first, self._midnight + DAY)
        self._whole = history.whole
        self._off = asked.off(start, self._midnight // DAY + 1)
        self._parts: list[_Part] = []
        self._before: list[Alarms] = []
        for sums in history.parts():
            self._learn(sums)

    @property
    def begins_at(self) -> datetime:
        """Its midnight."""
        return self._start + self._midnight * STEP

    def holds(self, until: datetime) -> bool:
        """Return whether a moment is of this day."""
        return day_number(self._start, until) * DAY == self._midnight

    def read(self, until: datetime) -> None:
        """Read what was posted since the last time, whenever it was called, and what is new up to a moment of the day.

        What was posted for days before is noted in `late_from`, and not learned.
        """
        touched = self._asked.reader.touched(self._posted_at)
        since, length = self._length, (until - self._start) // STEP
        if (earliest := self._earliest(touched)) is not None:
            bucket = (earliest - self._start) // STEP
            if bucket < self._midnight:
                self.late_from = min(earliest, self.late_from or earliest)
            since = max(min(since, bucket), self._first)
        if since < length:
            answer = self._asked.series(self._start + since * STEP, self._start + length * STEP)
            self._length = length
            self._place(answer, since - self._first, length - self._first)
        # What could not be read is asked for again the next time.
        self._posted_at, self._length = touched.posted_at or self._posted_at, length

    def anomalies(self) -> Iterator[Anomaly]:
        """Yield the anomalies of this day as far as it was read, and of the days before it."""
        yield from anomalies(self._start, self.keys, [*self._before, *self._alarms(self._midnight)])

    def of_last_bucket(self) -> Iterator[Anomaly]:
        """Yield what gives alarm in the last bucket that was read."""
        yield from anomalies(self._start, self.keys, list(self._alarms(self._length - 1)))

    def _alarms(self, first: int) -> Iterator[Alarms]:
        """Yield the alarms from a bucket of this day on."""
        at = 0
        for part in self._parts if 0 <= first < self._length else ():
            groups = slice(at, at + len(part.seen_from))
            shown = {name: values[groups, : self._length - self._first] for name, values in self._columns.items()}
            sums = running(shown, self._whole, self._first)
            # Of what was there before the buckets that are kept they do not say since when.
            seen_from = np.where(part.seen_from < self._first, part.seen_from, sums.seen_from)
            yield Alarms.of(part.expected.judge(replace(sums, seen_from=seen_from), first, self._length), at)
            at = groups.stop

    def _earliest(self, touched: Touched) -> datetime | None:
        """Return the beginning of the earliest call of what was posted; of a ledger that was empty all is new."""
        was_empty = self._posted_at is None and touched.posted_at is not None
        return self._start if was_empty else touched.since

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
        self._learn(running(columns, self._whole))

    def _learn(self, sums: Sums) -> None:
        """Learn what is usual in some more groups, and note what gave alarm in them."""
        at = sum(len(part.seen_from) for part in self._parts)
        detector = Detector(len(sums.seen_from), self._off, self._sensitivity)
        learned = [Alarms.of(detector.learn(sums), at) for _ in range(self._midnight // DAY)]
        self._before += [Alarms.joined(learned)] if learned else []
        self._parts.append(_Part(detector.expected(sums), sums.seen_from))


def day_number(start: datetime, until: datetime) -> int:
    """Return how many days of 24 hours after `start` the day of the last whole bucket before `until` begins."""
    return max(0, (until - start) // STEP - 1) // DAY
