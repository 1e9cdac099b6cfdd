"""Span records to OTLP request bodies, protobuf and JSON: what an exporter would have sent.

Called by tests, the demo and benchmarks; the inverse of the receiver's decoder, written against the published
protobuf messages and not against the decoder.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from costspan.core.record import Attributes, AttributeValue, Scope, SpanRecord

_Grouped = dict[tuple[tuple[str, Any], ...], dict[Scope, list[SpanRecord]]]


def protobuf_body(spans: Iterable[SpanRecord]) -> bytes:
    """Return one ExportTraceServiceRequest holding `spans`, grouped by resource and scope as exporters group them."""
    request = ExportTraceServiceRequest()
    for resource, scopes in _grouped(spans).items():
        of_resource = request.resource_spans.add()
        of_resource.resource.attributes.extend(_key_values(dict(resource)))
        for scope, members in scopes.items():
            of_scope = of_resource.scope_spans.add()
            of_scope.scope.name, of_scope.scope.version = scope.name, scope.version
            of_scope.spans.extend([_span(member) for member in members])
    return request.SerializeToString()


def json_body(spans: Iterable[SpanRecord]) -> bytes:
    """Return the same request as OTLP/JSON: hex ids, 64-bit integers as text, lowerCamelCase, on one line."""
    document = {
        "resourceSpans": [
            {
                "resource": {"attributes": _json_attributes(dict(resource))},
                "scopeSpans": [
                    {
                        "scope": {"name": scope.name, "version": scope.version},
                        "spans": [_json_span(member) for member in members],
                    }
                    for scope, members in scopes.items()
                ],
            }
            for resource, scopes in _grouped(spans).items()
        ]
    }
    return json.dumps(document, separators=(",", ":")).encode()


def _grouped(spans: Iterable[SpanRecord]) -> _Grouped:
    groups: _Grouped = {}
    for span in spans:
        groups.setdefault(tuple(span.resource.items()), {}).setdefault(span.scope, []).append(span)
    return groups


def _span(record: SpanRecord) -> Span:
    span = Span(
        trace_id=bytes.fromhex(record.trace_id),
        span_id=bytes.fromhex(record.span_id),
        parent_span_id=bytes.fromhex(record.parent_span_id or ""),
        trace_state=record.trace_state,
        name=record.name,
        kind=record.kind,  # type: ignore[arg-type]  # the enum's stub refuses plain integers
        start_time_unix_nano=record.start_ns,
        end_time_unix_nano=record.end_ns,
        attributes=_key_values(record.attributes),
    )
    if record.status_code:
        span.status.CopyFrom(Status(code=record.status_code, message=record.status_message))  # type: ignore[arg-type]
    for event in record.events:
        span.events.add(name=event.name, time_unix_nano=event.time_ns, attributes=_key_values(event.attributes))
    return span


def _key_values(attributes: Attributes) -> list[KeyValue]:
    return [KeyValue(key=key, value=_any_value(value)) for key, value in attributes.items()]


def _any_value(value: AttributeValue) -> AnyValue:
    match value:
        case str():
            return AnyValue(string_value=value)
        case bool():
            return AnyValue(bool_value=value)
        case int():
            return AnyValue(int_value=value)
        case float():
            return AnyValue(double_value=value)
        case bytes():
            return AnyValue(bytes_value=value)
        case None:
            return AnyValue()
        case Mapping():
            return AnyValue(kvlist_value=KeyValueList(values=_key_values(value)))
        case _:
            return AnyValue(array_value=ArrayValue(values=[_any_value(item) for item in value]))


def _json_span(record: SpanRecord) -> dict[str, Any]:
    span: dict[str, Any] = {
        "traceId": record.trace_id,
        "spanId": record.span_id,
        "name": record.name,
        "kind": record.kind,
        "startTimeUnixNano": str(record.start_ns),
        "endTimeUnixNano": str(record.end_ns),
        "attributes": _json_attributes(record.attributes),
    }
    if record.parent_span_id:
        span["parentSpanId"] = record.parent_span_id
    if record.trace_state:
        span["traceState"] = record.trace_state
    if record.status_code:
        span["status"] = {"code": record.status_code, "message": record.status_message}
    if record.events:
        span["events"] = [
            {"name": event.name, "timeUnixNano": str(event.time_ns), "attributes": _json_attributes(event.attributes)}
            for event in record.events
        ]
    return span


def _json_attributes(attributes: Attributes) -> list[dict[str, Any]]:
    return [{"key": key, "value": _json_value(value)} for key, value in attributes.items()]


def _json_value(value: AttributeValue) -> dict[str, Any]:
    match value:
        case str():
            return {"stringValue": value}
        case bool():
            return {"boolValue": value}
        case int():
            return {"intValue": str(value)}
        case float():
            return {"doubleValue": value}
        case bytes():
            return {"bytesValue": base64.b64encode(value).decode()}
        case None:
            return {}
        case Mapping():
            return {"kvlistValue": {"values": _json_attributes(value)}}
        case _:
            return {"arrayValue": {"values": [_json_value(item) for item in value]}}
