"""OTLP bodies from plain values, by the public protobuf of OpenTelemetry rather than by our own view of it."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any

from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

START_NS = 1_793_534_400_000_000_000
"""2026-11-01T12:00:00Z."""
MILLISECOND = 1_000_000

fresh = count(1).__next__
"""Returns a number no span of this test run has."""

PLAIN_CALL: Mapping[str, Any] = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o-mini",
    "gen_ai.usage.input_tokens": 1_000,
    "gen_ai.usage.output_tokens": 100,
}
PLAIN_CALL_USD = "0.00021"
"""1,000 x $0.15 and 100 x $0.60 per million."""


def any_value(value: Any) -> AnyValue:
    """Return a Python value as OTLP holds it."""
    match value:
        case bool():
            return AnyValue(bool_value=value)
        case int():
            return AnyValue(int_value=value)
        case float():
            return AnyValue(double_value=value)
        case bytes():
            return AnyValue(bytes_value=value)
        case list():
            return AnyValue(array_value=ArrayValue(values=[any_value(item) for item in value]))
    return AnyValue(string_value=value)


def key_values(values: Mapping[str, Any]) -> list[KeyValue]:
    """Return attributes as OTLP holds them."""
    return [KeyValue(key=key, value=any_value(value)) for key, value in values.items()]


def span(attributes: Mapping[str, Any] = PLAIN_CALL, *, number: int | None = None, **fields: Any) -> Span:
    """Return a span of 800 ms whose ids are made from `number` (1 and up, else fresh); `fields` are set as they are."""
    number = number or fresh()
    given: dict[str, Any] = {
        "trace_id": number.to_bytes(16, "big"),
        "span_id": number.to_bytes(8, "big"),
        "name": "chat",
        "kind": Span.SPAN_KIND_CLIENT,
        "start_time_unix_nano": START_NS,
        "end_time_unix_nano": START_NS + 800 * MILLISECOND,
    }
    return Span(**{**given, **fields}, attributes=key_values(attributes))


def request(
    spans: Sequence[Span], *, service: str = "test", scope: str = "", version: str = "", **resource: Any
) -> ExportTraceServiceRequest:
    """Return spans of one resource and scope as a request; `resource` names take `__` for a dot."""
    exported = ExportTraceServiceRequest()
    group = exported.resource_spans.add()
    named = {name.replace("__", "."): value for name, value in resource.items()}
    group.resource.attributes.extend(key_values({"service.name": service, **named}))
    scoped = group.scope_spans.add()
    scoped.scope.name, scoped.scope.version = scope, version
    scoped.spans.extend(spans)
    return exported


def protobuf(spans: Sequence[Span], **where: Any) -> bytes:
    """Return a request as OTLP/protobuf."""
    return request(spans, **where).SerializeToString()


def as_json(spans: Sequence[Span], **where: Any) -> bytes:
    """Return a request as OTLP/JSON: protobuf's JSON with hexadecimal ids."""
    document = json_format.MessageToDict(request(spans, **where))
    for group in document["resourceSpans"]:
        for scoped in group["scopeSpans"]:
            for sent in scoped["spans"]:
                for key in ("traceId", "spanId", "parentSpanId"):
                    if key in sent:
                        sent[key] = base64.b64decode(sent[key]).hex()
    return json.dumps(document).encode()
