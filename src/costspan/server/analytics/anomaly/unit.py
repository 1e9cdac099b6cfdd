"""What a typical call is: its cost, its tokens, the price of a token. Tells bloat and dear models from more traffic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from costspan.server.analytics.anomaly.buckets import DAY, HOUR, Floats, Running, Sums, by_day
from costspan.server.analytics.anomaly.compared import Compared
from costspan.server.analytics.anomaly.limits import UNIT

_DAYS: Final = 14
_RECENT: Final = 3
"""Days before today that are no part of the usual, so that what grows slowly is not usual while it grows."""
_FEWEST_OF_DAY: Final = 3
_FEWEST: Final = 4
_FLOOR: Final = 0.06
_UNKNOWN: Final = 0.3
_YOUNG_DAYS: Final = 5
_YOUNG: Final = 0.15
_WANDERS_FURTHER: Final = 1.5
"""A fortnight strays further than its days from one to the next."""
_BY_HOUR: Final = 0.1
"""How far an hour of the day usually differs from the day; what few calls say of it is believed less."""


@dataclass(frozen=True, slots=True)
class UsualCall:
    """Of each group (a column): the usual logarithm, how far it wanders over days, the variance among its calls.

    `by_hour` is what each hour of the day adds: many a group calls one model by day and another by night.
    """

    log: Floats
    wander: Floats
    variance: Floats
    by_hour: Floats


def usual_call(logs: Running, squares: Running, measured: Running, day: int) -> UsualCall:
    """Return what a call usually is, by `day`; not-a-number where too little is known."""
    first, last = max(0, day - _DAYS), max(day - _RECENT, min(day, 2))
    n, total = by_day(measured, first, last), by_day(logs, first, last)
    squared = by_day(squares, first, last).sum(1)
    calls = np.maximum(n.sum(1), 1)
    variance = np.maximum(squared / calls - (total.sum(1) / calls) ** 2, 0)
    with np.errstate(all="ignore"):
        means = np.where(n >= _FEWEST_OF_DAY, total / np.maximum(n, 1), np.nan)
        log = _median(means)
        step = 1.4826 * _median(np.abs(np.diff(means, axis=1)))
        by_chance = _median(np.where(n >= _FEWEST_OF_DAY, variance[:, None] / np.maximum(n, 1), np.nan))
        wander = _WANDERS_FURTHER * np.sqrt(np.maximum(step**2 / 2 - by_chance, 0))
    floor = np.where(np.isfinite(means).sum(1) < _YOUNG_DAYS, _YOUNG, _FLOOR)
    wander = np.where(np.isfinite(wander), np.maximum(wander, floor), _UNKNOWN)
    by_hour = _by_hour(logs, measured, range(first, last), variance)
    return UsualCall(log[:, None], wander[:, None], variance[:, None], by_hour)


def _by_hour(logs: Running, measured: Running, days: range, variance: Floats) -> Floats:
    at = np.arange(days.start * DAY, days.stop * DAY + 1, HOUR)
    shape = (len(variance), len(days), DAY // HOUR)
    n = measured.parts(at).reshape(shape)
    total = logs.parts(at).reshape(shape)
    with np.errstate(all="ignore"):
        of_day = total.sum(2) / n.sum(2)
        differs = np.nan_to_num(_median(np.where(n > 0, total / n - of_day[:, :, None], np.nan)))
    return np.asarray(differs / (1 + variance[:, None] / np.maximum(n.sum(1), 1) / _BY_HOUR**2))


def _median(values: Floats) -> Floats:
    """Return the median along the second axis of what is a number; not-a-number where nothing is."""
    if values.shape[1] == 0:
        return np.full((values.shape[0], *values.shape[2:]), np.nan)
    ranked = np.sort(values, axis=1)
    count = np.isfinite(values).sum(1, keepdims=True)
    low = np.take_along_axis(ranked, np.maximum((count - 1) // 2, 0), 1)
    high = np.take_along_axis(ranked, np.minimum(count // 2, values.shape[1] - 1), 1)
    return np.asarray(np.where(count > 0, (low + high) / 2, np.nan)[:, 0])


def compare(logs: Running, usual: UsualCall, sums: Sums, span: tuple[int, int]) -> Compared:
    """Return the windows that end in `span` beside the usual call, as dollars.

    `usual` of the answer is what the window's calls had cost, had they been as usual.
    """
    first, last = span
    base = max(0, first - UNIT[-1].width)
    at = np.arange(base, last)
    calls = sums.measured.between(at, at + 1)
    by_hour = Running.of(calls * usual.by_hour[:, at % DAY // HOUR], base)
    windows = []
    for limit in UNIT:
        n = sums.measured.window(first, last, limit.width)
        spent = sums.cost.window(first, last, limit.width)
        above = logs.window(first, last, limit.width) - by_hour.window(first, last, limit.width)
        log_ratio = np.where(n >= _FEWEST, above / np.maximum(n, 1) - usual.log, np.nan)
        deviation = log_ratio / np.sqrt(usual.wander**2 + usual.variance / np.maximum(n, 1))
        had_cost = spent * np.exp(-np.nan_to_num(log_ratio))
        windows.append((spent, had_cost, log_ratio, deviation, np.log(limit.ratio)))
    return Compared.of(windows)
