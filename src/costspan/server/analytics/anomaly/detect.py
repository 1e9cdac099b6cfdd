"""The detector: learns day by day what is usual, and judges each day by what was learned before it."""

from __future__ import annotations

from typing import Final

import numpy as np

from costspan.server.analytics.anomaly import unit
from costspan.server.analytics.anomaly.buckets import DAY, HOUR, Flags, Floats, Sums
from costspan.server.analytics.anomaly.expected import Expected, Judged, Keep
from costspan.server.analytics.anomaly.limits import LEAST_USD, LEVEL_SHARE, MATERIAL_SHARE, Sensitivity
from costspan.server.analytics.anomaly.profile import level, usual
from costspan.server.analytics.anomaly.rules import CHANNELS, VOLUMES, limits_of
from costspan.server.analytics.anomaly.spread import Spread
from costspan.server.analytics.anomaly.volume import UsualVolume
from costspan.server.store.spend_series import UNITS

FORTNIGHT: Final = 14 * DAY
_LEVEL_CALLS: Final = 5.0


class Detector:
    """What is usual in the groups of some buckets, up to a midnight.

    `off` says of each day whether it is one off. Whole days are learned in order; what is expected of the day after
    them is the same every time.
    """

    def __init__(self, groups: int, off: Flags, sensitivity: Sensitivity = Sensitivity()) -> None:  # noqa: B008 - a value
        self.day = 0
        self._off = off
        self._sensitivity = sensitivity
        self._days = {channel: np.zeros((groups, len(off))) for channel in VOLUMES}
        self._yesterday = {channel: np.zeros((groups, 0)) for channel in VOLUMES}
        self._spreads = {channel: Spread(len(limits_of(channel)), groups) for channel in CHANNELS}

    def learn(self, sums: Sums) -> Judged:
        """Judge the next day, which is over, and remember it."""
        expected, today = self._expected(sums)
        first = self.day * DAY
        deviations: Keep = {}
        judged = expected.judge(sums, first, first + DAY, deviations)
        age_days = self.day - sums.seen_from[:, None] // DAY
        # In its first week a group, and on its first days off any, is compared with days that are not like these.
        left_out = judged.fired | (age_days < (14 if self._off[self.day] else 7))
        for channel, spread in self._spreads.items():
            for window in range(len(limits_of(channel))):
                spread.remember(window, np.where(left_out, -np.inf, deviations[channel, window]))
            spread.next_day()
        for channel in VOLUMES:
            self._days[channel][:, self.day] = today[channel].sum(1)
            self._yesterday[channel] = today[channel]
        self.day += 1
        return judged

    def expected(self, sums: Sums) -> Expected:
        """Return what is expected of the next day."""
        return self._expected(sums)[0]

    def _expected(self, sums: Sums) -> tuple[Expected, dict[str, Floats]]:
        first = self.day * DAY
        of_all = float(sums.whole.cost.window(first - 1, first, FORTNIGHT).sum())
        usual_hour = of_all / (min(max(first, 1), FORTNIGHT) / HOUR)
        least = max(MATERIAL_SHARE * usual_hour, LEAST_USD)
        volumes, today = {}, {}
        for channel, enough in (("calls", _LEVEL_CALLS), ("cost", 24 * LEVEL_SHARE * least)):
            actual = sums.calls if channel == "calls" else sums.cost
            profile = usual(actual, self.day, self._off, sums.seen_from // DAY)
            today[channel] = profile * level(actual, self._days[channel], self.day, enough)
            both = np.concatenate([self._yesterday[channel], today[channel]], axis=1)
            volumes[channel] = UsualVolume.of(both, first + DAY - both.shape[1], actual, first)
        expected = Expected(
            first=first,
            is_off=bool(self._off[self.day]),
            usual_hour=usual_hour,
            least=least,
            volumes=volumes,
            calls={
                name: unit.usual_call(sums.logs[name], sums.squares[name], sums.measured, self.day) for name in UNITS
            },
            factors={channel: spread.factor() for channel, spread in self._spreads.items()},
            sensitivity=self._sensitivity,
        )
        return expected, today
