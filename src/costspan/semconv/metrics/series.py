"""What a series has counted since its last point, and the memory that this needs."""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, NamedTuple

from costspan.core.record import MetricPoint, Temporality

MAX_SERIES: Final = 100_000
"""Cumulative series remembered. Past it the series without a point for the longest time are forgotten."""

FORGOTTEN: Final = "the series may have been forgotten since its last point; counted from its start"


class Seen(NamedTuple):
    """The last point of a cumulative series. `value` is tokens, or pico-dollars of a cost."""

    start_ns: int
    time_ns: int
    value: int
    requests: int


@dataclass(frozen=True, slots=True)
class MetricState:
    """Every cumulative series' last point, by the series' identity, and the newest moment that was forgotten.

    The server keeps it with the ledger: it and the calls read with it are durable together, or neither is.
    """

    series: Mapping[str, Seen] = field(default_factory=lambda: MappingProxyType({}))
    forgotten_ns: int = 0

    def after(self, changed: Mapping[str, Seen], limit: int) -> MetricState:
        """Return the state with `changed` in it and at most `limit` series; the same object when nothing changed."""
        if not changed:
            return self
        series = {**self.series, **changed}
        idle = heapq.nsmallest(len(series) - limit, series, key=lambda key: series[key].time_ns)
        newest_ns = max((series.pop(key).time_ns for key in idle), default=0)
        return MetricState(MappingProxyType(series), max(self.forgotten_ns, newest_ns))


@dataclass(frozen=True, slots=True)
class Increment:
    """What one point adds: tokens or pico-dollars, requests, since when, and a doubt."""

    value: int
    requests: int
    since_ns: int
    doubt: str | None = None


def increment(point: MetricPoint, value: int, seen: Seen | None, forgotten_ns: int) -> Increment | None:
    """Return what the point adds to what was counted, or None for a point that is repeated or older than one counted.

    A delta is its value. A cumulative point is the difference to the last one; a series is one process's (its start is
    part of its identity), so a value that fell is a reset and counts from zero.
    """
    requests = point.count or 0
    since_ns = point.start_ns if 0 < point.start_ns <= point.time_ns else point.time_ns
    if point.temporality is Temporality.DELTA:
        return Increment(value, requests, since_ns)
    if seen is None:
        return Increment(value, requests, since_ns, FORGOTTEN if point.start_ns < forgotten_ns else None)
    if point.time_ns <= seen.time_ns:
        return None
    if value < seen.value or requests < seen.requests:
        return Increment(value, requests, seen.time_ns)
    return Increment(value - seen.value, requests - seen.requests, seen.time_ns)
