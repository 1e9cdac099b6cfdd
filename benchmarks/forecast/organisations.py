"""Synthetic daily spend: features of organisations, each with its week, growth, noise, steps and bad days."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

HISTORY_DAYS: Final = 60
MONTH_DAYS: Final = 30
_DAYS: Final = HISTORY_DAYS + MONTH_DAYS
_FEATURES: Final = 16
_KINDS: Final = {"office": (0.12, 0.4), "consumer": (1.0, 1.4), "even": (0.75, 1.0), "seldom": (0.3, 1.0)}
"""Kind of traffic -> what a day of the weekend is of a weekday, from and to."""

Days = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Organisation:
    """Dollars a day, by feature; day 0 is of the weekday `starts_on`."""

    starts_on: int
    features: tuple[Days, ...]

    @property
    def total(self) -> Days:
        """Dollars a day of all features."""
        return np.asarray(np.sum(self.features, axis=0))


def organisation(seed: int, *, troubled: bool) -> Organisation:
    """Return one. `troubled`: three of its features have a few days of several times their cost."""
    chance = np.random.default_rng([seed, 2026])
    starts_on = int(chance.integers(7))
    features = [_feature(chance, list(_KINDS)[number % len(_KINDS)], starts_on) for number in range(_FEATURES)]
    for number in chance.choice(_FEATURES, 3, replace=False) if troubled else ():
        first = int(chance.integers(20, _DAYS - 8))
        features[number][first : first + int(chance.integers(1, 5))] *= chance.uniform(3, 8)
    return Organisation(starts_on, tuple(features))


def _feature(chance: np.random.Generator, kind: str, starts_on: int) -> Days:
    day = np.arange(_DAYS)
    weekday = (day + starts_on) % 7
    shape = np.where(weekday >= 5, chance.uniform(*_KINDS[kind]), 1.0) * np.where(weekday == 0, 0.95, 1.0)
    monthly = chance.choice([0.0, 0.0, 0.1, 0.3, -0.1])
    level = np.exp(chance.normal(3.5, 1.2) + np.log1p(monthly) * day / 30)
    if chance.random() < 0.2:
        # A new prompt, a new customer: it costs another amount from one day on.
        level = np.where(day >= chance.integers(10, _DAYS - 5), level * chance.uniform(0.7, 1.5), level)
    wander = np.zeros(_DAYS)
    for today in day[1:]:
        wander[today] = 0.8 * wander[today - 1] + chance.normal(0, 0.05)
    noise = np.exp(wander + chance.normal(0, chance.uniform(0.04, 0.15), _DAYS))
    if kind == "seldom":
        return np.asarray(level * shape * chance.gamma(0.7, 1 / 0.7, _DAYS) * (chance.random(_DAYS) < 0.6))
    return np.asarray(level * shape * noise)
