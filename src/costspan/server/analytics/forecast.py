"""What will be spent: a profile of weekdays with a damped robust trend, and a range from what it missed lately.

Pure functions of daily amounts, in any unit of money. Statistics, so floats: an expectation has no exact digits.
Medians keep one bad day from moving the profile; the trend dies out, since growth of a month does not last a year.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from costspan.server.analytics.outlook import HISTORY_DAYS, MIN_DAYS, Kind, Outlook

_WEEK: Final = 7
_WEEKDAYS: Final = 5
_DAMPED: Final = 0.97
"""What is left of the trend a day later."""
_MOST_A_DAY: Final = 0.02
_HIGHEST: Final = 2.5
"""Times the usual day of its kind that a day may count for the level."""
_HALF_LIFE_DAYS: Final = 14
_SELDOM: Final = 0.15
"""Share of the days of usually busy weekdays that see nothing, from which on no weekday has a pattern of its own."""
_BLOCK_DAYS: Final = 3
"""Days in a row that are drawn together: good and bad days come in runs."""
_DRAWS: Final = 400
_LEAST_WALK: Final = 0.03
"""By how much, in logarithms, the level of a week is taken to wander at least."""

Series = NDArray[np.float64]


def outlook(daily: Sequence[float], next_weekday: int, shares: Sequence[float]) -> Outlook | None:
    """Return what is ahead after `daily`, whole days of which the last was yesterday; None before MIN_DAYS of them.

    `shares` has for each day ahead how much of it is still to come, from today on, whose weekday is `next_weekday`
    (Monday 0): less than 1 for the rest of today and for a last day that is not asked about as a whole.
    """
    if len(daily) < MIN_DAYS:
        return None
    history = np.asarray(daily[-HISTORY_DAYS:], dtype=np.float64)
    weekdays = (np.arange(len(history)) + next_weekday - len(history)) % _WEEK
    shape = _shape(history, weekdays)
    usual = shape[weekdays]
    trend = _trend(history, usual)
    level = _level(history, usual, trend)
    ahead = np.arange(len(shares))
    kinds = (next_weekday + ahead) % _WEEK
    growth = np.exp(trend * _DAMPED * (1 - _DAMPED**ahead) / (1 - _DAMPED))
    expected = shape[kinds] * level * growth * np.asarray(shares, dtype=np.float64)
    low, high = _range(history, usual, trend, expected)
    middle = np.cumsum(expected)
    return Outlook(
        low=tuple(np.minimum(low, middle).tolist()),
        middle=tuple(middle.tolist()),
        high=tuple(np.maximum(high, middle).tolist()),
        rest_of_today=float(expected[0]) if len(shares) else 0.0,
        weekdays=_kind(expected[1:], kinds[1:] < _WEEKDAYS),
        weekend=_kind(expected[1:], kinds[1:] >= _WEEKDAYS),
        trend=float(np.expm1(trend)),
    )


def _shape(history: Series, weekdays: NDArray[np.int64]) -> Series:
    """Return the usual amount of each weekday, once weeks of another level were brought to one."""
    first = _medians(history, weekdays)
    if not first.any() or np.mean(history[first[weekdays] > 0] == 0) > _SELDOM:
        # So seldom that a median says nothing: what is spent may come on any day of the week, or of the weekend.
        working = weekdays < _WEEKDAYS
        return np.asarray(np.where(np.arange(_WEEK) < _WEEKDAYS, history[working].mean(), history[~working].mean()))
    ratios = np.divide(history, first[weekdays], out=np.ones_like(history), where=first[weekdays] > 0)
    around = [np.median(ratios[max(0, day - 3) : day + 4]) for day in range(len(ratios))]
    levels = np.where(np.array(around) > 0, around, 1.0)
    shape = _medians(history / levels, weekdays)
    return np.asarray(shape if shape.any() else first)


def _medians(amounts: Series, weekdays: NDArray[np.int64]) -> Series:
    return np.array([np.median(amounts[weekdays == day]) for day in range(_WEEK)])


def _level(history: Series, usual: Series, trend: float) -> float:
    """Return how many times the usual amount today is to be. A day counts half as much as one two weeks later, and a
    bad one for no more than 2.5 usual ones."""
    ratios = np.divide(history, usual, out=np.ones_like(history), where=usual > 0)
    most = max(_HIGHEST * np.median(ratios[-_WEEK:]), _HIGHEST * np.median(ratios), np.quantile(ratios, 0.9))
    age = np.arange(len(history), 0, -1)
    weight = 0.5 ** (age / _HALF_LIFE_DAYS) * np.maximum(usual, 1e-12)
    counted = np.where(usual > 0, np.minimum(ratios, most), ratios)
    return float((counted * weight).sum() / weight.sum() * np.exp(trend * (age * weight).sum() / weight.sum()))


def _trend(history: Series, usual: Series) -> float:
    """Return the growth a day, as a logarithm: half the median slope between any two weeks (Theil-Sen).

    Half of it, since of a step no more is to come, and steps and growth look alike.
    """
    weeks = _weekly(history, usual)
    slopes = [
        (weeks[later] - weeks[earlier]) / (_WEEK * (later - earlier))
        for earlier in range(len(weeks))
        for later in range(earlier + 1, len(weeks))
    ]
    return float(np.clip(np.median(slopes), -_MOST_A_DAY, _MOST_A_DAY)) / 2 if slopes else 0.0


def _weekly(history: Series, usual: Series) -> Series:
    """Return by how much each whole week lay above what is usual: medians of logarithms, the earliest first."""
    known = (history > 0) & (usual > 0)
    above = np.where(known, np.log(np.where(known, history, 1) / np.where(known, usual, 1)), np.nan)
    weeks = above[len(above) % _WEEK :].reshape(-1, _WEEK)
    return np.array([np.nanmedian(week) for week in weeks if not np.isnan(week).all()])


def _range(history: Series, usual: Series, trend: float, expected: Series) -> tuple[Series, Series]:
    """Return P10 and P90 of what is added up by the end of each day ahead.

    Each draw takes what past days were of their usual amount, in blocks, and lets the level wander from week to week as
    it did. The same history gives the same range.
    """
    if not len(expected):
        return expected, expected
    fitted = usual * np.exp(trend * (np.arange(len(history)) - len(history) / 2))
    ratios = np.divide(history, fitted, out=np.ones_like(history), where=fitted > 0)
    ratios /= max(ratios.mean(), 1e-12)
    weeks = _weekly(history, fitted)
    walk = max(float(np.std(np.diff(weeks))) if len(weeks) > 2 else 0.0, _LEAST_WALK)
    chance = np.random.default_rng(0)
    days = len(expected)
    starts = chance.integers(0, len(ratios) - _BLOCK_DAYS + 1, (_DRAWS, days // _BLOCK_DAYS + 1))
    drawn = ratios[starts[:, :, None] + np.arange(_BLOCK_DAYS)].reshape(_DRAWS, -1)[:, :days]
    level = np.cumsum(chance.normal(0, walk, (_DRAWS, days // _WEEK + 1)), axis=1)
    sums = np.cumsum(expected * drawn * np.exp(np.repeat(level, _WEEK, axis=1)[:, :days]), axis=1)
    return np.quantile(sums, 0.1, axis=0), np.quantile(sums, 0.9, axis=0)


def _kind(expected: Series, belongs: NDArray[np.bool_]) -> Kind:
    days = int(belongs.sum())
    return Kind(days, float(expected[belongs].sum()) / days if days else 0.0)
