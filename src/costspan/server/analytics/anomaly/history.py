"""The last weeks of spend, read once and added to: what the detector looks at, and since when it has learned."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import numpy as np

from costspan.core.period import Period
from costspan.core.zone import ZONE_UTC, Zone
from costspan.server.analytics.anomaly.buckets import DAY, Buckets, Flags, Floats, Sums
from costspan.server.analytics.anomaly.profile import LOOK_BACK
from costspan.server.store.ports import LedgerReader
from costspan.server.store.question import Filter
from costspan.server.store.spend_series import COLUMNS, STEP, UNITS, SeriesQuestion

MOST_GROUPS: Final = 100
"""Groups that are looked at: those that cost most, and then those that come. About 0.7 MB each."""
_SATURDAY: Final = 5

Key = tuple[str | None, ...]


class History:
    """Buckets of a question's groups from a local midnight on, `days` of them at most."""

    def __init__(
        self,
        reader: LedgerReader,
        group_by: tuple[str, ...],
        filters: tuple[Filter, ...],
        start: datetime,
        days: int,
        zone: Zone,
    ) -> None:
        self._reader, self._group_by, self._filters = reader, group_by, filters
        self.start = start
        self.days = days
        self.keys: list[Key] = []
        self.length = 0
        self._columns = {name: np.zeros((0, days * DAY), np.float32) for name in COLUMNS}
        self.off: Flags = np.array(
            [_weekday(start + timedelta(days=day), zone) >= _SATURDAY for day in range(days)], np.bool_
        )

    def read(self, since: datetime, until: datetime) -> None:
        """Read what the ledger says of a part again. `until` is the end of what is known from now on."""
        first = max(0, (since - self.start) // STEP)
        last = min((until - self.start) // STEP, self.days * DAY)
        period = Period(self.start + first * STEP, self.start + last * STEP)
        question = SeriesQuestion(period, self._group_by, self._filters, MOST_GROUPS)
        answer = self._reader.spend_series(question)
        places = self._places(answer.keys)
        rows = places[answer.group]
        kept = rows >= 0
        for name, values in self._columns.items():
            values[:, first:last] = 0
            values[rows[kept], first + answer.bucket[kept]] = answer.columns[name][kept]
        self.length = last

    def sums(self) -> Sums:
        """Return the running sums of what is known."""
        found: dict[str, Floats] = {
            name: values[:, : self.length].astype(np.float64) for name, values in self._columns.items()
        }
        return Sums.of(
            Buckets(
                start_s=int(self.start.timestamp()),
                calls=found["calls"],
                cost_usd=found["cost_usd"],
                measured=found["measured"],
                logs={unit: found[f"log_{unit}"] for unit in UNITS},
                squares={unit: found[f"square_{unit}"] for unit in UNITS},
            )
        )

    def _places(self, keys: tuple[Key, ...]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        known = {key: place for place, key in enumerate(self.keys)}
        new = [key for key in keys if key not in known][: max(0, MOST_GROUPS - len(self.keys))]
        self.keys += new
        known |= {key: len(known) + number for number, key in enumerate(new)}
        if new:
            room = ((0, len(new)), (0, 0))
            self._columns = {name: np.pad(values, room) for name, values in self._columns.items()}
        return np.array([known.get(key, -1) for key in keys], np.int64)


def beginning(moment: datetime, zone: Zone = ZONE_UTC, look_back_days: int = LOOK_BACK) -> datetime:
    """Return the midnight from which history is read to judge `moment`."""
    return zone.day_start(zone.day_start(moment) - timedelta(days=look_back_days) + timedelta(hours=12))


def _weekday(day: datetime, zone: Zone) -> int:
    # Noon, since clocks that were changed move the day's beginning by an hour.
    return zone.local(day + timedelta(hours=12)).weekday()
