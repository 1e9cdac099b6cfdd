"""What our detector is compared with: the rules people write by hand, and published methods, plainly in numpy.

Each method gives every group and bucket a score that rises with suspicion; an alarm is a score at a threshold. All get
the same gate: the hour must cost at least 0.5 % of what the organisation usually spends in an hour. Hourly methods
speak at the end of the hour. Only ours sees calls and tokens; the others are what is done with a cost curve.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.anomaly.spend import DAY, HOUR, LENGTH, MONDAY_S
from costspan.server.analytics.anomaly.buckets import Buckets, Floats, Running, Sums
from costspan.server.analytics.anomaly.detect import Detector

_FORTNIGHT: Final = 14 * DAY
_FORTNIGHT_HOURS: Final = 14 * 24
_SILENT: Final = -np.inf


@dataclass(frozen=True, slots=True)
class Scored:
    """Scores by group and bucket, where they are alarms, and the processor seconds it took."""

    score: Floats
    fired: NDArray[np.bool_]
    cpu_s: float


def ours(buckets: Buckets) -> Scored:
    """Return what our detector says at its defaults."""
    started = time.process_time()
    sums = Sums.of(buckets)
    detector = Detector(buckets.groups, days_off(buckets))
    judged = [detector.learn(sums) for _ in range(buckets.length // DAY)]
    score = np.concatenate([each.score for each in judged], axis=1)
    fired = np.concatenate([each.fired for each in judged], axis=1)
    return Scored(score, fired, time.process_time() - started)


def days_off(buckets: Buckets) -> NDArray[np.bool_]:
    """Return which days are Saturdays and Sundays."""
    days = np.arange(-(-buckets.length // DAY)) + (buckets.start_s - MONDAY_S) // (DAY * 300)
    return np.asarray(days % 7 >= 5)


def scored(method: Callable[[Floats], Floats], buckets: Buckets) -> Scored:
    """Return what another method says of the costs, with the gate all share; no alarms yet."""
    started = time.process_time()
    score = method(buckets.cost_usd)
    hour = _windows(buckets.cost_usd, HOUR)
    usual_hour = _windows(buckets.cost_usd.sum(0, keepdims=True), _FORTNIGHT) / _FORTNIGHT_HOURS
    score = np.where(hour >= 0.005 * usual_hour, np.nan_to_num(score, nan=_SILENT), _SILENT)
    return Scored(score, np.zeros(score.shape, bool), time.process_time() - started)


def twice_the_same_hour(cost: Floats) -> Floats:
    """The last hour over the median of the same hour on 14 days."""
    hour = _windows(cost, HOUR)
    before = np.stack([_earlier(hour, days * DAY) for days in range(1, 15)])
    return _over(hour, _median(before), cost)


def thrice_the_mean(cost: Floats) -> Floats:
    """The last hour over the mean hour of 14 days."""
    mean = _earlier(_windows(cost, _FORTNIGHT) / _FORTNIGHT_HOURS, DAY)
    return _over(_windows(cost, HOUR), mean, cost)


def windowed_gaussian(cost: Floats) -> Floats:
    """Standard deviations of the last hour from the mean of 14 days (as in the Numenta benchmark)."""
    hour = _windows(cost, HOUR)
    mean = _windows(hour, _FORTNIGHT) / _FORTNIGHT
    variance = _windows(hour**2, _FORTNIGHT) / _FORTNIGHT - mean**2
    return (hour - _earlier(mean, HOUR)) / np.sqrt(np.maximum(_earlier(variance, HOUR), 1e-12))


def holt_winters(cost: Floats) -> Floats:
    """Additive exponential smoothing of the hour's logarithm with a weekly season (Holt 1957, Winters 1960)."""
    values = _log_hours(cost)
    groups, hours = values.shape
    season = 7 * 24
    level, trend = values[:, :season].mean(1), np.zeros(groups)
    seasonal = values[:, :season] - level[:, None]
    residuals = np.full(values.shape, np.nan)
    for hour in range(season, hours):
        place = hour % season
        expected = level + trend + seasonal[:, place]
        residuals[:, hour] = values[:, hour] - expected
        bounded = np.clip(residuals[:, hour], -1, 1)
        level, trend = level + trend + 0.02 * bounded, trend + 0.0005 * bounded
        seasonal[:, place] += 0.2 * bounded
    return _by_hour(residuals / _spread(residuals))


def seasonal_esd(cost: Floats) -> Floats:
    """Seasonal hybrid ESD (Hochenbaum, Vallis, Kejariwal 2017): the hour less its median by hour and kind of day,
    over the median absolute deviation of 14 days."""
    values = _log_hours(cost)
    found = np.full(values.shape, np.nan)
    for day in range(14, values.shape[1] // 24):
        past = values[:, (day - 14) * 24 : day * 24].reshape(len(values), 14, 24)
        off = np.array([(day - 14 + each) % 7 >= 5 for each in range(14)])
        alike = past[:, off == (day % 7 >= 5)]
        median = np.median(alike, axis=1)
        spread = 1.4826 * np.median(np.abs(alike - median[:, None]), axis=(1, 2))
        today = values[:, day * 24 : (day + 1) * 24]
        found[:, day * 24 : (day + 1) * 24] = (today - median) / np.maximum(spread, 0.1)[:, None]
    return _by_hour(found)


def seasonal_robust_z(cost: Floats) -> Floats:
    """The last hour's logarithm less its median at this time of 14 days, over a spread that knows tails; 1 is both four
    deviations and three times as much."""
    hour = np.log(_windows(cost, HOUR) + _little(cost))
    before = np.stack([_earlier(hour, days * DAY) for days in range(1, 15)])
    residuals = hour - _median(before)
    spread = np.repeat(_spread(residuals[:, HOUR - 1 :: HOUR]), HOUR, axis=1)
    missing = max(0, residuals.shape[1] - spread.shape[1])
    deviations = residuals / np.pad(spread, ((0, 0), (0, missing)), mode="edge")[:, : residuals.shape[1]]
    return np.minimum(deviations / 4, residuals / np.log(3))


BY_HAND: Final = {"2x the same hour's median": twice_the_same_hour, "3x the 14-day mean": thrice_the_mean}
LITERALLY: Final = {"2x the same hour's median": 2.0, "3x the 14-day mean": 3.0}
PUBLISHED: Final = {
    "windowed Gaussian": windowed_gaussian,
    "Holt-Winters": holt_winters,
    "S-H-ESD": seasonal_esd,
    "seasonal robust z": seasonal_robust_z,
}


def _windows(values: Floats, width: int) -> Floats:
    return Running.of(values).window(0, values.shape[1], width)


def _earlier(values: Floats, by: int) -> Floats:
    moved = np.full(values.shape, np.nan)
    moved[:, by:] = values[:, :-by]
    return moved


def _little(cost: Floats) -> float:
    """Added on both sides of a ratio: 0.1 % of the organisation's usual hour."""
    return float(0.001 * cost.sum() / (cost.shape[1] / HOUR))


def _median(before: Floats) -> Floats:
    """Return the median of what is known of earlier days."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # where nothing is known yet
        return np.asarray(np.nanmedian(before, axis=0))


def _over(now: Floats, usual: Floats, cost: Floats) -> Floats:
    little = _little(cost)
    return (now + little) / (usual + little)


def _log_hours(cost: Floats) -> Floats:
    hours = cost.shape[1] // HOUR
    return np.log(cost[:, : hours * HOUR].reshape(len(cost), hours, HOUR).sum(-1) + _little(cost))


def _by_hour(scores: Floats) -> Floats:
    spoken = np.full((len(scores), scores.shape[1] * HOUR), np.nan)
    spoken[:, HOUR - 1 :: HOUR] = scores
    return np.pad(spoken, ((0, 0), (0, max(0, LENGTH - spoken.shape[1]))), constant_values=np.nan)


def _spread(residuals: Floats) -> Floats:
    """Return the spread of hourly residuals over the 14 days before each day: the larger of the median absolute
    deviation and the 98th percentile, each as of a normal distribution."""
    found = np.full(residuals.shape, np.nan)
    for day in range(8, residuals.shape[1] // 24 + 1):
        past = np.abs(residuals[:, max(0, day - 14) * 24 : day * 24])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            spread = np.maximum(1.4826 * np.nanmedian(past, axis=1), np.nanquantile(past, 0.98, axis=1) / 2.33)
        found[:, day * 24 : (day + 1) * 24] = np.maximum(spread, 0.1)[:, None]
    return found
