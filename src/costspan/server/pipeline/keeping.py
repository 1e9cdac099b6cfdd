"""What is kept of a request for a later reading: its spans and events without their content, as bytes."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from costspan.core.record import AttributeValue, LogRecord, Scope, SpanEvent, SpanRecord
from costspan.semconv.content import event_without_content, kept, short_name, short_status
from costspan.semconv.events.base import event_key
from costspan.server.store.entry import KeptRecord

_encode: Final = msgspec.msgpack.Encoder(enc_hook=dict).encode
_decode: Final = msgspec.msgpack.Decoder(tuple[str, list[Any]]).decode
_log = logging.getLogger("costspan.pipeline")
_SPAN: Final = "span"
_LOG: Final = "log"

Kept = dict[int, dict[str, AttributeValue]]
"""Resource, by where it is in memory -> what is kept of it: one resource is of many records of a request."""


def keep(records: Sequence[SpanRecord | LogRecord], tenant: str | None = None) -> list[KeptRecord]:
    """Return records as they are kept. One that cannot be written down is not; it is in the ledger all the same."""
    resources: Kept = {}
    found = []
    for record in records:
        resource = resources.get(id(record.resource))
        if resource is None:
            resource = resources[id(record.resource)] = kept(record.resource)
        try:
            found.append((_kept_span if isinstance(record, SpanRecord) else _kept_log)(record, resource, tenant))  # type: ignore[arg-type]
        except (UnicodeEncodeError, OverflowError, TypeError, ValueError) as error:
            _log.warning("a record is not kept for replay: %s", type(error).__name__)
    return found


def kept_record(found: KeptRecord) -> SpanRecord | LogRecord:
    """Return a record as it was received, without its content."""
    kind, values = _decode(found.encoded)
    if kind == _LOG:
        said = dict(zip(_LOG_FACTS, values, strict=True))
        return LogRecord(**said | {"scope": Scope(*said["scope"])})
    said = dict(zip(_SPAN_FACTS, values, strict=True))
    return SpanRecord(**said | {"scope": Scope(*said["scope"]), "events": tuple(SpanEvent(*e) for e in said["events"])})


_SPAN_FACTS: Final = (
    "attributes", "resource", "scope", "events", "name", "status_message", "trace_id", "span_id", "parent_span_id",
    "kind", "start_ns", "end_ns", "status_code", "trace_state",
)  # fmt: skip
_LOG_FACTS: Final = (
    "attributes", "resource", "scope", "body", "event_name", "time_ns", "trace_id", "span_id", "severity",
)  # fmt: skip


def _kept_span(record: SpanRecord, resource: dict[str, AttributeValue], tenant: str | None) -> KeptRecord:
    scope = record.scope
    values = (
        kept(record.attributes),
        resource,
        (scope.name, scope.version),
        [(event.name, event.time_ns, kept(event.attributes)) for event in record.events],
        short_name(record.name),
        short_status(record.status_message),
        record.trace_id,
        record.span_id,
        record.parent_span_id,
        record.kind,
        record.start_ns,
        record.end_ns,
        record.status_code,
        record.trace_state,
    )
    return KeptRecord(f"{record.trace_id}/{record.span_id}", record.start_ns, _encode((_SPAN, values)), tenant)


def _kept_log(record: LogRecord, resource: dict[str, AttributeValue], tenant: str | None) -> KeptRecord:
    stripped = event_without_content(record)
    values = (
        stripped.attributes,
        resource,
        (record.scope.name, record.scope.version),
        stripped.body,
        stripped.event_name,
        record.time_ns,
        record.trace_id,
        record.span_id,
        record.severity,
    )
    return KeptRecord(event_key(record), record.time_ns, _encode((_LOG, values)), tenant)
