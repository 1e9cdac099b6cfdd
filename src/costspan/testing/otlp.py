"""Span records to OTLP request bodies, protobuf and JSON: what an exporter would have sent.

Called by tests, the demo and benchmarks; the inverse of the receiver's decoder, written against the published
protobuf messages and not against the decoder.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from typing import Any

from costspan.core.record import Attributes, AttributeValue, SpanRecord
from costspan.server.exporters.otlp_request import grouped, traces_request


def protobuf_body(spans: Iterable[SpanRecord]) -> bytes:
    """Return one ExportTraceServiceRequest holding `spans`, grouped by resource and scope as exporters group them."""
    return traces_request(list(spans))


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
            for resource, scopes in grouped(list(spans)).items()
        ]
    }
    return json.dumps(document, separators=(",", ":")).encode()


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
