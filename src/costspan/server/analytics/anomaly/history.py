"""The last weeks of spend, read once: what the detector learns from, a hundred groups at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from costspan.core.period import Period
from costspan.core.zone import ZONE_UTC, Zone
from costspan.server.analytics.anomaly.buckets import Buckets, Flags, Running, Sums, Whole
from costspan.server.analytics.anomaly.profile import LOOK_BACK
from costspan.server.store.ports import LedgerReader
from costspan.server.store.question import Filter
from costspan.server.store.spend_series import COLUMNS, STEP, UNITS, SeriesAnswer, SeriesQuestion

MOST_GROUPS: Final = 1_000
"""Groups that are looked at: those that cost most, and then those that come."""
_AT_ONCE: Final = 50
"""Groups that are learned together: their arrays fit into a processor's cache better than all do."""
_SATURDAY: Final = 5

Key = tuple[str | None, ...]
Columns = dict[str, NDArray[np.float32]]
"""Arrays of groups by buckets."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose spend is looked at, and how."""

    reader: LedgerReader
    group_by: tuple[str, ...]
    filters: tuple[Filter, ...] = ()
    zone: Zone = ZONE_UTC
    look_back_days: int = LOOK_BACK

    def series(self, since: datetime, until: datetime) -> SeriesAnswer:
        """Return what the ledger says of a period."""
        return self.reader.spend_series(
            SeriesQuestion(Period(since, until), self.group_by, self.filters, limit=MOST_GROUPS)
        )

    def beginning(self, moment: datetime) -> datetime:
        """Return the midnight from which history is read to judge `moment`."""
        day = self.zone.day_start(moment)
        return self.zone.day_start(day - timedelta(days=self.look_back_days) + timedelta(hours=12))

    def off(self, start: datetime, days: int) -> Flags:
        """Return which of so many days from `start` on are days off."""
        # Noon, since clocks that were changed move the day's beginning by an hour.
        noons = (start + timedelta(days=day, hours=12) for day in range(days))
        return np.array([self.zone.local(noon).weekday() >= _SATURDAY for noon in noons], np.bool_)


@dataclass(frozen=True, slots=True)
class History:
    """Spend from a local midnight on, `length` buckets of it, as the ledger answered, group after group."""

    start: datetime
    length: int
    keys: tuple[Key, ...]
    whole: Whole
    _answer: SeriesAnswer

    @classmethod
    def read(cls, asked: Asked, start: datetime, until: datetime) -> History:
        """Read the whole buckets from `start` up to `until`."""
        length = max(0, (until - start) // STEP)
        answer = asked.series(start, start + length * STEP)
        spent = np.bincount(answer.bucket, answer.columns["cost_usd"], minlength=length).astype(np.float64)
        called = answer.bucket[answer.columns["calls"] > 0]
        whole = Whole(Running.of(spent), int(called.min(initial=length)))
        return cls(start, length, answer.keys, whole, answer)

    def parts(self) -> Iterator[Sums]:
        """Yield the running sums of all groups in their order, some groups at a time."""
        for at in range(0, len(self.keys), _AT_ONCE):
            groups = min(_AT_ONCE, len(self.keys) - at)
            rows = slice(*np.searchsorted(self._answer.group, [at, at + groups]))
            yield running(placed(self._answer, rows, self._answer.group[rows] - at, (groups, self.length)), self.whole)

    def latest(self, first: int, last: int) -> Columns:
        """Return the buckets from `first` to `last` (exclusive) of all groups, as far as they are known."""
        rows = self._answer.bucket >= first
        return placed(self._answer, rows, self._answer.group[rows], (len(self.keys), last - first), first)


def placed(
    answer: SeriesAnswer,
    rows: slice | NDArray[np.bool_],
    groups: NDArray[np.int64],
    shape: tuple[int, int],
    first: int = 0,
) -> Columns:
    """Return some rows of an answer as arrays from bucket `first` on; `groups` says where each row belongs."""
    at = groups, answer.bucket[rows] - first
    found = {name: np.zeros(shape, np.float32) for name in COLUMNS}
    for name, values in found.items():
        values[at] = answer.columns[name][rows]
    return found


def running(columns: Columns, whole: Whole, first: int = 0) -> Sums:
    """Return the running sums of some groups of a whole; the columns begin with bucket `first`, where a day begins."""
    return Sums.of(
        Buckets(
            start_s=0,
            calls=columns["calls"],
            cost_usd=columns["cost_usd"],
            measured=columns["measured"],
            logs={unit: columns[f"log_{unit}"] for unit in UNITS},
            squares={unit: columns[f"square_{unit}"] for unit in UNITS},
        ),
        whole,
        first,
    )
