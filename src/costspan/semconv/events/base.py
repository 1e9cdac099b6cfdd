"""The `EventEmitter` seam: one program's log records, read into calls.

An emitter says which records are its own and what a record claims. Emitters do not know one another; what they share
is here.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, Final

from costspan.core.call import Call, Signal, UsageState
from costspan.core.record import Attributes, LogRecord
from costspan.core.usage import Usage
from costspan.semconv.attributes import Keys, first, number, text, whole_number
from costspan.semconv.conventions import Split
from costspan.semconv.identity import content_key, instance
from costspan.semconv.outcome import error_type
from costspan.semconv.vendor import Who, attribution

NS_PER_MS: Final = 1_000_000
MAX_DURATION_MS: Final = 86_400_000
"""A request reported longer than a day is a broken clock; its duration is not used."""

MAX_ID_CHARS: Final = 200
"""An id longer than this is none; the record's content identifies it."""

MAX_ATTEMPTS: Final = 1000

NO_USAGE: Final = Split(Usage(), UsageState.REPORTED)
"""A failed request used nothing that anybody billed (accounting rule 6)."""

UNKNOWN_USAGE: Final = Split(Usage(), UsageState.MISSING, "no token counts")


class EventEmitter(ABC):
    """Base of all emitters."""

    name: ClassVar[str]
    source: ClassVar[str]
    """Where the records are documented or were captured, with versions."""
    markers: ClassVar[tuple[bytes, ...]]
    """Byte strings one of which every record of this emitter contains: what the server searches before it parses."""
    who: ClassVar[Who] = Who()
    duration_ms: ClassVar[Keys] = ("duration_ms",)
    stamped_at_start: ClassVar[bool] = False
    """True where the record carries the time the request began; others carry the time it ended."""

    @abstractmethod
    def recognizes(self, record: LogRecord) -> bool:
        """Return True when the record is of this emitter."""

    @abstractmethod
    def read(self, record: LogRecord) -> Call | None:
        """Return the call the record claims, or None."""

    def call(self, record: LogRecord, split: Split, own_id: str | None = None) -> Call:
        """Return what every call of an event has: times, place, identity, attribution and `split`.

        `own_id` is an id the emitter gave the event; without one its content identifies it.
        """
        started_at_ns, ended_at_ns = self._times_ns(record)
        return Call(
            trace_id=record.trace_id,
            span_id=record.span_id,
            parent_span_id=None,
            started_at_ns=started_at_ns,
            ended_at_ns=ended_at_ns,
            dialect=self.name,
            scope_name=record.scope.name,
            scope_version=record.scope.version,
            signal=Signal.EVENT,
            event_key=f"{self.name}/{own_id}" if own_id and len(own_id) <= MAX_ID_CHARS else event_key(record),
            usage=split.usage,
            usage_state=split.state,
            usage_note=split.note,
            attribution=attribution(record.attributes, record.resource, self.who),
        )

    def _times_ns(self, record: LogRecord) -> tuple[int, int]:
        duration_ms = first(record.attributes, self.duration_ms, number) or 0
        duration_ns = int(duration_ms * NS_PER_MS) if 0 < duration_ms < MAX_DURATION_MS else 0
        if self.stamped_at_start:
            return record.time_ns, record.time_ns + duration_ns
        return max(1, record.time_ns - duration_ns), record.time_ns


def event_key(record: LogRecord) -> str:
    """Return the identity of a record by its content, the same for both encodings."""
    return content_key(
        "log",
        instance(record.resource),
        record.scope.name,
        record.event_name,
        record.time_ns,
        record.trace_id,
        record.span_id,
        record.body,
        record.attributes,
    )


def attempt_number(attributes: Attributes, first_is: int) -> int:
    """Return which attempt a request was, counted from 1, for an emitter whose first attempt is `first_is`."""
    said = first(attributes, ("attempt",), whole_number)
    return said - first_is + 1 if said is not None and first_is <= said <= MAX_ATTEMPTS else 1


def names(record: LogRecord) -> frozenset[str]:
    """Return every name the record goes by: its own, its `event.name` attribute, its body.

    Emitters disagree on which of them is qualified: Claude Code's body is, its attribute is not.
    """
    candidates = (record.event_name, record.attributes.get("event.name"), record.body)
    return frozenset(name for name in candidates if isinstance(name, str) and len(name) <= 100)


def failure(attributes: Attributes, status: Keys, message: Keys) -> str:
    """Return the normalised error type: by its HTTP status where that tells, else by its name or message."""
    by_status = error_type(str(first(attributes, status, number) or first(attributes, status, text) or ""))
    return by_status if by_status != "other" else error_type(first(attributes, message, text))
