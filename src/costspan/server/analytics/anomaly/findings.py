"""Anomalies as values: alarms of one group that follow one another are one anomaly."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from costspan.core.period import Period
from costspan.server.analytics.anomaly.buckets import HOUR, Floats
from costspan.server.analytics.anomaly.expected import Judged
from costspan.server.analytics.anomaly.history import Key
from costspan.server.analytics.anomaly.rules import RULES
from costspan.server.store.spend_series import STEP

QUIET: Final = 2 * HOUR
"""Buckets without an alarm after which the next one is another anomaly."""


@dataclass(frozen=True, slots=True)
class Anomaly:
    """What a group spent in a window, and what was expected; found at the end of it.

    Of an anomaly that lasted it is the window that was furthest past its limits. `since` is the end of the first window
    that gave alarm, `until` of the last; `channel` says by what it was told.
    """

    key: Key
    since: datetime
    until: datetime
    window: Period
    channel: str
    observed_usd: float
    expected_usd: float
    ratio: float
    score: float


@dataclass(frozen=True, slots=True)
class Alarms:
    """The buckets that gave alarm, each with its group and what `Judged` says of it."""

    group: NDArray[np.int64]
    bucket: NDArray[np.int64]
    score: Floats
    rule: NDArray[np.int64]
    observed_usd: Floats
    expected_usd: Floats
    ratio: Floats

    @classmethod
    def of(cls, judged: Judged, first_group: int = 0) -> Self:
        """Return the alarms among buckets that were judged, of which the groups count from `first_group` on."""
        at = group, bucket = np.nonzero(judged.fired)
        return cls(
            group=first_group + group,
            bucket=judged.first + bucket,
            score=judged.score[at],
            rule=judged.rule[at],
            observed_usd=judged.observed_usd[at],
            expected_usd=judged.expected_usd[at],
            ratio=judged.ratio[at],
        )

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Return all alarms of some parts, of which there is at least one, by group and then by bucket."""
        found = [np.concatenate([getattr(part, name) for part in parts]) for name in cls.__slots__]
        order = np.lexsort((found[1], found[0]))
        return cls(*(values[order] for values in found))


def anomalies(start: datetime, keys: Sequence[Key], parts: Sequence[Alarms]) -> Iterator[Anomaly]:
    """Yield what alarms come to, group after group; bucket 0 begins at `start`, group 0 is the first of `keys`."""
    if not parts:
        return
    alarms = Alarms.joined(parts)
    for span in episodes(alarms.group, alarms.bucket):
        yield _anomaly(start, keys, alarms, span)


def episodes(group: NDArray[np.int64], bucket: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Return the places of the first and last of each run of alarms of a group, with pauses shorter than QUIET in it.

    Alarms lie by group and then by bucket.
    """
    is_another = (np.diff(group) != 0) | (np.diff(bucket) > QUIET)
    edges = [0, *(np.flatnonzero(is_another) + 1).tolist(), len(group)]
    return [(first, after - 1) for first, after in pairwise(edges) if first < after]


def _anomaly(start: datetime, keys: Sequence[Key], alarms: Alarms, span: tuple[int, int]) -> Anomaly:
    first, last = span
    at = first + int(alarms.score[first : last + 1].argmax())
    rule = RULES[alarms.rule[at]]
    ends = [start + (int(alarms.bucket[place]) + 1) * STEP for place in (first, last, at)]
    return Anomaly(
        key=keys[alarms.group[at]],
        since=ends[0],
        until=ends[1],
        window=Period(max(ends[2] - rule.width * STEP, start), ends[2]),
        channel=rule.channel,
        observed_usd=float(alarms.observed_usd[at]),
        expected_usd=float(alarms.expected_usd[at]),
        ratio=float(alarms.ratio[at]),
        score=float(alarms.score[at]),
    )
