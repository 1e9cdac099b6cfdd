"""An OTLP/protobuf trace request becomes span records; spans without a GenAI marker are skipped unparsed."""

from __future__ import annotations

from collections.abc import Sequence

from google.protobuf.message import DecodeError

from costspan.core.attribution import Attribution
from costspan.core.errors import MalformedRecord
from costspan.core.link import Link
from costspan.core.record import Attributes, Scope, SpanEvent, SpanRecord
from costspan.semconv.attribution import ATTRIBUTION_MARKERS, read_own_attribution
from costspan.server.pipeline import views
from costspan.server.pipeline.any_value import protobuf_attributes
from costspan.server.pipeline.decoded import MAX_NS, Decoded, UnreadableBody, checked


def decode_traces(body: bytes, markers: Sequence[bytes]) -> Decoded:
    """Return the spans of an ExportTraceServiceRequest; those without one of `markers` as links only.

    Raise UnreadableBody when the request itself is damaged.
    """
    try:
        request = views.TraceRequest.FromString(body)
    except DecodeError as error:
        raise UnreadableBody(f"not an OTLP/protobuf trace request: {error}") from None
    decoded = Decoded()
    for resource_spans in request.resource_spans:
        resource: Attributes | None = None
        for scope_spans in resource_spans.scope_spans:
            scope = Scope(scope_spans.scope.name, scope_spans.scope.version)
            for raw in scope_spans.spans:
                if not any(marker in raw for marker in markers):
                    decoded.other_spans += 1
                    if (link := _link(raw)) is not None:
                        decoded.links.append(link)
                    continue
                resource = protobuf_attributes(resource_spans.resource.attributes) if resource is None else resource
                try:
                    decoded.records.append(checked(_record(raw, resource, scope)))
                except MalformedRecord as malformed:
                    decoded.refused[str(malformed)] += 1
    return decoded


def _record(raw: bytes, resource: Attributes, scope: Scope) -> SpanRecord:
    try:
        span = views.Span.FromString(raw)
    except DecodeError:
        # upb reports invalid UTF-8 in a string field as a decode error as well.
        raise MalformedRecord("span is cut off or holds text that is not UTF-8") from None
    return SpanRecord(
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_span_id=span.parent_span_id.hex() or None,
        name=span.name,
        kind=span.kind,
        start_ns=span.start_time_unix_nano,
        end_ns=span.end_time_unix_nano,
        attributes=protobuf_attributes(span.attributes),
        resource=resource,
        scope=scope,
        events=tuple(SpanEvent(e.name, e.time_unix_nano, protobuf_attributes(e.attributes)) for e in span.events),
        status_code=span.status.code,
        status_message=span.status.message,
        trace_state=span.trace_state,
    )


def _link(raw: bytes) -> Link | None:
    """Return where a span that is no call hangs and whom it is for, or None when it says neither."""
    says_for_whom = any(marker in raw for marker in ATTRIBUTION_MARKERS)
    try:
        span = views.Span.FromString(raw) if says_for_whom else views.SpanPlace.FromString(raw)
    except DecodeError:
        return None
    if not (says_for_whom or span.parent_span_id or span.trace_state):
        return None
    if len(span.trace_id) != 16 or len(span.span_id) != 8 or len(span.parent_span_id) not in (0, 8):
        return None
    return Link(
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_span_id=span.parent_span_id.hex() or None,
        started_at_ns=min(span.start_time_unix_nano, MAX_NS),
        trace_state=span.trace_state,
        attribution=read_own_attribution(protobuf_attributes(span.attributes)) if says_for_whom else Attribution(),
    )
