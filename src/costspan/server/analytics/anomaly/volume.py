"""How much is called and spent: windows of five minutes to a day beside what they usually hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from costspan.server.analytics.anomaly.buckets import DAY, HOUR, Floats, Running
from costspan.server.analytics.anomaly.compared import Compared
from costspan.server.analytics.anomaly.limits import VOLUME

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
class Usual:
    """What is usual in each bucket from `base` on, and what a window of it is like."""

    sums: Running
    squares: Running

    @classmethod
    def of(cls, values: Floats, base: int) -> Usual:
        """Return the running sums of what is usual."""
        return cls(Running.of(values, base), Running.of(values * values, base))

    def log_limit(self, first: int, last: int, width: int) -> Floats:
        """Return the logarithm of the ratio that is too much.

        A window is as wide as the part of it in which something happens: a day with a job of an hour is an hour.
        """
        total, squares = self.sums.window(first, last, width), self.squares.window(first, last, width)
        with np.errstate(all="ignore"):
            busy = np.where(squares > 0, total**2 / squares, width)
        return np.asarray(np.interp(np.log(np.clip(busy, 1, width)), _LOG_WIDTHS, _LOG_RATIOS))


def compare(sums: Running, usual: Usual, span: tuple[int, int], pseudo: float, chance: list[Floats]) -> Compared:
    """Return the windows that end in `span` beside the usual ones.

    `pseudo` is added on both sides, so that next to nothing is never many times nothing; `chance` is the variance of
    each window's logarithm by sampling alone.
    """
    first, last = span
    windows = []
    for limit, by_chance in zip(VOLUME, chance, strict=True):
        width = limit.width
        was = sums.window(first, last, width)
        should = np.maximum(usual.sums.window(first, last, width), _same_weekday(sums, first, last, width))
        if width < _OWED_WINDOW:
            should = should + _owed(sums, usual.sums, first, last, width)
        extra = pseudo * max(width / HOUR, 1.0) ** 0.5
        log_ratio = np.log((was + extra) / (should + extra))
        deviation = log_ratio / np.sqrt(_FLOOR**2 + by_chance)
        windows.append((was, should, log_ratio, deviation, usual.log_limit(first, last, width)))
    return Compared.of(windows)


def _same_weekday(sums: Running, first: int, last: int, width: int) -> Floats:
    """Return what the same moment had in two of the last four weeks: a job of Mondays is usual on Mondays.

    The second highest of them, the lower of two: after a quiet week what was usual before it is usual still. An hour
    earlier or later counts as the same, as clocks are changed.
    """
    weeks = []
    for back in range(_WEEK, min(_WEEKS * _WEEK, first) + 1, _WEEK):
        near = [sums.window(first - back + by, last - back + by, width) for by in (-_AROUND, 0, _AROUND)]
        weeks.append(np.maximum.reduce(near))
    if len(weeks) < 2:
        return np.zeros((sums.sums.shape[0], last - first))
    return np.asarray(np.sort(weeks, axis=0)[-2])


def _owed(sums: Running, usual: Running, first: int, last: int, width: int) -> Floats:
    """Return what did not come in the hours before and may now be caught up: after an outage a burst is usual."""
    before = sums.window(first, last, _OWED_WINDOW) - sums.window(first, last, width)
    should = usual.window(first, last, _OWED_WINDOW) - usual.window(first, last, width)
    return np.asarray(np.maximum(_OWED_BELOW * should - before, 0.0))
