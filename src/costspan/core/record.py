"""`SpanRecord`, `LogRecord`, `MetricPoint`: what was received, as plain values, before anybody judged what it means.

The server makes them from OTLP bytes, the SDK makes spans of its own; `semconv` reads them. Immutable once received.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from costspan.core.frozen import quickly_made

AttributeValue = str | bool | int | float | bytes | Sequence["AttributeValue"] | Mapping[str, "AttributeValue"] | None
"""What an OTLP AnyValue can hold."""

Attributes = Mapping[str, AttributeValue]

STATUS_ERROR: Final = 2
"""`Status.StatusCode.STATUS_CODE_ERROR` of OTLP."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Who made the record: instrumentation scope name and version, empty where not said."""

    name: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True)
class SpanEvent:
    """A moment within a span."""

    name: str
    time_ns: int
    attributes: Attributes = field(default_factory=dict)


@quickly_made
@dataclass(frozen=True, slots=True, kw_only=True)
class SpanRecord:
    """One span. Ids are lower-case hex; `parent_span_id` is None for a root; times are nanoseconds since 1970 UTC.

    `present` is no part of what was received: the dialect that reads a span notes there which of its words are there.
    """

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
    present: Mapping[str, tuple[str, ...]] | None = field(default=None, compare=False, repr=False)


@quickly_made
@dataclass(frozen=True, slots=True, kw_only=True)
class LogRecord:
    """One log record. Ids are lower-case hex, or empty outside a span; `time_ns` is when it happened, else was seen.

    `event_name` is the record's own name, else its `event.name` attribute, else a body that is plain text.
    """

    time_ns: int
    event_name: str = ""
    trace_id: str = ""
    span_id: str = ""
    severity: int = 0
    body: AttributeValue = None
    attributes: Attributes = field(default_factory=dict)
    resource: Attributes = field(default_factory=dict)
    scope: Scope = field(default_factory=Scope)


class MetricKind(StrEnum):
    """What the values of a metric are. Exponential histograms are histograms: their sum and count mean the same."""

    SUM = "sum"
    HISTOGRAM = "histogram"
    GAUGE = "gauge"


class Temporality(StrEnum):
    """Whether a value counts from the previous point or from the start of the series."""

    DELTA = "delta"
    CUMULATIVE = "cumulative"
    UNSPECIFIED = "unspecified"


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricPoint:
    """One value of one series. `value` is a histogram's sum; `count` is None where the point has none.

    `start_ns` is 0 where the emitter does not say since when it counts. `tenant` is that of the key it was sent with.
    """

    metric: str
    kind: MetricKind
    temporality: Temporality
    start_ns: int
    time_ns: int
    value: int | float
    count: int | None = None
    unit: str = ""
    monotonic: bool = False
    tenant: str | None = None
    attributes: Attributes = field(default_factory=dict)
    resource: Attributes = field(default_factory=dict)
    scope: Scope = field(default_factory=Scope)
