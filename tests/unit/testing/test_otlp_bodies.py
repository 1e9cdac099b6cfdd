"""Request bodies: protobuf read by the published messages, JSON as the OTLP specification spells it."""

from __future__ import annotations

import json

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from costspan.core.attribution import Attribution
from costspan.core.record import Scope, SpanEvent, SpanRecord
from costspan.testing.otlp import json_body, protobuf_body
from costspan.testing.spans import otel_genai, sample_call

SPAN = SpanRecord(
    trace_id="0102030405060708090a0b0c0d0e0f10",
    span_id="1112131415161718",
    parent_span_id="2122232425262728",
    name="chat",
    kind=3,
    start_ns=1_793_534_400_000_000_001,
    end_ns=1_793_534_401_000_000_002,
    attributes={
        "text": "é",
        "flag": False,
        "count": 2**53 + 1,
        "share": 0.5,
        "list": ["a", 1],
        "map": {"k": b"\x00"},
        "none": None,
    },
    resource={"service.name": "bot"},
    scope=Scope("made.by", "1"),
    events=(SpanEvent("first", 5, {"k": "v"}),),
    status_code=2,
    status_message="boom",
    trace_state="ot=th:8",
)


def test_protobuf_keeps_every_field() -> None:
    request = ExportTraceServiceRequest.FromString(protobuf_body([SPAN]))

    (resource,) = request.resource_spans
    (scope,) = resource.scope_spans
    (span,) = scope.spans
    values = {item.key: item.value for item in span.attributes}
    assert resource.resource.attributes[0].value.string_value == "bot"
    assert (scope.scope.name, scope.scope.version) == ("made.by", "1")
    assert (span.trace_id.hex(), span.span_id.hex()) == (SPAN.trace_id, SPAN.span_id)
    assert span.parent_span_id.hex() == SPAN.parent_span_id
    assert span.start_time_unix_nano == 1_793_534_400_000_000_001
    assert values["text"].string_value == "é"
    assert values["flag"].WhichOneof("value") == "bool_value"
    assert values["count"].int_value == 9_007_199_254_740_993
    assert [item.WhichOneof("value") for item in values["list"].array_value.values] == ["string_value", "int_value"]
    assert values["map"].kvlist_value.values[0].value.bytes_value == b"\x00"
    assert values["none"].WhichOneof("value") is None
    assert (span.status.code, span.status.message, span.trace_state) == (2, "boom", "ot=th:8")
    assert span.events[0].name == "first"


def test_json_spells_ids_as_hex_and_big_numbers_as_text() -> None:
    document = json.loads(json_body([SPAN]))

    (span,) = document["resourceSpans"][0]["scopeSpans"][0]["spans"]
    values = {item["key"]: item["value"] for item in span["attributes"]}
    assert span["traceId"] == "0102030405060708090a0b0c0d0e0f10"
    assert span["startTimeUnixNano"] == "1793534400000000001"
    assert values["count"] == {"intValue": "9007199254740993"}
    assert values["list"] == {"arrayValue": {"values": [{"stringValue": "a"}, {"intValue": "1"}]}}
    assert values["map"] == {"kvlistValue": {"values": [{"key": "k", "value": {"bytesValue": "AA=="}}]}}
    assert span["status"] == {"code": 2, "message": "boom"}
    assert b"\n" not in json_body([SPAN])


def test_spans_are_grouped_by_resource_and_scope() -> None:
    spans = [
        otel_genai(sample_call(attribution=Attribution(service=service), provider=provider))
        for service in ("a", "b")
        for provider in ("openai", "anthropic", "openai")
    ]

    request = ExportTraceServiceRequest.FromString(protobuf_body(spans))

    shape = [[len(scope.spans) for scope in resource.scope_spans] for resource in request.resource_spans]
    assert shape == [[2, 1], [2, 1]]
