"""An OTLP logs request, in both encodings, becomes log records."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord as ProtoLogRecord
from opentelemetry.proto.logs.v1.logs_pb2 import ResourceLogs, ScopeLogs

from costspan.core.record import LogRecord, Scope
from costspan.semconv.events import read_event
from costspan.server.pipeline.decode_logs import DecodedLogs, decode_logs_json, decode_logs_protobuf
from costspan.server.pipeline.decoded import UnreadableBody

TIME_NS = 1_795_219_260_000_000_000
TRACE_ID, SPAN_ID = "83e52f00000000000000000000000001", "8d968f0000000001"
DECODERS = (decode_logs_protobuf, decode_logs_json)


def pair(key: str, **value: object) -> KeyValue:
    return KeyValue(key=key, value=AnyValue(**value))


RECORD = ProtoLogRecord(
    time_unix_nano=TIME_NS,
    observed_time_unix_nano=TIME_NS + 5,
    severity_number=9,
    event_name="gen_ai.client.inference.operation.details",
    body=AnyValue(string_value="é"),
    trace_id=bytes.fromhex(TRACE_ID),
    span_id=bytes.fromhex(SPAN_ID),
    attributes=[
        pair("gen_ai.usage.input_tokens", int_value=2**53 + 1),
        pair("share", double_value=1.0),
        pair("flag", bool_value=True),
        pair("raw", bytes_value=b"\x00\xff"),
        pair("list", array_value=ArrayValue(values=[AnyValue(string_value="a"), AnyValue(int_value=1)])),
        pair("empty", array_value=ArrayValue()),
        pair("map", kvlist_value=KeyValueList(values=[pair("k", string_value="v")])),
        KeyValue(key="none", value=AnyValue()),
    ],
)
RECORD_JSON = {
    "timeUnixNano": str(TIME_NS),
    "observedTimeUnixNano": str(TIME_NS + 5),
    "severityNumber": "SEVERITY_NUMBER_INFO",
    "eventName": "gen_ai.client.inference.operation.details",
    "body": {"stringValue": "é"},
    "traceId": TRACE_ID.upper(),
    "spanId": SPAN_ID,
    "attributes": [
        {"key": "none", "value": {}},
        {"key": "map", "value": {"kvlistValue": {"values": [{"key": "k", "value": {"stringValue": "v"}}]}}},
        {"key": "empty", "value": {"arrayValue": {}}},
        {"key": "list", "value": {"arrayValue": {"values": [{"stringValue": "a"}, {"intValue": 1}]}}},
        {"key": "raw", "value": {"bytesValue": "AP8="}},
        {"key": "flag", "value": {"boolValue": True}},
        {"key": "share", "value": {"doubleValue": 1}},
        {"key": "gen_ai.usage.input_tokens", "value": {"intValue": str(2**53 + 1)}},
    ],
}


def protobuf(*records: ProtoLogRecord) -> bytes:
    resource = ResourceLogs(scope_logs=[ScopeLogs(log_records=records)])
    resource.resource.attributes.append(pair("service.name", string_value="shop"))
    resource.scope_logs[0].scope.name = "openlit"
    resource.scope_logs[0].scope.version = "1.45"
    return ExportLogsServiceRequest(resource_logs=[resource]).SerializeToString()


def as_json(*records: object) -> bytes:
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]}
    scope_logs = {"scope": {"name": "openlit", "version": "1.45"}, "logRecords": records}
    return json.dumps({"resourceLogs": [{"resource": resource, "scopeLogs": [scope_logs]}]}).encode()


def one(body: bytes, decode: Callable[[bytes], DecodedLogs] = decode_logs_protobuf) -> LogRecord:
    (record,) = decode(body).records
    return record


def test_every_field_of_a_record_arrives() -> None:
    assert one(protobuf(RECORD)) == LogRecord(
        time_ns=TIME_NS,
        event_name="gen_ai.client.inference.operation.details",
        trace_id=TRACE_ID,
        span_id=SPAN_ID,
        severity=9,
        body="é",
        attributes={
            "gen_ai.usage.input_tokens": 2**53 + 1,
            "share": 1.0,
            "flag": True,
            "raw": b"\x00\xff",
            "list": ("a", 1),
            "empty": (),
            "map": {"k": "v"},
            "none": None,
        },
        resource={"service.name": "shop"},
        scope=Scope("openlit", "1.45"),
    )


def test_both_encodings_of_a_record_are_one_record() -> None:
    sent, again = one(protobuf(RECORD)), one(as_json(RECORD_JSON), decode_logs_json)
    assert again == sent
    first, second = read_event(sent), read_event(again)
    assert first is not None
    assert second is not None
    assert first.identity == second.identity


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"event_name": "codex.a"}, "codex.a"),
        ({"attributes": [pair("event.name", string_value="codex.b")]}, "codex.b"),
        ({"body": AnyValue(string_value="codex.c")}, "codex.c"),
        ({"body": AnyValue(kvlist_value=KeyValueList(values=[pair("codex.d", int_value=1)]))}, ""),
    ],
)
def test_a_record_is_named_by_its_field_its_attribute_or_its_body(changes: dict[str, object], name: str) -> None:
    assert one(protobuf(ProtoLogRecord(time_unix_nano=TIME_NS, **changes))).event_name == name


def test_a_record_without_a_time_happened_when_it_was_seen() -> None:
    assert one(protobuf(ProtoLogRecord(observed_time_unix_nano=7, event_name="codex.a"))).time_ns == 7


def test_ids_of_zeros_and_no_ids_are_outside_a_span() -> None:
    zeros = ProtoLogRecord(time_unix_nano=1, event_name="codex.a", trace_id=bytes(16), span_id=bytes(8))
    record = one(protobuf(zeros))
    assert (record.trace_id, record.span_id) == ("", "")
    in_json = {"timeUnixNano": 1, "eventName": "codex.a", "traceId": "", "spanId": None}
    assert one(as_json(in_json), decode_logs_json).trace_id == ""


def test_records_of_others_are_counted_and_not_parsed() -> None:
    broken_but_foreign = {"timeUnixNano": "no number", "body": {"stringValue": "hello"}}
    assert decode_logs_protobuf(protobuf(RECORD, ProtoLogRecord(time_unix_nano=1))).other_records == 1
    decoded = decode_logs_json(as_json(RECORD_JSON, broken_but_foreign))
    assert (len(decoded.records), decoded.other_records, decoded.received_records) == (1, 1, 2)


def test_a_broken_record_fails_alone_and_says_why() -> None:
    name = {"eventName": "codex.a"}
    decoded = decode_logs_json(
        as_json(
            RECORD_JSON,
            {**name, "timeUnixNano": "soon"},
            {**name, "timeUnixNano": 0},
            {**name, "timeUnixNano": 1, "traceId": "xyz"},
            {**name, "timeUnixNano": 1, "spanId": "abcd"},
            {**name, "attributes": 7},
        )
    )
    assert len(decoded.records) == 1
    assert decoded.refused == Counter(
        {
            "a time is not a whole number of nanoseconds": 1,
            "time is missing or out of range": 1,
            "trace_id is not hexadecimal": 1,
            "span_id is not 8 bytes": 1,
            "log record is not of the OTLP/JSON shape": 1,
        }
    )


def test_a_record_cut_off_fails_alone() -> None:
    view = ExportLogsServiceRequest.FromString(protobuf(RECORD))
    # A length that reaches past the end of the record: field 6, 100 bytes, of which there are none.
    broken = RECORD.SerializeToString() + b"\x32\x64"
    scope_logs = b"\x12" + bytes([len(broken) % 128 | 128, len(broken) // 128]) + broken
    resource_logs = b"\x12" + bytes([len(scope_logs) % 128 | 128, len(scope_logs) // 128]) + scope_logs
    request = b"\x0a" + bytes([len(resource_logs) % 128 | 128, len(resource_logs) // 128]) + resource_logs
    decoded = decode_logs_protobuf(view.SerializeToString() + request)
    assert len(decoded.records) == 1
    assert decoded.refused == Counter({"log record is cut off or holds text that is not UTF-8": 1})


@pytest.mark.parametrize("decode", DECODERS)
def test_a_body_that_is_no_request_is_refused_whole(decode: Callable[[bytes], DecodedLogs]) -> None:
    with pytest.raises(UnreadableBody):
        decode(b"\xff\xff{")


def test_an_empty_request_is_fine() -> None:
    assert decode_logs_protobuf(b"").received_records == 0
    assert decode_logs_json(b"{}").received_records == 0
