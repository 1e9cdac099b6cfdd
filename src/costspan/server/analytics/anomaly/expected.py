"""What is expected of a day, and what of it is past its limits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from costspan.server.analytics.anomaly import unit, volume
from costspan.server.analytics.anomaly.buckets import DAY, HOUR, Flags, Floats, Sums
from costspan.server.analytics.anomaly.compared import Compared
from costspan.server.analytics.anomaly.limits import (
    GIANT_DEVIATIONS,
    LEAST_USD,
    LEVEL_SHARE,
    NEW_DAY_SHARE,
    NEW_HOUR_SHARE,
    NEW_SCORE,
    THIN,
    VOLUME,
    YOUNG,
    Limit,
    Sensitivity,
)
from costspan.server.analytics.anomaly.rules import RULES, VOLUMES, limits_of
from costspan.server.analytics.anomaly.unit import UsualCall
from costspan.server.analytics.anomaly.volume import UsualVolume
from costspan.server.store.spend_series import UNITS

_WEEK: Final = 7 * DAY
_FORTNIGHT: Final = 14 * DAY
Keep = dict[tuple[str, int], Floats]
"""Deviations (groups, buckets) by channel and place among its limits."""


@dataclass(frozen=True, slots=True)
class Judged:
    """The buckets from `first` on (groups, buckets): the rule that is furthest past its limits, and by how much.

    A score of 1 is at the limits; `fired` says where it counts. Dollars and ratio are of that rule's window, which ends
    with the bucket; 0 where nothing fired.
    """

    first: int
    score: Floats
    fired: Flags
    rule: NDArray[np.int64]
    observed_usd: Floats
    expected_usd: Floats
    ratio: Floats


@dataclass(frozen=True, slots=True)
class Expected:
    """What is usual in each group on the day that begins with bucket `first`.

    `usual_hour` is what all groups together spend in one, `least` what an excess must be worth, `factors` by what each
    group strays further than chance makes it.
    """

    first: int
    is_off: bool
    usual_hour: float
    least: float
    volumes: Mapping[str, UsualVolume]
    calls: Mapping[str, UsualCall]
    factors: Mapping[str, Floats]
    sensitivity: Sensitivity

    def judge(self, sums: Sums, first: int, last: int, keep: Keep | None = None) -> Judged:
        """Judge the buckets of the day from `first` to `last` (exclusive); put deviations into `keep`."""
        age = np.arange(first, last)[None, :] - sums.seen_from[:, None]
        best = _Best(age.shape, first)
        young = age < (_FORTNIGHT if self.is_off else _WEEK + DAY)
        for number, (channel, place, limit, found) in enumerate(self._windows(sums, first, last)):
            if keep is not None:
                keep[channel, place] = found.deviation
            deviation = found.deviation / self.factors[channel][place]
            score = self.sensitivity.score(limit, found.log_ratio, deviation, found.log_limit)
            least = self._least(channel, limit, age)
            if channel in VOLUMES:
                score = np.where(young, YOUNG * score, score)
            best.take(number, np.where((found.actual - found.usual >= least) & (age >= DAY), score, -np.inf), found)
        spent = sums.cost.window(first, last, HOUR)
        nothing = Compared(spent, np.zeros_like(spent), np.full_like(spent, np.inf), spent, 0.0)
        best.take(len(RULES) - 1, self._new_group(sums, first, last, age), nothing)
        return best.judged()

    def _windows(self, sums: Sums, first: int, last: int) -> Iterator[tuple[str, int, Limit, Compared]]:
        money = [self._cost(sums, first, last, place) for place in range(len(VOLUME))]
        for place, limit in enumerate(VOLUME):
            yield "calls", place, limit, self._calls(sums, first, last, place, money[place])
        for place, limit in enumerate(VOLUME):
            yield "cost", place, limit, money[place]
        for name in UNITS:
            limits, usual, span = limits_of(name), self.calls[name], (first, last)
            above = unit.beside(sums.logs[name], usual, sums, span, limits[-1].width)
            for place, limit in enumerate(limits):
                yield name, place, limit, unit.compare(limit, above, usual, sums, span)

    def _counts(self, sums: Sums, first: int, last: int, width: int) -> Floats:
        known = self.volumes["calls"].sums.window(first, last, width)
        return np.maximum(known, sums.calls.window(first, last, width)) + 2

    def _cost(self, sums: Sums, first: int, last: int, place: int) -> Compared:
        limit, usual = VOLUME[place], self.volumes["cost"]
        was, should = sums.cost.window(first, last, limit.width), usual.window(sums.cost, first, last, place)
        log_ratio = volume.log_ratio(was, should, LEVEL_SHARE * self.least, limit)
        # Costs of calls are taken for lognormal: how far a sum of few of them strays follows from their logarithms.
        call = self.calls["cost_per_call"]
        of_sum = np.exp(np.minimum(call.variance, 4.0))
        deviation = volume.deviation(log_ratio, of_sum / self._counts(sums, first, last, limit.width))
        idle = (was <= self.least) & (should <= self.least)
        giant = np.nan_to_num(np.exp(call.log + GIANT_DEVIATIONS * np.sqrt(call.variance)))
        log_ratio = np.where(was - should < giant, -np.inf, log_ratio)
        limited = usual.log_limit(sums.cost, first, last, limit)
        return Compared(was, should, log_ratio, np.where(idle, -np.inf, deviation), limited)

    def _calls(self, sums: Sums, first: int, last: int, place: int, money: Compared) -> Compared:
        limit, usual = VOLUME[place], self.volumes["calls"]
        was, should = sums.calls.window(first, last, limit.width), usual.window(sums.calls, first, last, place)
        log_ratio = volume.log_ratio(was, should, 1.0, limit)
        deviation = volume.deviation(log_ratio, 1 / self._counts(sums, first, last, limit.width))
        deviation = np.where(np.isfinite(money.deviation), deviation, -np.inf)
        limited = usual.log_limit(sums.calls, first, last, limit)
        return Compared(money.actual, money.usual, log_ratio, deviation, limited)

    def _least(self, channel: str, limit: Limit, age: NDArray[np.int64]) -> Floats | float:
        if channel in VOLUMES:
            return np.asarray(self.least * np.where(age < _WEEK, THIN, 1.0))
        return float(self.least * np.sqrt(max(limit.width / HOUR, 1)))

    def _new_group(self, sums: Sums, first: int, last: int, age: NDArray[np.int64]) -> Floats:
        """Return the score of groups younger than a day, where others are older than a week: do they spend much?"""
        if self.first - sums.whole.seen_from < _WEEK:
            return np.full(age.shape, -np.inf)
        of_hour = sums.cost.window(first, last, HOUR) / max(NEW_HOUR_SHARE * self.usual_hour, LEAST_USD)
        of_day = sums.cost.window(first, last, DAY) / max(NEW_DAY_SHARE * 24 * self.usual_hour, LEAST_USD)
        told = (age >= 0) & (age < DAY) & (np.maximum(of_hour, of_day) >= 1)
        return np.asarray(np.where(told, NEW_SCORE, -np.inf))


class _Best:
    """The rule that is furthest past its limits, so far."""

    def __init__(self, shape: tuple[int, ...], first: int) -> None:
        self._first = first
        self._score = np.full(shape, -np.inf)
        self._rule = np.zeros(shape, np.int64)
        self._observed, self._expected, self._log_ratio = np.zeros(shape), np.zeros(shape), np.zeros(shape)

    def take(self, rule: int, score: Floats, found: Compared) -> None:
        """Take in another rule."""
        better = score > self._score
        self._score[better] = score[better]
        self._rule[better] = rule
        at = np.nonzero(better & (score >= 1))
        self._observed[at], self._expected[at] = found.actual[at], found.usual[at]
        self._log_ratio[at] = found.log_ratio[at]

    def judged(self) -> Judged:
        """Return what has come of it."""
        fired = self._score >= 1
        ratio = np.where(fired, np.exp(self._log_ratio), 0.0)
        return Judged(self._first, self._score, fired, self._rule, self._observed, self._expected, ratio)
