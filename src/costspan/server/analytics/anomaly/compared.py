"""Windows beside what is usual in them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from costspan.server.analytics.anomaly.buckets import Floats


@dataclass(frozen=True, slots=True)
class Compared:
    """The windows of a day (limits, groups, buckets): what was, what is usual, the logarithm of the ratio.

    `deviation` is that logarithm in standard deviations of sampling, not-a-number where there is nothing to compare;
    `log_limit` the logarithm of the ratio that is too much.
    """

    actual: Floats
    usual: Floats
    log_ratio: Floats
    deviation: Floats
    log_limit: Floats

    @classmethod
    def of(cls, windows: list[tuple[Floats, Floats, Floats, Floats, Floats]]) -> Compared:
        """Return the windows of each width, given as the fields in their order, as one array."""
        alike = [np.broadcast_arrays(*window) for window in windows]
        return cls(*(np.stack(parts) for parts in zip(*alike, strict=True)))
