"""Metric points become calls: the series of one group and moment are one claim, priced as what it is, an approximation.

Used by the server on what it received, where neither spans nor events of the same source count (accounting rule 5.5).
"""

from costspan.semconv.metrics.families import METRIC_NAMES
from costspan.semconv.metrics.read import read_points
from costspan.semconv.metrics.series import MAX_SERIES, MetricState, Seen

__all__ = ["MAX_SERIES", "METRIC_NAMES", "MetricState", "Seen", "read_points"]
