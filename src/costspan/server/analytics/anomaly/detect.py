"""The detector: learns day by day what is usual, and scores the windows of a day that are past their limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from costspan.server.analytics.anomaly import unit, volume
from costspan.server.analytics.anomaly.buckets import DAY, HOUR, Flags, Floats, Sums
from costspan.server.analytics.anomaly.compared import Compared
from costspan.server.analytics.anomaly.limits import (
    LEAST_USD,
    MATERIAL_SHARE,
    NEW_DAY_SHARE,
    NEW_HOUR_SHARE,
    STRONG,
    UNIT,
    VOLUME,
    Sensitivity,
)
from costspan.server.analytics.anomaly.profile import level, usual
from costspan.server.analytics.anomaly.spread import Spread
from costspan.server.store.spend_series import UNITS

_WEEK: Final = 7 * DAY
_FORTNIGHT: Final = 14 * DAY
_THIN: Final = 4.0
"""By what an excess must be larger in a group's first week, of which little is known."""
_LEVEL_CALLS: Final = 5.0
_LEVEL_SHARE: Final = 0.2


@dataclass(frozen=True, slots=True)
class Rule:
    """What was looked at: a channel, over so many buckets."""

    channel: str
    width: int


VOLUMES: Final = ("calls", "cost")
NEW_GROUP: Final = Rule("new_group", HOUR)
RULES: Final = (
    *(Rule(channel, limit.width) for channel in VOLUMES for limit in VOLUME),
    *(Rule(channel, limit.width) for channel in UNITS for limit in UNIT),
    NEW_GROUP,
)


@dataclass(frozen=True, slots=True)
class Judged:
    """The buckets from `first` on (groups, buckets): the rule that is furthest past its limits, and by how much.

    A score of 1 is at the limits; `fired` says where it counts. Dollars and ratio are of that rule's window, which ends
    with the bucket.
    """

    first: int
    score: Floats
    fired: Flags
    rule: NDArray[np.int64]
    observed_usd: Floats
    expected_usd: Floats
    ratio: Floats


class Detector:
    """What is usual in the groups of some buckets, up to a midnight.

    `off` says of each day whether it is one off. Whole days are learned in order; the day after them can be judged as
    often as is wanted, and is the same every time.
    """

    def __init__(self, groups: int, off: Flags, sensitivity: Sensitivity = Sensitivity()) -> None:  # noqa: B008 - a value
        self.day = 0
        self._off = off
        self._sensitivity = sensitivity
        self._usual = {channel: np.zeros((groups, len(off) * DAY)) for channel in VOLUMES}
        self._spreads = {channel: Spread(len(VOLUME), groups) for channel in VOLUMES}
        self._spreads |= {channel: Spread(len(UNIT), groups) for channel in UNITS}
        self._last_score = np.full((groups, 1), -np.inf)

    def widen(self, groups: int) -> None:
        """Make room for groups that came since."""
        missing = groups - len(self._last_score)
        if missing > 0:
            self._usual = {name: np.pad(known, ((0, missing), (0, 0))) for name, known in self._usual.items()}
            self._last_score = np.pad(self._last_score, ((0, missing), (0, 0)), constant_values=-np.inf)
            for spread in self._spreads.values():
                spread.widen(groups)

    def learn(self, sums: Sums) -> Judged:
        """Judge the next day, which is over, and remember it."""
        judged, compared = self._look(sums)
        age_days = self.day - sums.seen_from[:, None] // DAY
        # In its first week a group, and on its first days off any, is compared with days that are not like these.
        left_out = judged.fired | (age_days < (14 if self._off[self.day] else 7))
        for channel, spread in self._spreads.items():
            spread.remember(np.where(left_out[None], np.nan, compared[channel].deviation))
        self._last_score = judged.score[:, -1:]
        self.day += 1
        return judged

    def judge(self, sums: Sums) -> Judged:
        """Judge the next day as far as it has come."""
        return self._look(sums)[0]

    def _look(self, sums: Sums) -> tuple[Judged, dict[str, Compared]]:
        first, last = self.day * DAY, min((self.day + 1) * DAY, sums.length)
        of_all = float(sums.cost.window(first - 1, first, _FORTNIGHT).sum())
        usual_hour = of_all / (min(max(first, 1), _FORTNIGHT) / HOUR)
        least = max(MATERIAL_SHARE * usual_hour, LEAST_USD)
        compared = self._compare(sums, (first, last), least)
        age = np.arange(first, last)[None, :] - sums.seen_from[:, None]
        scores = [
            np.where(self._is_material(channel, compared, least, age), self._score(channel, found), -np.inf)
            for channel, found in compared.items()
        ]
        scores.append(_new_group(sums, first, last, usual_hour, age)[None])
        return self._judged(first, np.concatenate(scores), compared, sums), compared

    def _compare(self, sums: Sums, span: tuple[int, int], least: float) -> dict[str, Compared]:
        calls = {name: unit.usual_call(sums.logs[name], sums.squares[name], sums.measured, self.day) for name in UNITS}
        known = {
            "calls": self._known("calls", sums, span, _LEVEL_CALLS),
            "cost": self._known("cost", sums, span, 24 * _LEVEL_SHARE * least),
        }
        counts = [
            np.maximum(known["calls"].sums.window(*span, limit.width), sums.calls.window(*span, limit.width)) + 2
            for limit in VOLUME
        ]
        # Costs of calls are taken for lognormal: how far a sum of few of them strays follows from their logarithms.
        of_sum = np.exp(np.minimum(calls["cost_per_call"].variance, 4.0))
        found = {
            "calls": volume.compare(sums.calls, known["calls"], span, 1.0, [1 / n for n in counts]),
            "cost": volume.compare(sums.cost, known["cost"], span, _LEVEL_SHARE * least, [of_sum / n for n in counts]),
        }
        money = found["cost"]
        idle = (money.actual <= least) & (money.usual <= least)
        for channel in VOLUMES:
            each = found[channel]
            found[channel] = Compared(
                money.actual, money.usual, each.log_ratio, np.where(idle, np.nan, each.deviation), each.log_limit
            )
        return found | {name: unit.compare(sums.logs[name], calls[name], sums, span) for name in UNITS}

    def _known(self, channel: str, sums: Sums, span: tuple[int, int], least: float) -> volume.Usual:
        """Return what is usual yesterday and today."""
        first, last = span
        actual = sums.calls if channel == "calls" else sums.cost
        expected = usual(actual, self.day, self._off, sums.seen_from // DAY)
        known = self._usual[channel]
        known[:, first:last] = expected[:, : last - first] * level(actual, known, self.day, least)
        base = max(0, first - DAY)
        return volume.Usual.of(known[:, base:last], base)

    def _score(self, channel: str, found: Compared) -> Floats:
        limits = VOLUME if channel in VOLUMES else UNIT
        deviation = found.deviation / self._spreads[channel].factor()
        return self._sensitivity.score(limits, found.log_ratio, deviation, found.log_limit)

    @staticmethod
    def _is_material(channel: str, compared: dict[str, Compared], least: float, age: NDArray[np.int64]) -> Flags:
        found = compared[channel]
        excess = found.actual - found.usual
        if channel in VOLUMES:
            return np.asarray((excess >= least * np.where(age < _WEEK, _THIN, 1.0)) & (age >= DAY))
        wide = np.sqrt([max(limit.width / HOUR, 1) for limit in UNIT])[:, None, None]
        return np.asarray((excess >= least * wide) & (age >= DAY))

    def _judged(self, first: int, scores: Floats, compared: dict[str, Compared], sums: Sums) -> Judged:
        rule, score = scores.argmax(0), scores.max(0)
        before = np.concatenate([self._last_score, score[:, :-1]], axis=1)
        fired = (score >= 1) & ((before >= 1) | (score >= STRONG))
        spent = sums.cost.window(first, first + score.shape[1], HOUR)[None]
        every = list(compared.values())
        observed = np.concatenate([*(each.actual for each in every), spent])
        expected = np.concatenate([*(each.usual for each in every), np.zeros_like(spent)])
        logs = np.concatenate([*(np.nan_to_num(each.log_ratio) for each in every), np.full_like(spent, np.inf)])
        picked = (np.take_along_axis(values, rule[None], 0)[0] for values in (observed, expected, np.exp(logs)))
        return Judged(first, score, fired, rule, *picked)


def _new_group(sums: Sums, first: int, last: int, usual_hour: float, age: NDArray[np.int64]) -> Floats:
    """Return the score of groups younger than a day, where others are older than a week: is their spend material?"""
    if first - int(sums.seen_from.min(initial=first)) < _WEEK:
        return np.full((len(age), last - first), -np.inf)
    of_hour = sums.cost.window(first, last, HOUR) / max(NEW_HOUR_SHARE * usual_hour, LEAST_USD)
    of_day = sums.cost.window(first, last, DAY) / max(NEW_DAY_SHARE * 24 * usual_hour, LEAST_USD)
    told = (age >= 0) & (age < DAY) & (np.maximum(of_hour, of_day) >= 1)
    return np.asarray(np.where(told, STRONG, -np.inf))
