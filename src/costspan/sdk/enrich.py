"""Cost on the way out: an exporter that forwards each GenAI span as a copy that says what the call cost.

A span cannot be changed once it has ended, so the exporter behind this one is given a new `ReadableSpan`
(docs/decisions/0003-sdk-span-copy.md). Other exporters of the application see the span as it was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import Status, StatusCode
from opentelemetry.util.types import AttributeValue

from costspan.core.call import Call
from costspan.core.charge import PriceStatus
from costspan.core.clock import NS_PER_S
from costspan.core.money import usd_from_pico
from costspan.sdk import attribute_names as names
from costspan.sdk.price_span import PricedSpan, SecondRecord, SpanPricer
from costspan.sdk.safety import never_raise
from costspan.semconv.outcome import outcome


class EnrichedSpan(ReadableSpan):
    """A span with attributes added, its status replaced where one is given, and everything else, the dropped counts
    included, as the original has it."""

    def __init__(
        self, original: ReadableSpan, added: Mapping[str, AttributeValue], status: Status | None = None
    ) -> None:
        super().__init__(
            name=original.name,
            context=original.get_span_context(),
            parent=original.parent,
            resource=original.resource,
            attributes={**(original.attributes or {}), **added},
            events=original.events,
            links=original.links,
            kind=original.kind,
            status=status or original.status,
            start_time=original.start_time,
            end_time=original.end_time,
            instrumentation_scope=original.instrumentation_scope,
        )
        self._original = original

    @property
    def dropped_attributes(self) -> int:
        return self._original.dropped_attributes

    @property
    def dropped_events(self) -> int:
        return self._original.dropped_events

    @property
    def dropped_links(self) -> int:
        return self._original.dropped_links


class CostExporter(SpanExporter):
    """Delegates to `exporter` with GenAI spans enriched; a span that cannot be priced goes on unchanged.

    A call whose outcome is one of `error_outcomes` leaves with the status ERROR, where nobody set one.
    """

    def __init__(
        self,
        exporter: SpanExporter,
        pricer: SpanPricer | None = None,
        error_outcomes: frozenset[str] = frozenset(),
    ) -> None:
        self._exporter = exporter
        self._pricer = pricer or SpanPricer()
        self._error_outcomes = error_outcomes

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return self._exporter.export([self._enriched(span) or span for span in spans])

    def shutdown(self) -> None:
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._exporter.force_flush(timeout_millis)

    @never_raise(None)
    def _enriched(self, span: ReadableSpan) -> ReadableSpan | None:
        verdict = self._pricer.verdict(span)
        said = span.attributes or {}
        if verdict is None or names.PRICE_STATUS in said:
            return None
        if isinstance(verdict, SecondRecord):
            return EnrichedSpan(span, {names.DUPLICATE_OF: verdict.of_span_id})
        added = {key: value for key, value in added_attributes(verdict).items() if key not in said}
        outcome = str(said.get(names.OUTCOME) or added.get(names.OUTCOME))
        failed = outcome in self._error_outcomes and span.status.status_code is StatusCode.UNSET
        return EnrichedSpan(span, added, Status(StatusCode.ERROR, outcome) if failed else None)


def added_attributes(verdict: PricedSpan) -> dict[str, AttributeValue]:
    """Return what the verdict lets a span say. A cost that is unknown is absent, never 0."""
    call, priced = verdict.call, verdict.priced
    added: dict[str, AttributeValue | None] = {
        names.PRICE_STATUS: priced.status.value,
        names.RATE_ID: priced.rate.rate_id if priced.rate else None,
        names.FEATURE: call.attribution.feature,
        names.TEAM: call.attribution.team,
        names.ENVIRONMENT: call.attribution.environment,
        names.TIME_TO_FIRST_CHUNK: call.time_to_first_chunk_s,
        names.OUTPUT_SPEED: _output_speed(call),
        names.OUTCOME: outcome(call),
    }
    if priced.cost is not None:
        cost_usd = float(usd_from_pico(priced.cost))
        reported = priced.status is PriceStatus.REPORTED
        added |= {
            names.COST_USD: cost_usd,
            names.COST_AMOUNT: cost_usd,
            names.COST_CURRENCY: "USD",
            names.COST_SOURCE: "provider" if reported else "local",
        }
    return {key: value for key, value in added.items() if value is not None}


def _output_speed(call: Call) -> float | None:
    """Return the output tokens of a streamed call per second from its first chunk to its end."""
    if not call.time_to_first_chunk_s or not call.usage.output_tokens:
        return None
    seconds = (call.ended_at_ns - call.started_at_ns) / NS_PER_S - call.time_to_first_chunk_s
    return round(call.usage.output_tokens / seconds, 3) if seconds > 0 else None
