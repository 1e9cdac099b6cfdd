"""A window beside what is usual in it."""

from __future__ import annotations

from dataclasses import dataclass

from costspan.server.analytics.anomaly.buckets import Floats


@dataclass(frozen=True, slots=True)
class Compared:
    """Windows of one width that end with each of some buckets (groups, buckets): dollars that were and that are usual.

    `log_ratio` is of what the channel measures, minus infinity where there is nothing to compare; `deviation` is it in
    standard deviations of sampling; `log_limit` the logarithm of the ratio that is too much.
    """

    actual: Floats
    usual: Floats
    log_ratio: Floats
    deviation: Floats
    log_limit: Floats | float
