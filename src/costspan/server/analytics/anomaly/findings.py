"""Anomalies as values: alarms of one group that follow one another are one anomaly."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np

from costspan.core.period import Period
from costspan.server.analytics.anomaly.buckets import DAY, HOUR, Flags
from costspan.server.analytics.anomaly.detect import Detector
from costspan.server.analytics.anomaly.expected import Judged
from costspan.server.analytics.anomaly.history import Asked, History, Key
from costspan.server.analytics.anomaly.limits import Sensitivity
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


def find(asked: Asked, period: Period, sensitivity: Sensitivity = Sensitivity()) -> list[Anomaly]:  # noqa: B008 - a value
    """Return the anomalies whose alarm was given in `period`, the latest first; the same for the same ledger."""
    start = asked.beginning(period.since)
    history = History.read(asked, start, period.until)
    days, rest = divmod(history.length, DAY)
    off = asked.off(start, days + 1)
    found: list[Anomaly] = []
    at = 0
    for sums in history.parts():
        keys = history.keys[at : at + len(sums.seen_from)]
        at += len(keys)
        detector = Detector(len(keys), off, sensitivity)
        judged = [detector.learn(sums) for _ in range(days)]
        if rest:
            judged.append(detector.expected(sums).judge(sums, days * DAY, history.length))
        found += _anomalies(start, keys, judged)
    return sorted(
        (each for each in found if each.until > period.since), key=lambda each: (each.since, each.score), reverse=True
    )


def of_last_bucket(start: datetime, keys: Sequence[Key], judged: Judged) -> Iterator[Anomaly]:
    """Yield what gives alarm in the last bucket that was judged; bucket 0 begins at `start`."""
    at = judged.fired.shape[1] - 1
    for group in np.flatnonzero(judged.fired[:, at]).tolist():
        yield _anomaly(start, keys[group], judged, group, at, (at, at))


def _anomalies(start: datetime, keys: Sequence[Key], judged: Sequence[Judged]) -> Iterator[Anomaly]:
    if not judged:
        return
    whole = Judged(
        judged[0].first,
        *(
            np.concatenate([getattr(day, name) for day in judged], axis=1)
            for name in ("score", "fired", "rule", "observed_usd", "expected_usd", "ratio")
        ),
    )
    for group, key in enumerate(keys):
        for first, last in episodes(whole.fired[group]):
            peak = first + int(whole.score[group, first : last + 1].argmax())
            yield _anomaly(start, key, whole, group, peak, (first, last))


def episodes(fired: Flags) -> list[tuple[int, int]]:
    """Return first and last bucket of each run of alarms, with pauses shorter than QUIET taken for none."""
    at = np.flatnonzero(fired)
    if not at.size:
        return []
    breaks = np.flatnonzero(np.diff(at) > QUIET)
    return list(zip(at[np.r_[0, breaks + 1]].tolist(), at[np.r_[breaks, at.size - 1]].tolist(), strict=True))


def _anomaly(start: datetime, key: Key, judged: Judged, group: int, at: int, span: tuple[int, int]) -> Anomaly:
    rule = RULES[judged.rule[group, at]]
    ends = [start + (judged.first + bucket + 1) * STEP for bucket in (*span, at)]
    return Anomaly(
        key=key,
        since=ends[0],
        until=ends[1],
        window=Period(max(ends[2] - rule.width * STEP, start), ends[2]),
        channel=rule.channel,
        observed_usd=float(judged.observed_usd[group, at]),
        expected_usd=float(judged.expected_usd[group, at]),
        ratio=float(judged.ratio[group, at]),
        score=float(judged.score[group, at]),
    )
