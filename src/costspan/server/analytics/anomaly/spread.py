"""How far a group strays when nothing is wrong: learned from its own last two weeks, tails included."""

from __future__ import annotations

from typing import Final

import numpy as np

from costspan.server.analytics.anomaly.buckets import DAY, Floats

_DAYS: Final = 14
_LATEST: Final = 3
"""Days that do not count yet: what grows slowly must not pass for a habit while it grows."""
_EVERY: Final = 6
"""One bucket of six is remembered: windows overlap, so the ones between say little more."""
_SHARE: Final = 0.98
_OF_NORMAL: Final = 2.05
"""The standard normal deviate below which `_SHARE` of the values lie."""
_TAIL: Final = 0.8
_FEWEST: Final = 24


class Spread:
    """The deviations of the last two weeks, by window and group; what was called an anomaly is left out."""

    def __init__(self, windows: int, groups: int) -> None:
        self._seen = np.full((_DAYS + _LATEST, windows, groups, DAY // _EVERY), np.nan, np.float32)
        self._days = 0

    def remember(self, deviations: Floats) -> None:
        """Keep a day of deviations (windows, groups, buckets); not-a-number where there was nothing to compare."""
        self._seen[self._days % len(self._seen)] = deviations[..., _EVERY - 1 :: _EVERY]
        self._days += 1

    def widen(self, groups: int) -> None:
        """Make room for groups that came, of which nothing is known yet."""
        missing = groups - self._seen.shape[2]
        self._seen = np.pad(self._seen, ((0, 0), (0, 0), (0, missing), (0, 0)), constant_values=np.nan)

    def factor(self) -> Floats:
        """Return by what deviations are larger than sampling alone would make them, never less than 1.

        The 98th percentile, not the median deviation: of a spiky group the median says that it never strays.
        """
        size = len(self._seen)
        settled = [(self._days - back) % size for back in range(_LATEST + 1, size + 1)]
        chosen = self._seen[settled] if self._days > 2 * _LATEST else self._seen
        days, windows, groups, slots = chosen.shape
        seen = np.sort(chosen.transpose(1, 2, 0, 3).reshape(windows, groups, days * slots), axis=-1)
        count = np.isfinite(seen).sum(-1)
        place = np.maximum(np.ceil(_SHARE * count).astype(int) - 1, 0)
        high = np.nan_to_num(np.take_along_axis(seen, place[..., None], -1)[..., 0])
        wide = np.where(count >= _FEWEST, _TAIL * high / _OF_NORMAL, 1.0)
        return np.asarray(np.maximum(wide, 1.0)[..., None], np.float64)
