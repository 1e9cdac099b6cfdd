"""`SpanRecord`: one received span as plain values, before anybody has judged what it means.

The server makes it from OTLP bytes, the SDK from a finished span; `semconv` reads it. Immutable once received.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

AttributeValue = str | bool | int | float | bytes | Sequence["AttributeValue"] | Mapping[str, "AttributeValue"] | None
"""What an OTLP AnyValue can hold."""

Attributes = Mapping[str, AttributeValue]

STATUS_ERROR: Final = 2
"""`Status.StatusCode.STATUS_CODE_ERROR` of OTLP."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Who made the span: instrumentation scope name and version, empty where not said."""

    name: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True)
class SpanEvent:
    """A moment within a span."""

    name: str
    time_ns: int
    attributes: Attributes = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanRecord:
    """One span. Ids are lower-case hex; `parent_span_id` is None for a root; times are nanoseconds since 1970 UTC."""

    trace_id: str
    span_id: str
    parent_span_id: str | None
    name: str
    kind: int
    start_ns: int
    end_ns: int
    attributes: Attributes
    resource: Attributes = field(default_factory=dict)
    scope: Scope = field(default_factory=Scope)
    events: tuple[SpanEvent, ...] = ()
    status_code: int = 0
    status_message: str = ""
    trace_state: str = ""
