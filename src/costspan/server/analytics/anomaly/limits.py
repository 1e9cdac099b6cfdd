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
    Limit(2, 5.8, 6.4),
    Limit(3, 5.3, 6.2),
    Limit(6, 4.6, 6.0),
    Limit(HOUR, 3.8, 5.8),
    Limit(6 * HOUR, 2.8, 5.5),
    Limit(DAY, 2.2, 5.3),
)
"""For how much is called and spent."""
UNIT: Final = (
    Limit(2, 2.6, 4.9),
    Limit(3, 2.4, 4.8),
    Limit(6, 2.2, 4.8),
    Limit(HOUR, 1.9, 4.7),
    Limit(6 * HOUR, 1.65, 4.5),
    Limit(DAY, 1.45, 3.9),
    Limit(3 * DAY, 1.4, 3.4),
)
"""For what a typical call is: its cost and its tokens, which wander by themselves."""
PRICE: Final = (
    Limit(2, 2.5, 4.9),
    Limit(3, 2.3, 4.8),
    Limit(HOUR, 1.7, 4.7),
    Limit(6 * HOUR, 1.35, 4.6),
    Limit(DAY, 1.25, 4.5),
    Limit(3 * DAY, 1.2, 4.4),
)
"""For the price of a token, which hardly does."""

MATERIAL_SHARE: Final = 0.005
"""An excess below this share of what all groups together usually spend in an hour is nobody's worry."""
LEAST_USD: Final = 0.01
"""Nor is one below this, however little is spent."""
NEW_HOUR_SHARE: Final = 0.02
NEW_DAY_SHARE: Final = 0.01
"""A group of less than a day is told when it spends this share of what all spend in an hour, or in a day."""
NEW_SCORE: Final = 1.6
"""The score of a group that is told as new."""
LEVEL_SHARE: Final = 0.2
"""Part of the least excess that is added on both sides of a ratio of dollars."""
THIN: Final = 4.0
"""By what an excess must be larger in a group's first week, of which little is known."""
YOUNG: Final = 0.6
"""What a score is worth while a group has not seen each weekday, or on days off no earlier weekend."""
GIANT_DEVIATIONS: Final = 4.0
"""One call so far out is no anomaly: what is spent must exceed what is usual by more than that."""

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

    def score(self, limit: Limit, log_ratio: Floats, deviation: Floats, log_limit: Floats | float) -> Floats:
        """Return how far past its limits each window is: 1 is at both of them."""
        factor = self.value / DEFAULT_SENSITIVITY
        return np.asarray(np.minimum(log_ratio / (factor * log_limit), deviation / (factor * limit.deviations)))
