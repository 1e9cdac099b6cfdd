"""Cost as a metric, of every call that ends: before sampling and export, so that no sampler thins it out.

Labels are bounded: never a user, a session or a tag unless `COSTSPAN_METRIC_LABELS` names it.
"""

from __future__ import annotations

import os
import threading
from collections import Counter, deque
from collections.abc import Sequence
from typing import Final

from opentelemetry import metrics
from opentelemetry.context import Context
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.trace import NonRecordingSpan, set_span_in_context

from costspan.core.charge import PriceStatus
from costspan.core.money import usd_from_pico
from costspan.sdk import attribute_names as names
from costspan.sdk.call_metrics import CallMetrics
from costspan.sdk.config import DEFAULT_LABELS
from costspan.sdk.metric_labels import BoundedLabels
from costspan.sdk.price_span import PricedSpan, SpanPricer
from costspan.sdk.safety import never_raise

BUCKETS_USD: Final = (0.00001, 0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0)


_MOST_WAITING: Final = 1_000
"""About 5 MB of spans. An exporter comes each second, so that only a program without one gets that far."""


class CostMetrics(SpanProcessor):
    """Histogram `gen_ai.usage.cost_usd` and counter `costspan.unpriced_calls`, on the application's meter provider.

    A span that ends only waits here: working out its cost would take longer than ending it. Whoever exports or collects
    metrics next records what waits (`record_waiting`), in the order the spans ended and before anything is collected.
    `dimensions` are the parts of the attribution that become labels, besides provider and model.
    """

    def __init__(self, pricer: SpanPricer, dimensions: Sequence[str] = DEFAULT_LABELS) -> None:
        self._pricer = pricer
        self._dimensions = [(each, names.OF_DIMENSION[each]) for each in dimensions]
        self._bounded = BoundedLabels()
        self._unpriced: Counter[tuple[tuple[str, str], ...]] = Counter()
        self._waiting: deque[ReadableSpan] = deque()
        self._recording = threading.Lock()
        meter = metrics.get_meter("costspan")
        self._calls = CallMetrics(meter)
        self._cost = meter.create_histogram(
            names.COST_USD,
            unit="{USD}",
            description="Cost of a model call at the price list in force when it started",
            explicit_bucket_boundaries_advisory=BUCKETS_USD,
        )
        # Observed rather than counted, because a collection asks its observers before it reads the histograms.
        meter.create_observable_counter(
            "costspan.unpriced_calls",
            [self._observe_unpriced],
            unit="{call}",
            description="Calls to models that no price list names",
        )
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._leave_to_the_parent)

    def on_end(self, span: ReadableSpan) -> None:
        self._waiting.append(span)
        if len(self._waiting) >= _MOST_WAITING and self._recording.acquire(blocking=False):
            try:
                self._record_all()
            finally:
                self._recording.release()

    @never_raise(None)
    def record_waiting(self) -> None:
        """Record the spans that wait."""
        with self._recording:
            self._record_all()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:  # noqa: ARG002 - bounded by what can wait
        self.record_waiting()
        return True

    def shutdown(self) -> None:
        self.record_waiting()

    def _record_all(self) -> None:
        if not isinstance(metrics.get_meter_provider(), MeterProvider):
            self._waiting.clear()  # nobody would see the figures, so nobody works them out
        while self._waiting:
            self._record(self._waiting.popleft())

    @never_raise(None)
    def _record(self, span: ReadableSpan) -> None:
        verdict = self._pricer.verdict(span)
        if not isinstance(verdict, PricedSpan):
            return
        labels, context = self._labels(verdict), _context_of(span)
        self._calls.record(span, verdict.call, labels, context)
        if verdict.priced.cost is not None:
            self._cost.record(float(usd_from_pico(verdict.priced.cost)), labels, context)
        elif verdict.priced.status is PriceStatus.UNPRICED and not verdict.call.failed:
            self._unpriced[tuple(labels.items())] += 1

    def _observe_unpriced(self, _options: CallbackOptions) -> list[Observation]:
        self.record_waiting()
        return [Observation(count, dict(labels)) for labels, count in self._unpriced.items()]

    def _leave_to_the_parent(self) -> None:
        # A forked child has copies of the spans that waited, and perhaps of a lock that somebody held.
        self._recording = threading.Lock()
        self._waiting.clear()

    def _labels(self, verdict: PricedSpan) -> dict[str, str]:
        call, priced = verdict.call, verdict.priced
        return self._bounded.of(
            {
                names.PROVIDER: priced.provider or call.provider,
                names.REQUEST_MODEL: priced.model or next(iter(call.models), None),
                **{key: getattr(call.attribution, dimension) for dimension, key in self._dimensions},
            }
        )


def _context_of(span: ReadableSpan) -> Context:
    """Return the context in which `span` is current, so that an exemplar of the metric leads to its trace."""
    context = span.get_span_context()
    return set_span_in_context(NonRecordingSpan(context), Context()) if context else Context()
