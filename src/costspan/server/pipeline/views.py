"""Reduced, wire-compatible protobuf views of OTLP, built at import.

Each message keeps OTLP's field numbers and wire types and leaves out what costspan does not read. Spans, log records
and data points are `bytes`, so a request is split without parsing them and a broken one fails alone; attributes are
`bytes`, too, since most of them repeat from span to span and are then known without parsing (`any_value`), and so is
the status, which most spans leave unset.

Source: opentelemetry-proto v1.9, collector/{trace,logs,metrics}/v1, trace/v1/trace.proto, logs/v1/logs.proto,
metrics/v1/metrics.proto, common/v1/common.proto.
"""

from __future__ import annotations

from typing import Any, Final

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_Field = descriptor_pb2.FieldDescriptorProto
_PACKAGE: Final = "costspan.otlp"

_SCALARS: Final = {
    "string": _Field.TYPE_STRING,
    "bytes": _Field.TYPE_BYTES,
    "bool": _Field.TYPE_BOOL,
    "int32": _Field.TYPE_INT32,
    "int64": _Field.TYPE_INT64,
    "double": _Field.TYPE_DOUBLE,
    "fixed64": _Field.TYPE_FIXED64,
    "sfixed64": _Field.TYPE_SFIXED64,
    "uint32": _Field.TYPE_UINT32,
}

_MESSAGES: Final[dict[str, tuple[tuple[str, int, str], ...]]] = {
    "AnyValue": (
        ("string_value", 1, "string"),
        ("bool_value", 2, "bool"),
        ("int_value", 3, "int64"),
        ("double_value", 4, "double"),
        ("array_value", 5, "ArrayValue"),
        ("kvlist_value", 6, "Attributed"),
        ("bytes_value", 7, "bytes"),
    ),
    "KeyValue": (("key", 1, "string"), ("value", 2, "AnyValue")),
    "ArrayValue": (("values", 1, "*AnyValue"),),
    "Attributed": (("attributes", 1, "*bytes"),),
    "Scope": (("name", 1, "string"), ("version", 2, "string")),
    "Status": (("message", 2, "string"), ("code", 3, "int32")),
    "Event": (("time_unix_nano", 1, "fixed64"), ("name", 2, "string"), ("attributes", 3, "*bytes")),
    "Span": (
        ("trace_id", 1, "bytes"),
        ("span_id", 2, "bytes"),
        ("trace_state", 3, "string"),
        ("parent_span_id", 4, "bytes"),
        ("name", 5, "string"),
        ("kind", 6, "int32"),
        ("start_time_unix_nano", 7, "fixed64"),
        ("end_time_unix_nano", 8, "fixed64"),
        ("attributes", 9, "*bytes"),
        ("events", 11, "*Event"),
        ("status", 15, "bytes"),
    ),
    "ScopeSpans": (("scope", 1, "Scope"), ("spans", 2, "*bytes")),
    "ResourceSpans": (("resource", 1, "Attributed"), ("scope_spans", 2, "*ScopeSpans")),
    "TraceRequest": (("resource_spans", 1, "*ResourceSpans"),),
    "LogRecord": (
        ("time_unix_nano", 1, "fixed64"),
        ("severity_number", 2, "int32"),
        ("body", 5, "AnyValue"),
        ("attributes", 6, "*bytes"),
        ("trace_id", 9, "bytes"),
        ("span_id", 10, "bytes"),
        ("observed_time_unix_nano", 11, "fixed64"),
        ("event_name", 12, "string"),
    ),
    "ScopeLogs": (("scope", 1, "Scope"), ("log_records", 2, "*bytes")),
    "ResourceLogs": (("resource", 1, "Attributed"), ("scope_logs", 2, "*ScopeLogs")),
    "LogsRequest": (("resource_logs", 1, "*ResourceLogs"),),
    "NumberPoint": (
        ("start_time_unix_nano", 2, "fixed64"),
        ("time_unix_nano", 3, "fixed64"),
        ("as_double", 4, "double"),
        ("as_int", 6, "sfixed64"),
        ("attributes", 7, "*bytes"),
        ("flags", 8, "uint32"),
    ),
    "HistogramPoint": (
        ("start_time_unix_nano", 2, "fixed64"),
        ("time_unix_nano", 3, "fixed64"),
        ("count", 4, "fixed64"),
        ("sum", 5, "double"),
        ("attributes", 9, "*bytes"),
        ("flags", 10, "uint32"),
    ),
    "ExponentialPoint": (
        ("attributes", 1, "*bytes"),
        ("start_time_unix_nano", 2, "fixed64"),
        ("time_unix_nano", 3, "fixed64"),
        ("count", 4, "fixed64"),
        ("sum", 5, "double"),
        ("flags", 10, "uint32"),
    ),
    "Points": (("data_points", 1, "*bytes"), ("aggregation_temporality", 2, "int32"), ("is_monotonic", 3, "bool")),
    "Metric": (
        ("name", 1, "string"),
        ("unit", 3, "string"),
        ("gauge", 5, "Points"),
        ("sum", 7, "Points"),
        ("histogram", 9, "Points"),
        ("exponential_histogram", 10, "Points"),
        ("summary", 11, "Points"),
    ),
    "ScopeMetrics": (("scope", 1, "Scope"), ("metrics", 2, "*bytes")),
    "ResourceMetrics": (("resource", 1, "Attributed"), ("scope_metrics", 2, "*ScopeMetrics")),
    "MetricsRequest": (("resource_metrics", 1, "*ResourceMetrics"),),
    "PartialTraces": (("rejected_spans", 1, "int64"), ("error_message", 2, "string")),
    "PartialLogs": (("rejected_log_records", 1, "int64"), ("error_message", 2, "string")),
    "PartialMetrics": (("rejected_data_points", 1, "int64"), ("error_message", 2, "string")),
    "TraceResponse": (("partial_success", 1, "PartialTraces"),),
    "LogsResponse": (("partial_success", 1, "PartialLogs"),),
    "MetricsResponse": (("partial_success", 1, "PartialMetrics"),),
    "Any": (("type_url", 1, "string"), ("value", 2, "bytes")),
    "Duration": (("seconds", 1, "int64"),),
    "RetryInfo": (("retry_delay", 1, "Duration"),),
    "RpcStatus": (("code", 1, "int32"), ("message", 2, "string"), ("details", 3, "*Any")),
}
"""Message -> (field, number, type); `*` repeats."""


def _file() -> descriptor_pb2.FileDescriptorProto:
    file = descriptor_pb2.FileDescriptorProto(name="costspan_otlp.proto", package=_PACKAGE, syntax="proto3")
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        if name == "AnyValue":
            message.oneof_decl.add(name="value")
        for field_name, number, kind in fields:
            _add_field(message, field_name, number, kind)
            if name == "AnyValue":
                message.field[-1].oneof_index = 0
    return file


def _add_field(message: descriptor_pb2.DescriptorProto, name: str, number: int, kind: str) -> None:
    repeated = kind.startswith("*")
    bare = kind.lstrip("*")
    field = message.field.add(
        name=name, number=number, label=_Field.LABEL_REPEATED if repeated else _Field.LABEL_OPTIONAL
    )
    if bare in _SCALARS:
        field.type = _SCALARS[bare]
        return
    field.type = _Field.TYPE_MESSAGE
    field.type_name = f".{_PACKAGE}.{bare}"


_POOL: Final = descriptor_pool.DescriptorPool()
_POOL.AddSerializedFile(_file().SerializeToString())


def _view(name: str) -> Any:
    return message_factory.GetMessageClass(_POOL.FindMessageTypeByName(f"{_PACKAGE}.{name}"))


TraceRequest: Final = _view("TraceRequest")
Span: Final = _view("Span")
Status: Final = _view("Status")
KeyValue: Final = _view("KeyValue")
AnyValue: Final = _view("AnyValue")
LogsRequest: Final = _view("LogsRequest")
LogRecord: Final = _view("LogRecord")
MetricsRequest: Final = _view("MetricsRequest")
Metric: Final = _view("Metric")
NumberPoint: Final = _view("NumberPoint")
HistogramPoint: Final = _view("HistogramPoint")
ExponentialPoint: Final = _view("ExponentialPoint")
RESPONSES: Final = {
    "traces": _view("TraceResponse"),
    "logs": _view("LogsResponse"),
    "metrics": _view("MetricsResponse"),
}
REJECTED: Final = {"traces": "rejected_spans", "logs": "rejected_log_records", "metrics": "rejected_data_points"}
RpcStatus: Final = _view("RpcStatus")
RetryInfo: Final = _view("RetryInfo")
