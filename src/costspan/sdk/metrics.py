"""Cost as a metric, recorded when a call ends: before export, so that tail sampling does not thin it out.

Labels are bounded: never a user, a session or a tag.
"""

from __future__ import annotations

from typing import Final

from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor

from costspan.core.charge import PriceStatus
from costspan.core.money import usd_from_pico
from costspan.sdk import attribute_names as names
from costspan.sdk.price_span import PricedSpan, SpanPricer
from costspan.sdk.safety import never_raise

BUCKETS_USD: Final = (0.00001, 0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0)


class CostMetrics(SpanProcessor):
    """Histogram `gen_ai.usage.cost_usd` and counter `costspan.unpriced_calls`, on the application's meter provider."""

    def __init__(self, pricer: SpanPricer) -> None:
        self._pricer = pricer
        meter = metrics.get_meter("costspan")
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
        if not isinstance(verdict, PricedSpan):
            return
        if verdict.priced.cost is not None:
            self._cost.record(float(usd_from_pico(verdict.priced.cost)), _labels(verdict))
        elif verdict.priced.status is PriceStatus.UNPRICED and not verdict.call.failed:
            self._unpriced.add(1, _labels(verdict))


def _labels(verdict: PricedSpan) -> dict[str, str]:
    call, priced = verdict.call, verdict.priced
    labels = {
        "gen_ai.provider.name": priced.provider or call.provider,
        "gen_ai.request.model": priced.model or next(iter(call.models), None),
        names.FEATURE: call.attribution.feature,
        names.TEAM: call.attribution.team,
        names.ENVIRONMENT: call.attribution.environment,
    }
    return {key: value for key, value in labels.items() if value}
