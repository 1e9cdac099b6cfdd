"""How much is called and spent: windows of ten minutes to a day beside what they usually hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from costspan.server.analytics.anomaly.buckets import DAY, HOUR, Floats, Running
from costspan.server.analytics.anomaly.limits import VOLUME, Limit

_FLOOR: Final = 0.08
"""Standard deviation of the logarithm of a window, however many calls it holds."""
_WEEK: Final = 7 * DAY
_WEEKS: Final = 4
_AROUND: Final = HOUR
_OWED_WINDOW: Final = 6 * HOUR
_OWED_BELOW: Final = 0.75
_LOG_WIDTHS: Final = np.log([limit.width for limit in VOLUME])
_LOG_RATIOS: Final = np.log([limit.ratio for limit in VOLUME])


@dataclass(frozen=True, slots=True)
class UsualVolume:
    """What is usual in each bucket of yesterday and of the day that begins at `first`.

    `weekly` is what windows of each of VOLUME that end in the day had on the same weekday of other weeks.
    """

    first: int
    sums: Running
    squares: Running
    weekly: tuple[Floats, ...]

    @classmethod
    def of(cls, expected: Floats, base: int, actual: Running, first: int) -> UsualVolume:
        """Return it for what is expected from `base` on, and what was so far."""
        return cls(
            first,
            Running.of(expected, base),
            Running.of(expected * expected, base),
            tuple(_same_weekday(actual, first, limit.width) for limit in VOLUME),
        )

    def window(self, actual: Running, first: int, last: int, place: int) -> Floats:
        """Return what is usual in the windows of `VOLUME[place]` that end in a part of the day."""
        width = VOLUME[place].width
        weekly = self.weekly[place][:, first - self.first : last - self.first]
        should = np.maximum(self.sums.window(first, last, width), weekly)
        return should + _owed(actual, self.sums, first, last, width) if width < _OWED_WINDOW else should

    def log_limit(self, actual: Running, first: int, last: int, limit: Limit) -> Floats:
        """Return the logarithm of the ratio that is too much.

        A window is as wide as the part of it in which something happens: a day with a job of an hour is an hour.
        """
        busy = _busy(self.sums, self.squares, first, last, limit.width)
        if limit.width == DAY:
            since = max(0, first - DAY)
            values = actual.each(since, last)
            busy = np.minimum(busy, _busy(actual, Running.of(values * values, since), first, last, DAY))
        return np.asarray(np.interp(np.log(np.clip(busy, 1, limit.width)), _LOG_WIDTHS, _LOG_RATIOS))


def log_ratio(was: Floats, should: Floats, pseudo: float, limit: Limit) -> Floats:
    """Return the logarithm of how many times as much as usual is there.

    `pseudo` is added on both sides, so that next to nothing is never many times nothing.
    """
    extra = pseudo * max(limit.width / HOUR, 1.0) ** 0.5
    return np.asarray(np.log((was + extra) / (should + extra)))


def deviation(log_ratio: Floats, by_chance: Floats) -> Floats:
    """Return it in standard deviations; `by_chance` is the variance of the logarithm by sampling alone."""
    return np.asarray(log_ratio / np.sqrt(_FLOOR**2 + by_chance))


def _busy(sums: Running, squares: Running, first: int, last: int, width: int) -> Floats:
    total, squared = sums.window(first, last, width), squares.window(first, last, width)
    with np.errstate(all="ignore"):
        return np.asarray(np.where(squared > 0, total**2 / squared, width))


def _same_weekday(actual: Running, first: int, width: int) -> Floats:
    """Return what the same moments of a day had in two of the last four weeks: a job of Mondays is usual on Mondays.

    The second highest of them, the lower of two: after a quiet week what was usual before it is usual still. An hour
    earlier or later counts as the same, as clocks are changed.
    """
    weeks = []
    for back in range(_WEEK, min(_WEEKS * _WEEK, first) + 1, _WEEK):
        wide = actual.window(first - back - _AROUND, first - back + DAY + _AROUND, width)
        weeks.append(np.maximum.reduce([wide[:, by : by + DAY] for by in (0, _AROUND, 2 * _AROUND)]))
    if len(weeks) < 2:
        return np.zeros((len(actual.sums), DAY), np.float32)
    highest, second = weeks[0], np.zeros_like(weeks[0])
    for each in weeks[1:]:
        second = np.maximum(second, np.minimum(highest, each))
        highest = np.maximum(highest, each)
    return np.asarray(second, np.float32)


def _owed(actual: Running, usual: Running, first: int, last: int, width: int) -> Floats:
    """Return what did not come in the hours before and may now be caught up: after an outage a burst is usual."""
    before = actual.window(first, last, _OWED_WINDOW) - actual.window(first, last, width)
    should = usual.window(first, last, _OWED_WINDOW) - usual.window(first, last, width)
    return np.asarray(np.maximum(_OWED_BELOW * should - before, 0.0))
