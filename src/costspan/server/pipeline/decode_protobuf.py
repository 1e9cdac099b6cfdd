"""An OTLP/protobuf trace request becomes span records; of spans that claim nothing only their links are read."""

from __future__ import annotations

from typing import Any, Final

from google.protobuf.message import DecodeError

from costspan.core.attribution import NOBODY
from costspan.core.errors import MalformedRecord
from costspan.core.link import Link
from costspan.core.record import Attributes, Scope, SpanEvent, SpanRecord
from costspan.semconv.attribution import read_own_attribution
from costspan.server.pipeline import views
from costspan.server.pipeline.any_value import protobuf_attributes, protobuf_resource
from costspan.server.pipeline.decoded import MAX_NS, Decoded, UnreadableBody, checked
from costspan.server.pipeline.interest import CLAIM, WHOM, Interest, interests

_DAMAGED = "span is cut off or holds text that is not UTF-8"


def decode_traces(body: bytes, markers: tuple[bytes, ...]) -> Decoded:
    """Return the spans of an ExportTraceServiceRequest; those without one of `markers` as links only.

    Raise UnreadableBody when the request itself is damaged.
    """
    try:
        return _decoded(views.TraceRequest.FromString(body), markers)
    except DecodeError as error:
        raise UnreadableBody(f"not an OTLP/protobuf trace request: {error}") from None


def _decoded(request: Any, markers: tuple[bytes, ...]) -> Decoded:
    decoded = Decoded()
    known = interests(markers)
    interest_of, parse, take, link_up = known.of, views.Span.FromString, decoded.records.append, decoded.links.append
    for resource_spans in request.resource_spans:
        resource: Attributes | None = None
        for scope_spans in resource_spans.scope_spans:
            scope = Scope(scope_spans.scope.name, scope_spans.scope.version)
            for raw in scope_spans.spans:
                try:
                    span = parse(raw)
                    interest = interest_of(span.name, span.attributes)
                except DecodeError:
                    # upb reports invalid UTF-8 in a string field as a decode error as well.
                    if known.marked(raw):
                        decoded.refused[_DAMAGED] += 1
                    else:
                        decoded.other_spans += 1
                    continue
                if interest is not CLAIM:
                    decoded.other_spans += 1
                    if (link := _link(span, interest)) is not None:
                        link_up(link)
                    continue
                try:
                    if resource is None:
                        resource = protobuf_resource(resource_spans.resource)
                    take(checked(_record(span, resource, scope)))
                except MalformedRecord as malformed:
                    decoded.refused[str(malformed)] += 1
    return decoded


def _record(span: Any, resource: Attributes, scope: Scope) -> SpanRecord:
    try:
        attributes, sent_events = protobuf_attributes(span.attributes), span.events
        events = tuple([_event(event) for event in sent_events]) if sent_events else ()
        status_code, status_message = _status_of[span.status]
    except DecodeError:
        raise MalformedRecord(_DAMAGED) from None
    return SpanRecord(
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_span_id=span.parent_span_id.hex() or None,
        name=span.name,
        kind=span.kind,
        start_ns=span.start_time_unix_nano,
        end_ns=span.end_time_unix_nano,
        attributes=attributes,
        resource=resource,
        scope=scope,
        events=events,
        status_code=status_code,
        status_message=status_message,
        trace_state=span.trace_state,
    )


def _event(event: Any) -> SpanEvent:
    return SpanEvent(event.name, event.time_unix_nano, protobuf_attributes(event.attributes))


class _Statuses(dict[bytes, tuple[int, str]]):
    """Encoded status -> code and message; of those that say more than a code nothing is remembered."""

    def __missing__(self, encoded: bytes) -> tuple[int, str]:
        status = views.Status.FromString(encoded)
        said = status.code, status.message
        if not status.message and len(encoded) <= _SHORT_STATUS:
            self[encoded] = said
        return said


_SHORT_STATUS: Final = 2
"""The tag of the code and the code itself in one byte, as the three of OTLP are."""
_status_of: Final = _Statuses()


def _link(span: Any, interest: Interest) -> Link | None:
    """Return where a span that is no call hangs and whom it is for, or None when it says neither."""
    parent, trace_state, attribution = span.parent_span_id, span.trace_state, NOBODY
    if interest is WHOM:
        try:
            attribution = read_own_attribution(protobuf_attributes(span.attributes))
        except DecodeError:
            return None
    elif not parent and not trace_state:
        return None
    trace_id, span_id, started_at_ns = span.trace_id, span.span_id, span.start_time_unix_nano
    if len(trace_id) != 16 or len(span_id) != 8 or len(parent) not in (0, 8):
        return None
    return Link(
        trace_id=trace_id.hex(),
        span_id=span_id.hex(),
        parent_span_id=parent.hex() or None,
        started_at_ns=min(started_at_ns, MAX_NS),
        trace_state=trace_state,
        attribution=attribution,
    )
