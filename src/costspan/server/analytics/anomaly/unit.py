"""What a typical call is: its cost, its tokens, the price of a token. Tells bloat and dear models from more traffic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from costspan.server.analytics.anomaly.buckets import DAY, HOUR, Floats, Running, Sums, by_day
from costspan.server.analytics.anomaly.compared import Compared
from costspan.server.analytics.anomaly.limits import Limit

_DAYS: Final = 14
_RECENT: Final = 3
"""Days before today that are no part of the usual, so that what grows slowly is not usual while it grows."""
_FEWEST_OF_DAY: Final = 3
_FEWEST: Final = 3
_FLOOR: Final = 0.06
_UNKNOWN: Final = 0.3
_YOUNG_DAYS: Final = 5
_YOUNG: Final = 0.15
_WONDER: Final = 1.5
"""Steps from day to day that are so many times what is expected of them are still chance: there are ten of them."""
_WANDERS_FURTHER: Final = 2.2
"""A fortnight strays further than its days from one to the next."""
_STEPS: Final = (0.0, 0.02, 0.03, 0.04, 0.05, 0.06, 0.07, 0.08, 0.1, 0.13, 0.17, 0.22, 0.3, 0.4, 0.6)
"""How far a typical call may wander in a day, as logarithms; the finest that will do is taken."""
_OF_MEDIAN: Final = float(np.pi / 2)
"""By what the variance of a median is larger than that of a mean."""
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


def usual_call(logs: Running, squares: Floats, measured: Running, day: int) -> UsualCall:
    """Return what a call usually is, by `day`; not-a-number where too little is known."""
    first, last = max(0, day - _DAYS), max(day - _RECENT, min(day, 2))
    n, total = by_day(measured, first, last), by_day(logs, first, last)
    squared = squares[:, first:last].sum(1)
    calls = np.maximum(n.sum(1), 1)
    variance = np.maximum(squared / calls - (total.sum(1) / calls) ** 2, 0)
    is_known = n >= _FEWEST_OF_DAY
    means = np.where(is_known, total / np.maximum(n, 1), np.nan)
    # No day weighs more than a usual one: a loop of small calls must not say what a call is.
    weights = np.where(is_known, np.minimum(n, np.nan_to_num(_median(np.where(is_known, n, np.nan)))[:, None]), 0)
    by_chance = variance[:, None] / np.maximum(n, 1)
    wander = np.maximum(_WANDERS_FURTHER * _wander(means, by_chance), _FLOOR)
    days = is_known.sum(1)
    wander = np.where(days < _YOUNG_DAYS, np.maximum(wander, _YOUNG), wander)
    wander = np.where(days < 2, _UNKNOWN, wander)
    # What is usual is itself the median of a sample.
    wander = np.sqrt(wander**2 + _OF_MEDIAN * variance / np.maximum(weights.sum(1), 1))
    log = _weighted_median(means, weights)
    by_hour = _by_hour(logs, measured, range(first, last), variance)
    return UsualCall(log[:, None], wander[:, None], variance[:, None], by_hour)


def _wander(means: Floats, by_chance: Floats) -> Floats:
    """Return the standard deviation from one day to the next beyond chance: the least that makes steps no wonder."""
    steps, chance = np.abs(np.diff(means, axis=1)), by_chance[:, 1:] + by_chance[:, :-1]
    found = np.full(len(means), _STEPS[-1])
    for wander in reversed(_STEPS[:-1]):
        size = 1.4826 * _median(steps / np.sqrt(chance + 2 * wander**2 + 1e-12))
        found = np.where(size <= _WONDER, wander, found)
    return found


def _weighted_median(values: Floats, weights: Floats) -> Floats:
    """Return the median along the second axis; not-a-number where nothing is known."""
    if values.shape[1] == 0:
        return np.full(len(values), np.nan)
    order = np.argsort(values, axis=1)
    ranked, summed = np.take_along_axis(values, order, 1), np.cumsum(np.take_along_axis(weights, order, 1), axis=1)
    place = (summed >= summed[:, -1:] / 2).argmax(1)
    return np.asarray(np.where(summed[:, -1] > 0, ranked[np.arange(len(values)), place], np.nan))


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


def beside(logs: Running, usual: UsualCall, sums: Sums, span: tuple[int, int], widest: int) -> Running:
    """Return the running sums of logarithms less what is usual at each hour, for windows that end in `span`."""
    first, last = max(0, span[0] + 1 - widest), span[1]
    calls = sums.measured.each(first, last)
    above = logs.each(first, last) - calls * usual.by_hour[:, np.arange(first, last) % DAY // HOUR]
    return Running.of(above, first)


def compare(limit: Limit, above: Running, usual: UsualCall, sums: Sums, span: tuple[int, int]) -> Compared:
    """Return the windows that end in `span` beside the usual call, as dollars; `above` is of `beside`.

    `usual` of the answer is what the window's calls had cost, had they been as usual.
    """
    n = sums.measured.window(*span, limit.width)
    spent = sums.cost.window(*span, limit.width)
    calls = np.maximum(n, 1)
    is_known = (n >= _FEWEST) & np.isfinite(usual.log)
    mean = above.window(*span, limit.width) / calls
    log_ratio = np.where(is_known, mean - np.nan_to_num(usual.log), -np.inf)
    deviation = log_ratio / np.sqrt(usual.wander**2 + usual.variance / calls)
    had_cost = spent * np.exp(-np.where(is_known, log_ratio, 0.0))
    return Compared(spent, had_cost, log_ratio, deviation, float(np.log(limit.ratio)))
