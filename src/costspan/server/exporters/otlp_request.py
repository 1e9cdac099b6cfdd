"""Records to OTLP request bodies: the inverse of the receiver's decoder, by the published protobuf messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord as LogMessage
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from costspan.core.record import Attributes, AttributeValue, LogRecord, Scope, SpanRecord

Record = TypeVar("Record", SpanRecord, LogRecord)
Grouped = dict[tuple[tuple[str, Any], ...], dict[Scope, list[Record]]]


def traces_request(spans: Sequence[SpanRecord]) -> bytes:
    """Return one ExportTraceServiceRequest holding `spans`, grouped by resource and scope as exporters group them."""
    request = ExportTraceServiceRequest()
    for resource, scopes in grouped(spans).items():
        of_resource = request.resource_spans.add()
        of_resource.resource.attributes.extend(_key_values(dict(resource)))
        for scope, members in scopes.items():
            of_scope = of_resource.scope_spans.add()
            of_scope.scope.name, of_scope.scope.version = scope.name, scope.version
            of_scope.spans.extend([_span(member) for member in members])
    return request.SerializeToString()


def logs_request(records: Sequence[LogRecord]) -> bytes:
    """Return one ExportLogsServiceRequest holding `records`, grouped likewise."""
    request = ExportLogsServiceRequest()
    for resource, scopes in grouped(records).items():
        of_resource = request.resource_logs.add()
        of_resource.resource.attributes.extend(_key_values(dict(resource)))
        for scope, members in scopes.items():
            of_scope = of_resource.scope_logs.add()
            of_scope.scope.name, of_scope.scope.version = scope.name, scope.version
            of_scope.log_records.extend([_log(member) for member in members])
    return request.SerializeToString()


def grouped(records: Sequence[Record]) -> Grouped[Record]:
    """Return records by resource and scope, in the order they first come in."""
    groups: Grouped[Record] = {}
    for record in records:
        groups.setdefault(_hashable(record.resource), {}).setdefault(record.scope, []).append(record)
    return groups


def _hashable(resource: Attributes) -> tuple[tuple[str, Any], ...]:
    return tuple((key, tuple(value) if isinstance(value, list) else value) for key, value in resource.items())


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


def _log(record: LogRecord) -> LogMessage:
    return LogMessage(
        time_unix_nano=record.time_ns,
        event_name=record.event_name,
        trace_id=bytes.fromhex(record.trace_id),
        span_id=bytes.fromhex(record.span_id),
        severity_number=record.severity,  # type: ignore[arg-type]
        body=_any_value(record.body),
        attributes=_key_values(record.attributes),
    )


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
