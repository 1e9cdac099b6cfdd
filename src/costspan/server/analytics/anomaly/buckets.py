"""Spend by group and five minutes, as arrays: what anomalies are looked for in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from costspan.server.store.spend_series import STEP

Floats = NDArray[np.float64]
Values = NDArray[np.floating]
"""Of any precision; sums and what follows from them have the full one."""
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
    calls: Values
    cost_usd: Values
    measured: Values
    logs: Mapping[str, Values]
    squares: Mapping[str, Values]

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
    def of(cls, values: Values, base: int = 0) -> Running:
        """Return the running sums of `values`, the first of which is bucket `base`."""
        sums = np.zeros((*values.shape[:-1], values.shape[-1] + 1))
        np.cumsum(values, -1, dtype=np.float64, out=sums[..., 1:])
        return cls(sums, base)

    def window(self, first: int, last: int, width: int) -> Floats:
        """Return the sums of the `width` buckets that end with each of `first` to `last` (exclusive).

        Before the beginning there is nothing: windows there are short.
        """
        low, high = first + 1 - self.base, last + 1 - self.base
        if low >= width:
            return np.asarray(self.sums[..., low:high] - self.sums[..., low - width : high - width])
        ends = np.maximum(np.arange(low, high), 0)
        return np.asarray(self.sums[..., ends] - self.sums[..., np.maximum(ends - width, 0)])

    def parts(self, edges: NDArray[np.int64]) -> Floats:
        """Return the sums of the buckets from each edge to the next."""
        return np.diff(self.sums[..., edges - self.base], axis=-1)

    def each(self, first: int, last: int) -> Floats:
        """Return the buckets from `first` to `last` (exclusive) one by one."""
        return np.diff(self.sums[..., first - self.base : last - self.base + 1], axis=-1)


@dataclass(frozen=True, slots=True)
class Whole:
    """All groups of an organisation together: what they spend, and since when the first of them is there."""

    cost: Running
    seen_from: int


@dataclass(frozen=True, slots=True)
class Sums:
    """The running sums of some buckets, since when each group is there, and the whole that they are part of."""

    calls: Running
    cost: Running
    measured: Running
    logs: Mapping[str, Running]
    seen_from: NDArray[np.int64]
    """The first bucket with a call, by group; the length where there is none."""
    length: int
    whole: Whole
    squares: Mapping[str, Floats]
    """By day."""

    @classmethod
    def of(cls, buckets: Buckets, whole: Whole | None = None, first: int = 0) -> Sums:
        """Return the running sums of `buckets`, of which bucket `first` is the first, of all groups or of a `whole`."""
        active, length = buckets.calls > 0, first + buckets.length
        seen_from = np.where(active.any(1), first + active.argmax(1), length)
        cost = Running.of(buckets.cost_usd, first)
        days = np.arange(first, length + 1, DAY)
        return cls(
            calls=Running.of(buckets.calls, first),
            cost=cost,
            measured=Running.of(buckets.measured, first),
            logs={name: Running.of(values, first) for name, values in buckets.logs.items()},
            seen_from=seen_from,
            length=length,
            whole=whole or Whole(Running(cost.sums.sum(0), first), int(seen_from.min(initial=length))),
            squares={name: Running.of(values, first).parts(days) for name, values in buckets.squares.items()},
        )


def by_day(sums: Running, first: int, last: int) -> Floats:
    """Return the sums of the days from `first` to `last` (exclusive), by group."""
    return sums.parts(np.arange(first, last + 1) * DAY)
