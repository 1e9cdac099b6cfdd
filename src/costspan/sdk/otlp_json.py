"""Spans as OTLP/JSON, one export request a line: what a collector's file exporter writes and `costspan import` reads.

Format: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding (ids in hex, 64-bit integers as text).
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, format_span_id, format_trace_id


def export_request_line(spans: Sequence[ReadableSpan]) -> str:
    """Return one ExportTraceServiceRequest as a line of JSON with its line end."""
    by_origin: dict[Resource, dict[InstrumentationScope | None, list[dict[str, Any]]]] = {}
    for span in spans:
        by_origin.setdefault(span.resource, {}).setdefault(span.instrumentation_scope, []).append(_span(span))
    resource_spans = [
        {
            "resource": {"attributes": _key_values(resource.attributes)},
            "scopeSpans": [_scope_spans(scope, encoded) for scope, encoded in scopes.items()],
        }
        for resource, scopes in by_origin.items()
    ]
    return json.dumps({"resourceSpans": resource_spans}, separators=(",", ":")) + "\n"


def _scope_spans(scope: InstrumentationScope | None, encoded: list[dict[str, Any]]) -> dict[str, Any]:
    if scope is None:
        return {"spans": encoded}
    named = {"name": scope.name, "version": scope.version or ""}
    return {"scope": named, "schemaUrl": scope.schema_url or "", "spans": encoded}


def _span(span: ReadableSpan) -> dict[str, Any]:
    context = span.get_span_context()
    if context is None:
        raise ValueError(f"span {span.name!r} has no context")
    return {
        "traceId": format_trace_id(context.trace_id),
        "spanId": format_span_id(context.span_id),
        "parentSpanId": format_span_id(span.parent.span_id) if span.parent else "",
        "traceState": context.trace_state.to_header() if context.trace_state else "",
        "name": span.name,
        "kind": span.kind.value + 1,  # OTLP counts from UNSPECIFIED = 0
        "startTimeUnixNano": str(span.start_time or 0),
        "endTimeUnixNano": str(span.end_time or 0),
        "attributes": _key_values(span.attributes or {}),
        "droppedAttributesCount": span.dropped_attributes,
        "events": [_event(event) for event in span.events],
        "droppedEventsCount": span.dropped_events,
        "links": [_link(link) for link in span.links],
        "droppedLinksCount": span.dropped_links,
        "status": {"code": span.status.status_code.value, "message": span.status.description or ""},
    }


def _event(event: Event) -> dict[str, Any]:
    return {
        "name": event.name,
        "timeUnixNano": str(event.timestamp),
        "attributes": _key_values(event.attributes or {}),
    }


def _link(link: Link) -> dict[str, Any]:
    return {
        "traceId": format_trace_id(link.context.trace_id),
        "spanId": format_span_id(link.context.span_id),
        "attributes": _key_values(link.attributes or {}),
    }


def _key_values(attributes: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": _any_value(value)} for key, value in attributes.items()]


def _any_value(value: object) -> dict[str, Any]:
    match value:
        case None:
            return {}
        case bool():
            return {"boolValue": value}
        case int():
            return {"intValue": str(value)}
        case float():
            # protobuf's JSON names what JSON numbers cannot say
            names = {math.inf: "Infinity", -math.inf: "-Infinity"}
            return {"doubleValue": "NaN" if math.isnan(value) else names.get(value, value)}
        case bytes():
            return {"bytesValue": base64.b64encode(value).decode()}
        case Mapping():
            return {"kvlistValue": {"values": _key_values(value)}}
        case str():
            return {"stringValue": value}
        case Iterable():
            return {"arrayValue": {"values": [_any_value(item) for item in value]}}
    return {"stringValue": str(value)}
