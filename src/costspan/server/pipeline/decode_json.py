"""An OTLP/JSON trace request becomes span records: hex ids, 64-bit numbers as text or number, enums by number or name.

Source: opentelemetry-proto docs/specification "JSON Protobuf Encoding". Spans are kept raw until they are needed, so
one broken span fails alone and one without a GenAI marker is never parsed.
"""

from __future__ import annotations

import binascii
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from costspan.core.attribution import Attribution
from costspan.core.errors import MalformedRecord
from costspan.core.link import Link
from costspan.core.record import Attributes, AttributeValue, Scope, SpanEvent, SpanRecord
from costspan.semconv.normalize import MARKERS, read_link
from costspan.server.pipeline.decoded import Decoded, UnreadableBody, checked

_MAX_DEPTH: Final = 16
_ESCAPED_MARKERS: Final = tuple(marker.replace(b"/", b"\\/") for marker in MARKERS)
_STATUS: Final = {"STATUS_CODE_UNSET": 0, "STATUS_CODE_OK": 1, "STATUS_CODE_ERROR": 2}
_KINDS: Final = ("UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER")
_KIND: Final = {f"SPAN_KIND_{name}": number for number, name in enumerate(_KINDS)}


class _Scope(msgspec.Struct):
    name: str = ""
    version: str = ""


class _KeyValue(msgspec.Struct):
    key: str = ""
    value: Any = None


class _Resource(msgspec.Struct):
    attributes: Sequence[_KeyValue] | None = None


class _Event(msgspec.Struct, rename="camel"):
    name: str = ""
    time_unix_nano: int | str = 0
    attributes: Sequence[_KeyValue] | None = None


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
    attributes: Sequence[_KeyValue] | None = None
    events: Sequence[_Event] | None = None
    status: _Status | None = None


class _ScopeSpans(msgspec.Struct):
    scope: _Scope | None = None
    spans: Sequence[msgspec.Raw] | None = None


class _ResourceSpans(msgspec.Struct, rename="camel"):
    resource: _Resource | None = None
    scope_spans: Sequence[_ScopeSpans] | None = None


class _TraceRequest(msgspec.Struct, rename="camel"):
    resource_spans: Sequence[_ResourceSpans] | None = None


_REQUEST: Final = msgspec.json.Decoder(_TraceRequest)
_SPAN: Final = msgspec.json.Decoder(_Span)


def decode_traces(body: bytes) -> Decoded:
    """Return the spans of an ExportTraceServiceRequest. Raise UnreadableBody when the request itself is damaged."""
    try:
        request = _REQUEST.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UnreadableBody(f"not an OTLP/JSON trace request: {error}") from None
    decoded = Decoded()
    for resource_spans in request.resource_spans or ():
        resource = _attributes(resource_spans.resource.attributes) if resource_spans.resource else {}
        for scope_spans in resource_spans.scope_spans or ():
            scope = Scope(scope_spans.scope.name, scope_spans.scope.version) if scope_spans.scope else Scope()
            for raw in scope_spans.spans or ():
                _take(decoded, bytes(raw), resource, scope)
    return decoded


def _take(decoded: Decoded, raw: bytes, resource: Attributes, scope: Scope) -> None:
    if not any(marker in raw for marker in _ESCAPED_MARKERS) and b"\\u" not in raw:
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
        trace_id=_hex(span.trace_id, "trace_id"),
        span_id=_hex(span.span_id, "span_id"),
        parent_span_id=_hex(span.parent_span_id, "parent_span_id") if span.parent_span_id else None,
        name=span.name,
        kind=_enum(span.kind, _KIND),
        start_ns=_whole(span.start_time_unix_nano),
        end_ns=_whole(span.end_time_unix_nano),
        attributes=_attributes(span.attributes),
        resource=resource,
        scope=scope,
        events=tuple(SpanEvent(e.name, _whole(e.time_unix_nano), _attributes(e.attributes)) for e in span.events or ()),
        status_code=_enum(status.code, _STATUS),
        status_message=status.message,
        trace_state=span.trace_state or "",
    )


def _hex(sent: str, field: str) -> str:
    try:
        return binascii.unhexlify(sent).hex()
    except (binascii.Error, ValueError):
        raise MalformedRecord(f"{field} is not hexadecimal") from None


def _enum(sent: int | str, names: dict[str, int]) -> int:
    return sent if isinstance(sent, int) else names.get(sent, 0)


def _whole(sent: int | str) -> int:
    try:
        return int(sent)
    except ValueError:
        raise MalformedRecord("a time is not a whole number of nanoseconds") from None


def _attributes(sent: Sequence[_KeyValue] | None, depth: int = 0) -> dict[str, AttributeValue]:
    return {item.key: _value(item.value, depth) for item in sent or ()}


def _value(sent: Any, depth: int) -> AttributeValue:
    if not isinstance(sent, dict) or depth > _MAX_DEPTH:
        return None
    for kind, held in sent.items():
        match kind, held:
            case ("stringValue", str()) | ("boolValue", bool()) | ("doubleValue", int() | float() | str()):
                return held
            case ("intValue", int() | str()):
                return _integer(held)
            case ("arrayValue", {"values": list() as items}):
                return [_value(item, depth + 1) for item in items]
            case ("kvlistValue", {"values": list() as items}):
                return {
                    str(item.get("key")): _value(item.get("value"), depth + 1)
                    for item in items
                    if isinstance(item, dict)
                }
            case ("bytesValue", str()):
                return None
    return None


def _integer(sent: int | str) -> AttributeValue:
    try:
        return int(sent)
    except ValueError:
        return sent
