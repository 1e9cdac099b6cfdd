"""Cost on the way out: an exporter that forwards each GenAI span as a copy that says what the call cost and leaves out
what was asked and answered.

A span cannot be changed once it has ended, so the exporter behind this one is given a new `ReadableSpan`
(docs/decisions/0003-sdk-span-copy.md). Other exporters of the application see the span as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import Status, StatusCode
from opentelemetry.util.types import AttributeValue

from costspan.core.call import Call
from costspan.core.charge import PriceStatus
from costspan.core.clock import NS_PER_S
from costspan.core.money import usd_from_pico
from costspan.sdk import attribute_names as names
from costspan.sdk.content import ContentRule
from costspan.sdk.content_keys import is_content
from costspan.sdk.price_span import PricedSpan, SecondRecord, SpanPricer
from costspan.sdk.safety import never_raise
from costspan.semconv.outcome import outcome


class EnrichedSpan(ReadableSpan):
    """A span with other attributes, events and status, and everything else, the dropped counts included, as before."""

    def __init__(
        self,
        original: ReadableSpan,
        attributes: Mapping[str, AttributeValue],
        events: Sequence[Event] = (),
        status: Status | None = None,
    ) -> None:
        super().__init__(
            name=original.name,
            context=original.get_span_context(),
            parent=original.parent,
            resource=original.resource,
            attributes=attributes,
            events=events,
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
    """Delegates to `exporter` with spans enriched and without content; any other span goes on as the very same.

    A call whose outcome is one of `error_outcomes` leaves with the status ERROR, where nobody set one. `at_batch` is
    called first, in the exporter's thread.
    """

    def __init__(
        self,
        exporter: SpanExporter,
        pricer: SpanPricer | None = None,
        content: ContentRule | None = None,
        error_outcomes: frozenset[str] = frozenset(),
        at_batch: Callable[[], None] = lambda: None,
    ) -> None:
        self._exporter = exporter
        self._pricer = pricer or SpanPricer()
        self._content = content or ContentRule()
        self._error_outcomes = error_outcomes
        self._at_batch = at_batch

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self._at_batch()
        return self._exporter.export([self._leaving(span) or _bare(span) for span in spans])

    def shutdown(self) -> None:
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._exporter.force_flush(timeout_millis)

    @never_raise(None)
    def _leaving(self, span: ReadableSpan) -> ReadableSpan | None:
        """Return what may leave of `span`, enriched; `span` itself where nothing is to be added or left out."""
        verdict = self._pricer.verdict(span)
        said, events = span.attributes or {}, span.events
        added = added_attributes(verdict) if verdict and names.PRICE_STATUS not in said else {}
        kept = self._content.attributes(said, verdict.call if verdict else None)
        kept_events = self._content.events(events)
        if not added and kept is said and kept_events is events:
            return span
        attributes = {**added, **kept}
        return EnrichedSpan(span, attributes, kept_events, self._status(span, attributes) if added else None)

    def _status(self, span: ReadableSpan, attributes: Mapping[str, AttributeValue]) -> Status | None:
        outcome = str(attributes.get(names.OUTCOME))
        failed = outcome in self._error_outcomes and span.status.status_code is StatusCode.UNSET
        return Status(StatusCode.ERROR, outcome) if failed else None


def _bare(span: ReadableSpan) -> ReadableSpan:
    """Return `span` without anything that might be content, for when it cannot be told apart."""
    return EnrichedSpan(span, {key: value for key, value in (span.attributes or {}).items() if not is_content(key)})


def added_attributes(verdict: PricedSpan | SecondRecord) -> dict[str, AttributeValue]:
    """Return what the verdict lets a span say. A cost that is unknown is absent, never 0."""
    if isinstance(verdict, SecondRecord):
        return {names.DUPLICATE_OF: verdict.of_span_id}
    call, priced = verdict.call, verdict.priced
    added: dict[str, AttributeValue | None] = {
        names.PRICE_STATUS: priced.status.value,
        names.RATE_ID: priced.rate.rate_id if priced.rate else None,
        names.FEATURE: call.attribution.feature,
        names.TEAM: call.attribution.team,
        names.ENVIRONMENT: call.attribution.environment,
        names.TIME_TO_FIRST_CHUNK: call.time_to_first_chunk_s,
        names.NORMALISED_ERROR_TYPE: call.error_type,
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
