"""Cost as a metric, recorded when a call ends: before sampling and export, so that no sampler thins it out.

Labels are bounded: never a user, a session or a tag unless `COSTSPAN_METRIC_LABELS` names it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor

from costspan.core.charge import PriceStatus
from costspan.core.money import usd_from_pico
from costspan.sdk import attribute_names as names
from costspan.sdk.call_metrics import CallMetrics
from costspan.sdk.config import DEFAULT_LABELS
from costspan.sdk.counted_once import CountedOnce
from costspan.sdk.metric_labels import BoundedLabels
from costspan.sdk.price_span import PricedSpan, SpanPricer
from costspan.sdk.safety import never_raise

BUCKETS_USD: Final = (0.00001, 0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0)


class CostMetrics(SpanProcessor):
    """Histogram `gen_ai.usage.cost_usd` and counter `costspan.unpriced_calls`, on the application's meter provider.

    `dimensions` are the parts of the attribution that become labels, besides provider and model.
    """

    def __init__(self, pricer: SpanPricer, dimensions: Sequence[str] = DEFAULT_LABELS) -> None:
        self._pricer = pricer
        self._dimensions = [(each, names.OF_DIMENSION[each]) for each in dimensions]
        self._bounded = BoundedLabels()
        self._counted = CountedOnce()
        meter = metrics.get_meter("costspan")
        self._calls = CallMetrics(meter)
        self._cost = meter.create_histogram(
            names.COST_USD,
            unit="{USD}",
            description="Cost of a model call at the price list in force when it started",
            explicit_bucket_boundaries_advisory=BUCKETS_USD,
        )
        self._unpriced = meter.create_counter(
            "costspan.unpriced_calls", unit="{call}", description="Calls to models that no price list names"
        )

    @never_raise(None)
    def on_end(self, span: ReadableSpan) -> None:
        if not isinstance(metrics.get_meter_provider(), MeterProvider):
            return  # nobody would see the figure, so the host's thread does not work it out
        verdict = self._pricer.verdict(span)
        if verdict is None:
            return
        labels = self._labels(verdict)
        self._calls.record(span, verdict.call, labels)
        if verdict.priced.cost is not None:
            if self._counted.first_time(verdict.call):
                self._cost.record(float(usd_from_pico(verdict.priced.cost)), labels)
        elif verdict.priced.status is PriceStatus.UNPRICED and not verdict.call.failed:
            self._unpriced.add(1, labels)

    def _labels(self, verdict: PricedSpan) -> dict[str, str]:
        call, priced = verdict.call, verdict.priced
        return self._bounded.of(
            {
                names.PROVIDER: priced.provider or call.provider,
                names.REQUEST_MODEL: priced.model or next(iter(call.models), None),
                **{key: getattr(call.attribution, dimension) for dimension, key in self._dimensions},
            }
        )
