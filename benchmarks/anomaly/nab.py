"""The Numenta Anomaly Benchmark: public series with labelled windows, scored as it does (Lavin and Ahmad 2015).

Read from a checkout of https://github.com/numenta/NAB named on the command line; none of it is kept here. An alarm in a
labelled window earns up to 1, the earlier the more; a window without one loses 1; an alarm outside loses 0.11, less of
it just after a window. 100 is the best there is, 0 is silence. Each method has the threshold that scores best, as the
benchmark does it. Most labels are of machine metrics, and some are of drops, which cost nothing; realAdExchange, cost
of a click and of a thousand views, is the part that is money.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.anomaly.methods import days_off, seasonal_robust_z, windowed_gaussian
from costspan.server.analytics.anomaly.buckets import DAY, STEP_S, Buckets, Floats, Sums
from costspan.server.analytics.anomaly.detect import Detector
from costspan.server.store.spend_series import UNITS

SETS: Final = ("realAdExchange", "realAWSCloudwatch", "realKnownCause")
_FALSE: Final = 0.11
_PROBATION: Final = 0.15


@dataclass(frozen=True, slots=True)
class Series:
    """A series: its values on five-minute buckets, where each point ends, and its labelled windows as points."""

    name: str
    buckets: Buckets
    ends: tuple[int, ...]
    windows: tuple[tuple[int, int], ...]


def read(checkout: Path) -> list[Series]:
    """Return the series of SETS. Raise FileNotFoundError where `checkout` is no checkout of the benchmark."""
    labels = json.loads((checkout / "labels" / "combined_windows.json").read_text("utf-8"))
    files = sorted(file for name in SETS for file in (checkout / "data" / name).glob("*.csv"))
    if not files:
        raise FileNotFoundError(f"no data/realAdExchange in {checkout}")
    return [_series(file, labels[f"{file.parent.name}/{file.name}"]) for file in files]


def _series(file: Path, labelled: list[list[str]]) -> Series:
    with file.open(encoding="utf-8") as opened:
        rows = [(_moment(row["timestamp"]), float(row["value"])) for row in csv.DictReader(opened)]
    times = np.array([moment for moment, _ in rows])
    values = np.maximum([value for _, value in rows], 0.0)
    start = int(times[0] // (DAY * STEP_S)) * DAY * STEP_S
    step = max(round(float(np.median(np.diff(times))) / STEP_S), 1)
    first = ((times - start) // STEP_S).astype(int)
    length = int(first[-1]) + step
    cost = np.zeros(length)
    for offset in range(step):
        np.add.at(cost, np.minimum(first + offset, length - 1), values / step)
    cost /= max(cost.mean(), 1e-12)
    empty = dict.fromkeys(UNITS, np.zeros((1, length)))
    # How many calls a point stands for is not known; one is taken for each bucket.
    buckets = Buckets(start, np.ones((1, length)), cost[None], np.zeros((1, length)), empty, empty)
    windows = [
        (np.searchsorted(times, _moment(a)), np.searchsorted(times, _moment(b), "right") - 1) for a, b in labelled
    ]
    return Series(
        f"{file.parent.name}/{file.name}",
        buckets,
        tuple((first + step - 1).tolist()),
        tuple((int(a), int(b)) for a, b in windows),
    )


def _moment(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def our_scores(buckets: Buckets) -> Floats:
    """Return our detector's scores; of a curve without calls it has one channel."""
    sums = Sums.of(buckets)
    detector = Detector(1, days_off(buckets))
    parts = [detector.learn(sums).score for _ in range(buckets.length // DAY)]
    if buckets.length % DAY:
        parts.append(detector.expected(sums).judge(sums, detector.day * DAY, buckets.length).score)
    return np.concatenate(parts, axis=1)


METHODS: Final[dict[str, Callable[[Buckets], Floats]]] = {
    "costspan": our_scores,
    "windowed Gaussian": lambda buckets: windowed_gaussian(buckets.cost_usd),
    "seasonal robust z": lambda buckets: seasonal_robust_z(buckets.cost_usd),
}


def scores(series: Sequence[Series]) -> dict[str, dict[str, float]]:
    """Return each method's score over all series and over each set alone, each at its best threshold."""
    found = {}
    for name, method in METHODS.items():
        suspicion = [_at_points(method(each.buckets), each) for each in series]
        found[name] = {"all": _best(series, suspicion)}
        for part in SETS:
            chosen = [number for number, each in enumerate(series) if each.name.startswith(part)]
            found[name][part] = _best([series[n] for n in chosen], [suspicion[n] for n in chosen])
    return found


def _best(series: Sequence[Series], suspicion: Sequence[Floats]) -> float:
    finite = np.concatenate([values[np.isfinite(values)] for values in suspicion])
    grid = np.unique(np.quantile(finite, 1 - np.logspace(-0.5, -5, 60)))
    return max(_score(series, suspicion, threshold) for threshold in grid)


def _at_points(score: Floats, series: Series) -> Floats:
    points = np.nan_to_num(score[0, np.minimum(series.ends, score.shape[1] - 1)], nan=-np.inf)
    points[: min(int(_PROBATION * len(points)), 750)] = -np.inf
    return np.asarray(points)


def _score(series: Sequence[Series], suspicion: Sequence[Floats], threshold: float) -> float:
    windows = sum(len(each.windows) for each in series)
    raw = sum(_raw(each, values >= threshold) for each, values in zip(series, suspicion, strict=True))
    return 100 * (raw + windows) / (2 * windows)


def _raw(series: Series, fired: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> float:
    total, outside = 0.0, fired.copy()
    for first, last in series.windows:
        at = np.flatnonzero(fired[first : last + 1])
        total += _sigmoid(-(last - first - at[0] + 1) / (last - first + 1)) / _sigmoid(-1.0) if at.size else -1.0
        outside[first : last + 1] = False
    # Of alarms that follow one another the first one counts: nobody is told each hour anew.
    outside[1:] &= ~fired[:-1]
    for at_point in np.flatnonzero(outside):
        before = [(first, last) for first, last in series.windows if last < at_point]
        after = (at_point - before[-1][1]) / max(before[-1][1] - before[-1][0], 1) if before else 3.0
        total += _FALSE * _sigmoid(min(after, 3.0))
    return total


def _sigmoid(place: float) -> float:
    return float(2 / (1 + np.exp(5 * place)) - 1)
