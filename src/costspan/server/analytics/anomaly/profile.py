"""What a group usually does at this time of day: from the same kind of day in the past weeks, robustly."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from costspan.server.analytics.anomaly.buckets import DAY, HOUR, Flags, Floats, Running, by_day

LOOK_BACK: Final = 28
"""Days of the past that are looked at."""
_WORKDAYS: Final = 15
_DAYS_OFF: Final = 8
_TRIMMED: Final = 0.2
"""Share of days, the highest ones, that do not count: what was an anomaly then must not be usual now."""
_LEVEL_DAYS: Final = 14
_LEVEL_GAP: Final = 2
"""Days before today that do not count for the level: what grows within days is told before it is usual."""
_LEVEL_LIMIT: Final = float(np.log(2.0))


def usual(sums: Running, day: int, off: Flags, born: NDArray[np.int64]) -> Floats:
    """Return what each bucket of `day` usually has, by group: the mean of like days without the highest fifth.

    `off` tells days off from workdays, `born` is the day on which each group began. A group that has seen fewer than
    two like days is compared with all its days.
    """
    past = range(max(0, day - LOOK_BACK), day)
    like = [each for each in past if off[each] == off[day]][-(_DAYS_OFF if off[day] else _WORKDAYS) :]
    found = _trimmed_mean(sums, day, like, born)
    young = (np.array(like, int)[None, :] >= born[:, None]).sum(1) < 2
    if young.any():
        found[young] = _trimmed_mean(Running(sums.sums[young], sums.base), day, list(past), born[young])
    return found


def _trimmed_mean(sums: Running, day: int, days: list[int], born: NDArray[np.int64]) -> Floats:
    groups = sums.sums.shape[0]
    known = (np.array(days, int)[None, :] >= born[:, None]).sum(1)
    trimmed = np.floor(_TRIMMED * known).astype(int)
    total = np.zeros((groups, DAY))
    # Of days on which a group was not there yet there is nothing to add, and nothing high to leave out.
    highest = np.zeros((int(trimmed.max(initial=0)), groups, DAY))
    for each in days:
        around = _around(sums, each, day)
        total += around
        for rank in range(len(highest)):
            lower = np.minimum(highest[rank], around)
            np.maximum(highest[rank], around, out=highest[rank])
            around = lower
    for rank in range(len(highest)):
        total -= np.where((trimmed > rank)[:, None], highest[rank], 0.0)
    return np.asarray(np.maximum(total, 0.0) / np.maximum(known - trimmed, 1)[:, None])


def _around(sums: Running, day: int, today: int) -> Floats:
    """Return the mean of the hour around each bucket of a day, of what was before today."""
    at = day * DAY + np.arange(DAY)
    first, last = np.maximum(at - HOUR // 2, 0), np.minimum(at + HOUR // 2, today * DAY)
    if first[0] > at[0] - HOUR // 2 or last[-1] < at[-1] + HOUR // 2:
        return np.asarray((sums.sums[:, last] - sums.sums[:, first]) / (last - first))
    low, high = int(first[0]), int(last[0])
    return np.asarray((sums.sums[:, high : high + DAY] - sums.sums[:, low : low + DAY]) / HOUR)


def level(actual: Running, expected: Floats, day: int, least: float) -> Floats:
    """Return by what a group as a whole lies above what was expected of it: the median of two weeks of whole days.

    It follows growth, and does not follow one bad day. `expected` are the sums of all days so far, `least` what a day
    must have to be worth comparing.
    """
    first, last = max(0, day - _LEVEL_DAYS), day - _LEVEL_GAP
    if last - first < 2:
        return np.ones((len(expected), 1))
    was, should = by_day(actual, first, last), expected[:, first:last]
    ratios = np.where(should > 0, np.log((was + least) / (should + least)), 0.0)
    found = np.clip(np.median(ratios, axis=1), -_LEVEL_LIMIT, _LEVEL_LIMIT)
    return np.asarray(np.exp(found)[:, None])
