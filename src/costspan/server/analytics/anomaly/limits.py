"""From when on a difference is called an anomaly. One number, `sensitivity`, moves all limits together.

A limit has two sides, and both must be passed: by how many times more than usual, so that an alarm is worth reading,
and by how many standard deviations of the group's own noise, so that a restless group does not cry every day. Windows
that are short, and so are looked at more often, need more deviations.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from costspan.core.errors import UsageError
from costspan.server.analytics.anomaly.buckets import DAY, HOUR, Floats


@dataclass(frozen=True, slots=True)
class Limit:
    """Of windows of `width` buckets: how many times the usual is too much, and how many standard deviations."""

    width: int
    ratio: float
    deviations: float


VOLUME: Final = (
    Limit(1, 8.0, 6.3),
    Limit(3, 5.0, 6.3),
    Limit(HOUR, 3.2, 5.8),
    Limit(6 * HOUR, 2.2, 5.5),
    Limit(DAY, 1.7, 5.3),
)
"""For how much is called and spent."""
UNIT: Final = (
    Limit(3, 2.5, 5.0),
    Limit(HOUR, 1.7, 4.9),
    Limit(6 * HOUR, 1.35, 4.9),
    Limit(DAY, 1.25, 4.7),
    Limit(3 * DAY, 1.2, 4.5),
)
"""For what a typical call is: its cost, its tokens, the price of its tokens."""

MATERIAL_SHARE: Final = 0.005
"""An excess below this share of what all groups together usually spend in an hour is nobody's worry."""
LEAST_USD: Final = 0.01
"""Nor is one below this, however little is spent."""
NEW_HOUR_SHARE: Final = 0.02
NEW_DAY_SHARE: Final = 0.01
"""A group of less than a day is told when it spends this share of what all spend in an hour, or in a day."""
STRONG: Final = 1.6
"""A score from which on one look is enough; below, two looks in a row must agree."""

DEFAULT_SENSITIVITY: Final = 3.0
_SENSITIVITIES: Final = (1.0, 20.0)


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """3 is the default: the limits as they stand here. Of a higher number a limit R becomes R^(s/3): less is told."""

    value: float = DEFAULT_SENSITIVITY

    def __post_init__(self) -> None:
        low, high = _SENSITIVITIES
        if not low <= self.value <= high:
            raise UsageError(f"sensitivity {self.value:g} is not from {low:g} (tells more) to {high:g} (tells less)")

    def score(self, limits: tuple[Limit, ...], log_ratio: Floats, deviation: Floats, log_limit: Floats) -> Floats:
        """Return how far past its limits each window (limits, groups, buckets) is: 1 is at both of them."""
        factor = self.value / DEFAULT_SENSITIVITY
        most = np.array([limit.deviations for limit in limits])[:, None, None]
        score = np.minimum(log_ratio / (factor * log_limit), deviation / (factor * most))
        return np.asarray(np.where(np.isfinite(score), score, -np.inf))
