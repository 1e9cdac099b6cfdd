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
        # Groups, windows, days, buckets: what is ranked lies together.
        shape = (groups, windows, _DAYS + _LATEST, DAY // _EVERY)
        self._seen = np.full(shape, -np.inf, np.float32)
        self._days = 0

    def remember(self, window: int, deviations: Floats) -> None:
        """Keep a day of deviations (groups, buckets) of a window; minus infinity where there was nothing to compare."""
        self._seen[:, window, self._days % self._seen.shape[2]] = deviations[:, _EVERY - 1 :: _EVERY]

    def next_day(self) -> None:
        """Go on to the next day, once all windows of one are kept."""
        self._days += 1

    def factor(self) -> Floats:
        """Return (windows, groups, 1) by what deviations are larger than sampling alone would make them, at least 1.

        The 98th percentile, not the median deviation: of a spiky group the median says that it never strays.
        """
        size = self._seen.shape[2]
        chosen = self._seen
        if self._days > 2 * _LATEST:
            chosen = chosen[:, :, [(self._days - back) % size for back in range(_LATEST + 1, size + 1)]]
        rows = chosen.reshape(*chosen.shape[:2], -1)
        count = np.isfinite(rows).sum(-1)
        place = np.maximum(count - np.maximum(np.ceil(_SHARE * count).astype(int), 1), 0)
        most = int(place.max(initial=0)) + 1
        ranked = np.sort(np.partition(rows, rows.shape[-1] - most, axis=-1)[..., -most:], axis=-1)
        high = np.take_along_axis(ranked, (most - 1 - place)[..., None], -1)[..., 0]
        wide = np.where(count >= _FEWEST, _TAIL * high / _OF_NORMAL, 1.0)
        return np.asarray(np.maximum(wide, 1.0).T[..., None], np.float64)
