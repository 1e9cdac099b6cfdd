"""Anomalies as values: alarms of one group that follow one another are one anomaly."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import numpy as np

from costspan.core.period import Period
from costspan.core.zone import ZONE_UTC, Zone
from costspan.server.analytics.anomaly.buckets import DAY, HOUR, Flags
from costspan.server.analytics.anomaly.detect import RULES, Detector, Judged
from costspan.server.analytics.anomaly.history import History, Key, beginning
from costspan.server.analytics.anomaly.limits import Sensitivity
from costspan.server.store.ports import LedgerReader
from costspan.server.store.question import Filter
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


def find(
    reader: LedgerReader,
    period: Period,
    group_by: tuple[str, ...],
    filters: tuple[Filter, ...] = (),
    sensitivity: Sensitivity = Sensitivity(),  # noqa: B008 - a value
    zone: Zone = ZONE_UTC,
) -> list[Anomaly]:
    """Return the anomalies whose alarm was given in `period`, the latest first; the same for the same ledger."""
    start = beginning(period.since, zone)
    days = (period.until - start) // timedelta(days=1) + 1
    history = History(reader, group_by, filters, start, days, zone)
    history.read(start, period.until)
    sums = history.sums()
    detector = Detector(len(history.keys), history.off, sensitivity)
    judged = [detector.learn(sums) for _ in range(history.length // DAY)]
    if history.length % DAY:
        judged.append(detector.judge(sums))
    found = list(_anomalies(history, judged))
    return sorted(
        (each for each in found if each.until > period.since), key=lambda each: (each.since, each.score), reverse=True
    )


def of_bucket(history: History, judged: Judged, bucket: int) -> Iterator[Anomaly]:
    """Yield what gives alarm in one bucket."""
    at = bucket - judged.first
    for group in np.flatnonzero(judged.fired[:, at]):
        yield _anomaly(history, judged, int(group), at, (at, at))


def _anomalies(history: History, judged: Sequence[Judged]) -> Iterator[Anomaly]:
    if not judged or not history.keys:
        return
    whole = Judged(
        judged[0].first,
        *(
            np.concatenate([getattr(day, name) for day in judged], axis=1)
            for name in ("score", "fired", "rule", "observed_usd", "expected_usd", "ratio")
        ),
    )
    for group in range(len(history.keys)):
        for first, last in episodes(whole.fired[group]):
            peak = first + int(whole.score[group, first : last + 1].argmax())
            yield _anomaly(history, whole, group, peak, (first, last))


def episodes(fired: Flags) -> list[tuple[int, int]]:
    """Return first and last bucket of each run of alarms, with pauses shorter than QUIET taken for none."""
    at = np.flatnonzero(fired)
    if not at.size:
        return []
    breaks = np.flatnonzero(np.diff(at) > QUIET)
    return list(zip(at[np.r_[0, breaks + 1]].tolist(), at[np.r_[breaks, at.size - 1]].tolist(), strict=True))


def _anomaly(history: History, judged: Judged, group: int, at: int, span: tuple[int, int]) -> Anomaly:
    rule = RULES[judged.rule[group, at]]
    ends = [history.start + (judged.first + bucket + 1) * STEP for bucket in (*span, at)]
    return Anomaly(
        key=history.keys[group],
        since=ends[0],
        until=ends[1],
        window=Period(max(ends[2] - rule.width * STEP, history.start), ends[2]),
        channel=rule.channel,
        observed_usd=float(judged.observed_usd[group, at]),
        expected_usd=float(judged.expected_usd[group, at]),
        ratio=float(judged.ratio[group, at]),
        score=float(judged.score[group, at]),
    )
