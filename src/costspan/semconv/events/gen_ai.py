"""The specification's details event, and any other log record that carries `gen_ai.usage.*`.

Source: semantic conventions 1.37 and later, `gen_ai.client.inference.operation.details`; captured from OpenLIT 1.45.
The event repeats its span's attributes, so it is read as that span, by the same dialects.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar, Final

from costspan.core.call import Call, Signal
from costspan.core.record import Attributes, LogRecord, SpanRecord
from costspan.semconv.events.base import EventEmitter, event_key, names
from costspan.semconv.normalize import read_call

DETAILS: Final = "gen_ai.client.inference.operation.details"


class GenAI(EventEmitter):
    """Records of any emitter that keeps to the specification's names."""

    name: ClassVar = "gen_ai_event"
    source: ClassVar = "open-telemetry/semantic-conventions-genai, 2026-09"
    markers: ClassVar = (b"gen_ai.usage.", DETAILS.encode())

    def recognizes(self, record: LogRecord) -> bool:
        """Return True for the details event and for a record with usage."""
        return DETAILS in names(record) or any(key.startswith("gen_ai.usage.") for key in _attributes(record))

    def read(self, record: LogRecord) -> Call | None:
        """Return the call of the span that the record repeats."""
        call = read_call(
            SpanRecord(
                trace_id=record.trace_id,
                span_id=record.span_id,
                parent_span_id=None,
                name=record.event_name,
                kind=0,
                start_ns=record.time_ns,
                end_ns=record.time_ns,
                attributes=_attributes(record),
                resource=record.resource,
                scope=record.scope,
            )
        )
        if call is None:
            return None
        signal = Signal.DETAILS_EVENT if DETAILS in names(record) else Signal.EVENT
        return replace(call, signal=signal, event_key=event_key(record))


def _attributes(record: LogRecord) -> Attributes:
    """Return the attributes; the first events of the conventions carried them in the body."""
    return {**record.body, **record.attributes} if isinstance(record.body, Mapping) else record.attributes
