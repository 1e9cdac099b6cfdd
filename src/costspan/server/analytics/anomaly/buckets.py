"""Spend by group and five minutes, as arrays: what anomalies are looked for in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from costspan.server.store.spend_series import STEP

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

STEP_S: Final = int(STEP.total_seconds())
DAY: Final = 288
"""Buckets of a day."""
HOUR: Final = 12
"""Buckets of an hour."""


@dataclass(frozen=True, slots=True)
class Buckets:
    """Arrays of groups by buckets. The first bucket starts at `start_s` (Unix seconds), where a day begins.

    `measured` counts the calls with a cost and tokens; `logs` and `squares` are sums over those calls of the natural
    logarithm of each of the store's UNITS, and of its square: the geometric mean of calls, which a few giant ones do
    not move, and how far they differ.
    """

    start_s: int
    calls: Floats
    cost_usd: Floats
    measured: Floats
    logs: Mapping[str, Floats]
    squares: Mapping[str, Floats]

    @property
    def groups(self) -> int:
        """How many groups there are."""
        return int(self.calls.shape[0])

    @property
    def length(self) -> int:
        """How many buckets there are."""
        return int(self.calls.shape[1])


@dataclass(frozen=True, slots=True)
class Running:
    """Running sums along the buckets from bucket `base` on, so that any window is one subtraction."""

    sums: Floats
    base: int = 0

    @classmethod
    def of(cls, values: Floats, base: int = 0) -> Running:
        """Return the running sums of `values`, the first of which is bucket `base`."""
        start = np.zeros((*values.shape[:-1], 1))
        return cls(np.concatenate([start, np.cumsum(values, -1, dtype=np.float64)], -1), base)

    def window(self, first: int, last: int, width: int) -> Floats:
        """Return the sums of the `width` buckets that end with each of `first` to `last` (exclusive).

        Before the beginning there is nothing: windows there are short.
        """
        ends = np.maximum(np.arange(first, last) + 1 - self.base, 0)
        return np.asarray(self.sums[..., ends] - self.sums[..., np.maximum(ends - width, 0)])

    def between(self, first: NDArray[np.int64], last: NDArray[np.int64]) -> Floats:
        """Return the sums of the buckets from each of `first` to its `last` (exclusive)."""
        return np.asarray(self.sums[..., last - self.base] - self.sums[..., first - self.base])

    def parts(self, edges: NDArray[np.int64]) -> Floats:
        """Return the sums of the buckets from each edge to the next."""
        return np.diff(self.sums[..., edges - self.base], axis=-1)


@dataclass(frozen=True, slots=True)
class Sums:
    """The running sums of some buckets, and since when each group is there."""

    calls: Running
    cost: Running
    measured: Running
    logs: Mapping[str, Running]
    squares: Mapping[str, Running]
    seen_from: NDArray[np.int64]
    """The first bucket with a call, by group; the length where there is none."""
    length: int

    @classmethod
    def of(cls, buckets: Buckets) -> Sums:
        """Return the running sums of `buckets`."""
        active = buckets.calls > 0
        return cls(
            calls=Running.of(buckets.calls),
            cost=Running.of(buckets.cost_usd),
            measured=Running.of(buckets.measured),
            logs={name: Running.of(values) for name, values in buckets.logs.items()},
            squares={name: Running.of(values) for name, values in buckets.squares.items()},
            seen_from=np.where(active.any(1), active.argmax(1), buckets.length),
            length=buckets.length,
        )


def by_day(sums: Running, first: int, last: int) -> Floats:
    """Return the sums of the days from `first` to `last` (exclusive), by group."""
    return sums.parts(np.arange(first, last + 1) * DAY)
