"""An OTLP logs request becomes log records; records without a marker of any emitter are skipped unparsed.

Both encodings, in the manner of the trace decoders: one broken record fails alone, with a reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import msgspec
from google.protobuf.message import DecodeError

from costspan.core.errors import MalformedRecord
from costspan.core.record import Attributes, AttributeValue, LogRecord, Scope
from costspan.semconv.events import MARKERS
from costspan.server.pipeline import views
from costspan.server.pipeline.any_value import (
    JsonKeyValue,
    JsonResource,
    JsonScope,
    hex_id,
    json_attributes,
    json_value,
    protobuf_attributes,
    protobuf_resource,
    protobuf_value,
    scope_of,
    whole_ns,
)
from costspan.server.pipeline.decoded import MAX_NS, UnreadableBody


@dataclass(slots=True)
class DecodedLogs:
    """Records that look like model calls; `other_records` do not and were skipped; `refused` counts by reason."""

    records: list[LogRecord] = field(default_factory=list)
    other_records: int = 0
    refused: Counter[str] = field(default_factory=Counter)

    @property
    def received_records(self) -> int:
        """Every log record of the request."""
        return len(self.records) + self.other_records + self.refused.total()


def decode_logs_protobuf(body: bytes) -> DecodedLogs:
    """Return the records of an ExportLogsServiceRequest. Raise UnreadableBody when the request itself is damaged."""
    try:
        return _decoded(views.LogsRequest.FromString(body))
    except DecodeError as error:
        raise UnreadableBody(f"not an OTLP/protobuf logs request: {error}") from None


def _decoded(request: Any) -> DecodedLogs:
    decoded = DecodedLogs()
    for resource_logs in request.resource_logs:
        resource: Attributes | None = None
        for scope_logs in resource_logs.scope_logs:
            scope = Scope(scope_logs.scope.name, scope_logs.scope.version)
            for raw in scope_logs.log_records:
                if not any(marker in raw for marker in MARKERS):
                    decoded.other_records += 1
                    continue
                try:
                    resource = protobuf_resource(resource_logs.resource) if resource is None else resource
                except MalformedRecord as malformed:
                    decoded.refused[str(malformed)] += 1
                    continue
                _take(decoded, _from_protobuf, raw, resource, scope)
    return decoded


class _LogRecord(msgspec.Struct, rename="camel"):
    time_unix_nano: int | str = 0
    observed_time_unix_nano: int | str = 0
    severity_number: int | str = 0
    event_name: str = ""
    body: Any = None
    attributes: Sequence[JsonKeyValue] | None = None
    trace_id: str | None = None
    span_id: str | None = None


class _ScopeLogs(msgspec.Struct, rename="camel"):
    scope: JsonScope | None = None
    log_records: Sequence[msgspec.Raw] | None = None


class _ResourceLogs(msgspec.Struct, rename="camel"):
    resource: JsonResource | None = None
    scope_logs: Sequence[_ScopeLogs] | None = None


class _LogsRequest(msgspec.Struct, rename="camel"):
    resource_logs: Sequence[_ResourceLogs] | None = None


_SEVERITY: Final = {
    f"SEVERITY_NUMBER_{level}{step if step > 1 else ''}": 4 * rank + step
    for rank, level in enumerate(("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"))
    for step in (1, 2, 3, 4)
}
_REQUEST: Final = msgspec.json.Decoder(_LogsRequest)
_RECORD: Final = msgspec.json.Decoder(_LogRecord)


def decode_logs_json(body: bytes) -> DecodedLogs:
    """Return the records of an OTLP/JSON logs request. Raise UnreadableBody when the request itself is damaged."""
    try:
        request = _REQUEST.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UnreadableBody(f"not an OTLP/JSON logs request: {error}") from None
    decoded = DecodedLogs()
    for resource_logs in request.resource_logs or ():
        resource = json_attributes(resource_logs.resource.attributes) if resource_logs.resource else {}
        for scope_logs in resource_logs.scope_logs or ():
            scope = scope_of(scope_logs.scope)
            for raw in map(bytes, scope_logs.log_records or ()):
                if not any(marker in raw for marker in MARKERS) and b"\\u" not in raw:
                    decoded.other_records += 1
                    continue
                _take(decoded, _from_json, raw, resource, scope)
    return decoded


LOG_DECODERS: Final[dict[str, Callable[[bytes], DecodedLogs]]] = {
    "application/x-protobuf": decode_logs_protobuf,
    "application/json": decode_logs_json,
}
"""Content type -> decoder."""


def _take(
    decoded: DecodedLogs,
    read: Callable[[bytes, Attributes, Scope], LogRecord],
    raw: bytes,
    resource: Attributes,
    scope: Scope,
) -> None:
    try:
        decoded.records.append(_checked(read(raw, resource, scope)))
    except MalformedRecord as malformed:
        decoded.refused[str(malformed)] += 1


def _from_protobuf(raw: bytes, resource: Attributes, scope: Scope) -> LogRecord:
    try:
        record = views.LogRecord.FromString(raw)
        attributes = protobuf_attributes(record.attributes)
        body = protobuf_value(record.body)
    except DecodeError:
        # upb reports invalid UTF-8 in a string field as a decode error as well.
        raise MalformedRecord("log record is cut off or holds text that is not UTF-8") from None
    return LogRecord(
        time_ns=record.time_unix_nano or record.observed_time_unix_nano,
        event_name=_event_name(record.event_name, attributes, body),
        trace_id=record.trace_id.hex(),
        span_id=record.span_id.hex(),
        severity=record.severity_number,
        body=body,
        attributes=attributes,
        resource=resource,
        scope=scope,
    )


def _from_json(raw: bytes, resource: Attributes, scope: Scope) -> LogRecord:
    try:
        record = _RECORD.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise MalformedRecord("log record is not of the OTLP/JSON shape") from None
    attributes = json_attributes(record.attributes)
    body = json_value(record.body)
    return LogRecord(
        time_ns=whole_ns(record.time_unix_nano) or whole_ns(record.observed_time_unix_nano),
        event_name=_event_name(record.event_name, attributes, body),
        trace_id=hex_id(record.trace_id, "trace_id") if record.trace_id else "",
        span_id=hex_id(record.span_id, "span_id") if record.span_id else "",
        severity=_severity(record.severity_number),
        body=body,
        attributes=attributes,
        resource=resource,
        scope=scope,
    )


def _severity(sent: int | str) -> int:
    return sent if isinstance(sent, int) else _SEVERITY.get(sent, 0)


def _event_name(own: str, attributes: Attributes, body: AttributeValue) -> str:
    candidates = (own, attributes.get("event.name"), body)
    return next((name for name in candidates if isinstance(name, str) and name), "")


def _checked(record: LogRecord) -> LogRecord:
    if len(record.trace_id) not in (0, 32):
        raise MalformedRecord("trace_id is not 16 bytes")
    if len(record.span_id) not in (0, 16):
        raise MalformedRecord("span_id is not 8 bytes")
    if not 0 < record.time_ns <= MAX_NS:
        raise MalformedRecord("time is missing or out of range")
    if record.trace_id.strip("0") and record.span_id.strip("0"):
        return record
    # A logger without a span in its context sends zeros, or nothing.
    return replace(record, trace_id="", span_id="")
