"""Damage as pipelines and versions do it: attributes dropped, retyped, renamed, blown up."""

from __future__ import annotations

import base64
import json
from random import Random
from typing import Any

from google.protobuf import json_format
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList

REQUESTS = {
    "traces": ExportTraceServiceRequest,
    "logs": ExportLogsServiceRequest,
    "metrics": ExportMetricsServiceRequest,
}
IDS = ("traceId", "spanId", "parentSpanId")
HUGE = "x" * 20_000


def parsed(signal: str, body: bytes, as_json: bool) -> Any:
    """Return a corpus body as the message it encodes."""
    message = REQUESTS[signal]()
    if as_json:
        json_format.ParseDict(_base64_ids(json.loads(body)), message)
    else:
        message.ParseFromString(body)
    return message


def mutated(message: Any, random: Random) -> bytes:
    """Return the message with one to four of its attributes damaged, encoded."""
    damaged = type(message)()
    damaged.CopyFrom(message)
    bags = [bag for bag in _bags(damaged) if len(bag)]
    for _ in range(random.randint(1, 4)):
        if bags:
            random.choice((_drop, _retype, _rename, _blow_up, _repeat))(random.choice(bags), random)
    return damaged.SerializeToString()


def _bags(message: Any) -> list[Any]:
    """Return every list of attributes in the message."""
    found = []
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        if field.name == "attributes":
            found.append(value)
        elif field.message_type.name not in ("AnyValue", "KeyValue"):
            for item in value if hasattr(value, "add") else [value]:
                found += _bags(item)
    return found


def _drop(bag: Any, random: Random) -> None:
    if len(bag):
        del bag[random.randrange(len(bag))]


def _retype(bag: Any, random: Random) -> None:
    if not len(bag):
        return
    value = random.choice(bag).value
    which = value.WhichOneof("value")
    said = str(getattr(value, which)) if which else ""
    value.CopyFrom(
        random.choice(
            (
                AnyValue(string_value=said),
                AnyValue(bool_value=True),
                AnyValue(int_value=random.choice((-1, 0, 7, 2**63 - 1))),
                AnyValue(double_value=random.choice((0.5, -3.0, 1e300, float("nan"), float("inf")))),
                AnyValue(bytes_value=b"\xff\x00"),
                AnyValue(array_value=ArrayValue(values=[AnyValue(string_value=said)])),
                AnyValue(kvlist_value=KeyValueList(values=[KeyValue(key=said[:20])])),
                AnyValue(),
            )
        )
    )


def _rename(bag: Any, random: Random) -> None:
    if len(bag):
        item = random.choice(bag)
        item.key = random.choice((item.key + ".x", item.key.replace("_", "."), item.key.upper(), "", "gen_ai.usage.x"))


def _blow_up(bag: Any, random: Random) -> None:
    if len(bag):
        random.choice(bag).value.string_value = HUGE


def _repeat(bag: Any, random: Random) -> None:
    if len(bag):
        bag.add().CopyFrom(random.choice(bag))


def _base64_ids(document: Any) -> Any:
    if isinstance(document, dict):
        return {
            key: base64.b64encode(bytes.fromhex(value)).decode() if key in IDS and value else _base64_ids(value)
            for key, value in document.items()
        }
    return [_base64_ids(item) for item in document] if isinstance(document, list) else document
