"""What is kept of a request for a later reading: its spans and events without their content, as bytes.

Written for every span that may be a call, so a resource is written down once for all spans of a request it is said for.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from operator import attrgetter
from typing import Any, Final

import msgspec

from costspan.core.record import Attributes, LogRecord, Scope, SpanEvent, SpanRecord
from costspan.semconv.content import SPAN_FACTS, event_without_content, kept, span_facts
from costspan.semconv.events.base import event_key
from costspan.server.store.entry import KeptRecord

_LOG_FACTS: Final = (
    "time_ns", "event_name", "trace_id", "span_id", "severity", "body", "attributes", "scope",
)  # fmt: skip
_log_facts: Final = attrgetter(*_LOG_FACTS)
_ENCODER: Final = msgspec.msgpack.Encoder(enc_hook=dict)
_DECODER: Final = msgspec.msgpack.Decoder(tuple[str, list[Any], dict[str, Any]])
_SPAN: Final = "span"
_LOG: Final = "log"
_ELSEWHERE: Final[Attributes] = {}

_log = logging.getLogger("costspan.pipeline")


def keep(records: Sequence[SpanRecord | LogRecord]) -> list[KeptRecord]:
    """Return records as they are kept. One that cannot be written down is not; it is in the ledger all the same."""
    found, resources = [], _Resources()
    for record in records:
        try:
            resource = resources.encoded(record.resource)
            if isinstance(record, SpanRecord):
                facts = (_SPAN, span_facts(record), resource)
                found.append(KeptRecord(f"{record.trace_id}/{record.span_id}", record.start_ns, _ENCODER.encode(facts)))
            else:
                facts = (_LOG, _log_facts(event_without_content(record, _ELSEWHERE)), resource)
                found.append(KeptRecord(event_key(record), record.time_ns, _ENCODER.encode(facts)))
        except (UnicodeEncodeError, OverflowError, TypeError, ValueError) as error:
            _log.warning("a record is not kept for replay: %s", type(error).__name__)
    return found


def kept_record(found: KeptRecord) -> SpanRecord | LogRecord:
    """Return a record as it was received, without its content."""
    kind, facts, resource = _DECODER.decode(found.encoded)
    said = dict(zip(SPAN_FACTS if kind == _SPAN else _LOG_FACTS, facts, strict=True))
    said |= {"resource": resource, "scope": Scope(**said["scope"])}
    if kind == _LOG:
        return LogRecord(**said)
    said["events"] = tuple(SpanEvent(**event) for event in said["events"])
    return SpanRecord(**said)


class _Resources:
    """The resources of one request as they are kept, each encoded once."""

    def __init__(self) -> None:
        self._last: Attributes | None = None
        self._encoded = msgspec.Raw()

    def encoded(self, resource: Attributes) -> msgspec.Raw:
        """Return a resource without content; spans of the same one come after one another, sharing the object."""
        if resource is not self._last:
            self._encoded = msgspec.Raw(_ENCODER.encode(kept(resource)))
            self._last = resource
        return self._encoded
