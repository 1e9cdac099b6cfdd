"""What is kept of a request for a later reading: its spans and events without their content, as bytes."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from costspan.core.record import LogRecord, Scope, SpanEvent, SpanRecord
from costspan.semconv.content import event_without_content, without_content
from costspan.semconv.events.base import event_key
from costspan.server.store.entry import KeptRecord

_ENCODER: Final = msgspec.msgpack.Encoder(enc_hook=dict)
_DECODER: Final = msgspec.msgpack.Decoder(tuple[str, dict[str, Any]])
_log = logging.getLogger("costspan.pipeline")
_SPAN: Final = "span"
_LOG: Final = "log"


def keep(records: Sequence[SpanRecord | LogRecord], tenant: str | None = None) -> list[KeptRecord]:
    """Return records as they are kept. One that cannot be written down is not; it is in the ledger all the same."""
    found = []
    for record in records:
        try:
            found.append(_kept_span(record, tenant) if isinstance(record, SpanRecord) else _kept_log(record, tenant))
        except (UnicodeEncodeError, OverflowError, TypeError, ValueError) as error:
            _log.warning("a record is not kept for replay: %s", type(error).__name__)
    return found


def kept_record(found: KeptRecord) -> SpanRecord | LogRecord:
    """Return a record as it was received, without its content."""
    kind, said = _DECODER.decode(found.encoded)
    said["scope"] = Scope(**said["scope"])
    if kind == _LOG:
        return LogRecord(**said)
    said["events"] = tuple(SpanEvent(**event) for event in said["events"])
    return SpanRecord(**said)


def _kept_span(record: SpanRecord, tenant: str | None) -> KeptRecord:
    encoded = _ENCODER.encode((_SPAN, without_content(record)))
    return KeptRecord(f"{record.trace_id}/{record.span_id}", record.start_ns, encoded, tenant)


def _kept_log(record: LogRecord, tenant: str | None) -> KeptRecord:
    encoded = _ENCODER.encode((_LOG, event_without_content(record)))
    return KeptRecord(event_key(record), record.time_ns, encoded, tenant)
