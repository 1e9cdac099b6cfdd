"""A finished SDK span as a `SpanRecord`: the same value the server makes from OTLP bytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import format_span_id, format_trace_id

from costspan.core.record import Attributes, Scope, SpanEvent, SpanRecord


def span_record(span: ReadableSpan) -> SpanRecord:
    """Return `span` as plain values. Raise ValueError for one without a context, which no tracer makes."""
    context = span.get_span_context()
    if context is None:
        raise ValueError(f"span {span.name!r} has no context")
    scope = span.instrumentation_scope
    return SpanRecord(
        trace_id=format_trace_id(context.trace_id),
        span_id=format_span_id(context.span_id),
        parent_span_id=format_span_id(span.parent.span_id) if span.parent else None,
        name=span.name,
        # The API counts kinds from INTERNAL = 0, OTLP from UNSPECIFIED = 0 (opentelemetry.trace.SpanKind, trace.proto).
        kind=span.kind.value + 1,
        start_ns=span.start_time or 0,
        end_ns=span.end_time or span.start_time or 0,
        attributes=_plain(span.attributes),
        resource=_plain(span.resource.attributes),
        scope=Scope(scope.name, scope.version or "") if scope else Scope(),
        events=tuple(SpanEvent(event.name, event.timestamp, _plain(event.attributes)) for event in span.events),
        status_code=span.status.status_code.value,
        status_message=span.status.description or "",
        trace_state=context.trace_state.to_header() if context.trace_state else "",
    )


def _plain(attributes: Mapping[str, Any] | None) -> Attributes:
    # The SDK's own mapping locks and checks at each access; its `copy` is a plain dict.
    copy = getattr(attributes, "copy", None)
    return cast("Attributes", copy() if copy else dict(attributes or {}))
