"""`Outlook`: what a forecast says, and how much history it takes. Worked out by `forecast`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MIN_DAYS: Final = 14
"""Whole days of history below which there is no forecast: two of each weekday."""
HISTORY_DAYS: Final = 42
"""Whole days that are looked at."""


@dataclass(frozen=True, slots=True)
class Kind:
    """The days of one kind that are ahead, whole ones only: how many, and what each is expected to cost."""

    days: int
    each: float


@dataclass(frozen=True, slots=True)
class Outlook:
    """What the days ahead add up to: `low` is passed nine times in ten, `high` once in ten (P10, P50, P90).

    Each has one figure for each day ahead, added up to its end. `rest_of_today` is the part of the first one.
    `trend` is the growth a day the history shows, before it dies out.
    """

    low: tuple[float, ...]
    middle: tuple[float, ...]
    high: tuple[float, ...]
    rest_of_today: float
    weekdays: Kind
    weekend: Kind
    trend: float
