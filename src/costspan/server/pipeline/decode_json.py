"""An OTLP/JSON trace request becomes span records: hex ids, 64-bit numbers as text or number, enums by number or name.

Source: opentelemetry-proto docs/specification "JSON Protobuf Encoding". Spans are kept raw until they are needed, so
one broken span fails alone and one without a GenAI marker is never parsed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from costspan.core.attribution import Attribution
from costspan.core.errors import MalformedRecord
from costspan.core.link import Link
from costspan.core.record import Attributes, Scope, SpanEvent, SpanRecord
from costspan.semconv.attributes import mended
from costspan.semconv.normalize import read_link
from costspan.server.pipeline.any_value import (
    JsonKeyValue,
    JsonResource,
    JsonScope,
    hex_id,
    json_attributes,
    scope_of,
    whole_ns,
)
from costspan.server.pipeline.decoded import Decoded, UnreadableBody, checked

_STATUS: Final = {"STATUS_CODE_UNSET": 0, "STATUS_CODE_OK": 1, "STATUS_CODE_ERROR": 2}
_KINDS: Final = ("UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER")
_KIND: Final = {f"SPAN_KIND_{name}": number for number, name in enumerate(_KINDS)}


class _Event(msgspec.Struct, rename="camel"):
    name: str = ""
    time_unix_nano: int | str = 0
    attributes: Sequence[JsonKeyValue] | None = None


class _Status(msgspec.Struct):
    message: str = ""
    code: int | str = 0


class _Span(msgspec.Struct, rename="camel"):
    trace_id: str = ""
    span_id: str = ""
    parent_span_id: str | None = None
    trace_state: str | None = None
    name: str = ""
    kind: int | str = 0
    start_time_unix_nano: int | str = 0
    end_time_unix_nano: int | str = 0
    attributes: Sequence[JsonKeyValue] | None = None
    events: Sequence[_Event] | None = None
    status: _Status | None = None


class _ScopeSpans(msgspec.Struct):
    scope: JsonScope | None = None
    spans: Sequence[msgspec.Raw] | None = None


class _ResourceSpans(msgspec.Struct, rename="camel"):
    resource: JsonResource | None = None
    scope_spans: Sequence[_ScopeSpans] | None = None


class _TraceRequest(msgspec.Struct, rename="camel"):
    resource_spans: Sequence[_ResourceSpans] | None = None


_REQUEST: Final = msgspec.json.Decoder(_TraceRequest)
_SPAN: Final = msgspec.json.Decoder(_Span)


def decode_traces(body: bytes, markers: Sequence[bytes]) -> Decoded:
    """Return the spans of an ExportTraceServiceRequest; those without one of `markers` as links only.

    Raise UnreadableBody when the request itself is damaged.
    """
    try:
        request = _request(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UnreadableBody(f"not an OTLP/JSON trace request: {error}") from None
    decoded = Decoded()
    for resource_spans in request.resource_spans or ():
        resource = json_attributes(resource_spans.resource.attributes) if resource_spans.resource else {}
        for scope_spans in resource_spans.scope_spans or ():
            scope = scope_of(scope_spans.scope)
            for raw in scope_spans.spans or ():
                _take(decoded, bytes(raw), markers, resource, scope)
    return decoded


def _request(body: bytes) -> _TraceRequest:
    try:
        return _REQUEST.decode(body)
    except msgspec.DecodeError:
        return _REQUEST.decode(mended(body))


def _take(decoded: Decoded, raw: bytes, markers: Sequence[bytes], resource: Attributes, scope: Scope) -> None:
    if not any(marker in raw for marker in markers) and b"\\u" not in raw:
        decoded.other_spans += 1
        if (link := _link(raw)) is not None:
            decoded.links.append(link)
        return
    try:
        decoded.records.append(checked(_record(raw, resource, scope)))
    except MalformedRecord as malformed:
        decoded.refused[str(malformed)] += 1


def _link(raw: bytes) -> Link | None:
    """Return where a span that is no call hangs and whom it is for, or None when it says neither."""
    try:
        record = checked(_record(raw, {}, Scope()))
    except MalformedRecord:
        return None
    link = read_link(record)
    return link if link.parent_span_id or link.trace_state or link.attribution != Attribution() else None


def _record(raw: bytes, resource: Attributes, scope: Scope) -> SpanRecord:
    try:
        span = _SPAN.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise MalformedRecord("span is not of the OTLP/JSON shape") from None
    status = span.status or _Status()
    return SpanRecord(
        trace_id=hex_id(span.trace_id, "trace_id"),
        span_id=hex_id(span.span_id, "span_id"),
        parent_span_id=hex_id(span.parent_span_id, "parent_span_id") if span.parent_span_id else None,
        name=span.name,
        kind=_enum(span.kind, _KIND),
        start_ns=whole_ns(span.start_time_unix_nano),
        end_ns=whole_ns(span.end_time_unix_nano),
        attributes=json_attributes(span.attributes),
        resource=resource,
        scope=scope,
        events=tuple(
            SpanEvent(e.name, whole_ns(e.time_unix_nano), json_attributes(e.attributes)) for e in span.events or ()
        ),
        status_code=_enum(status.code, _STATUS),
        status_message=status.message,
        trace_state=span.trace_state or "",
    )


def _enum(sent: int | str, names: dict[str, int]) -> int:
    return sent if isinstance(sent, int) else names.get(sent, 0)
