"""`Call`: one request to a model provider, as a record claims it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from costspan.core.attribution import Attribution
from costspan.core.frozen import Identified, quickly_made
from costspan.core.money import PicoUsd
from costspan.core.usage import Usage


class UsageState(StrEnum):
    """How far the quantities of a call can be trusted (accounting rule 2)."""

    REPORTED = "reported"
    """The emitter's counting convention is known, or its own numbers prove it."""
    ASSUMED = "assumed"
    """Nothing decided between two readings; the specification's inclusive rule was used."""
    MISSING = "usage_missing"
    """The call succeeded, or was cut off, without saying what it used. Not zero: unknown."""
    INVALID = "invalid_usage"
    """The numbers contradict each other or are negative. Shown, never priced, never clamped."""


class Role(StrEnum):
    """What a record of a call is, once the records of its trace have been compared (accounting rule 5)."""

    OWNER = "owner"
    DUPLICATE = "duplicate"
    AGGREGATE = "aggregate"


class Signal(StrEnum):
    """What carried the claim. The order is the order of trust: one signal counts per source (accounting rule 5.5)."""

    SPAN = "span"
    DETAILS_EVENT = "details_event"
    EVENT = "event"
    METRIC = "metric"


class SpanClass(StrEnum):
    """What kind of record made the claim: a model call itself, or something that sums up what is below it."""

    INFERENCE = "inference"
    AGGREGATE = "aggregate"


STANDARD_MODE = "standard"
"""The price mode of a call that asked for nothing special; others: batch, flex, priority, fast."""


@quickly_made
@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Identified):
    """One billed or failed request to a provider. Names are as sent; pricing resolves them.

    `mode` is the tier that was *served*. `error_type` is None for a call that succeeded. `time_to_first_chunk_s`
    is seconds. `reported_cost` is the emitter's own figure, kept beside ours (accounting rule 4.6).

    A record that is no span (an event, a metric point) has empty ids or those of the span it was emitted in, and
    `event_key` says what makes it itself. `call_count` is how many requests it stands for, 0 where it does not say.
    """

    trace_id: str
    span_id: str
    parent_span_id: str | None
    started_at_ns: int
    ended_at_ns: int
    dialect: str
    scope_name: str = ""
    scope_version: str = ""
    signal: Signal = Signal.SPAN
    event_key: str | None = None
    call_count: int = 1
    span_class: SpanClass = SpanClass.INFERENCE
    trace_state: str = ""
    operation: str = "chat"
    provider: str | None = None
    requested_model: str | None = None
    response_model: str | None = None
    response_id: str | None = None
    server_address: str | None = None
    mode: str = STANDARD_MODE
    usage: Usage = field(default_factory=Usage)
    usage_state: UsageState = UsageState.REPORTED
    usage_note: str | None = None
    finish_reason: str | None = None
    error_type: str | None = None
    streamed: bool = False
    time_to_first_chunk_s: float | None = None
    attempt: int = 1
    reported_cost: PicoUsd | None = None
    attribution: Attribution = field(default_factory=Attribution)

    @property
    def identity(self) -> str:
        """What makes a record the same record when it is sent again (accounting rule 5.1)."""
        try:
            return self._identity
        except AttributeError:
            identity = self.attribution.scoped(self.event_key or f"{self.trace_id}/{self.span_id}")
            object.__setattr__(self, "_identity", identity)
            return identity

    @property
    def failed(self) -> bool:
        """True when the provider answered with an error."""
        return self.error_type is not None

    @property
    def models(self) -> tuple[str, ...]:
        """The names to look a price up by: the model that answered, then the one asked for."""
        first, second = self.response_model, self.requested_model
        if first and second and first != second:
            return first, second
        return (first or second,) if first or second else ()  # type: ignore[return-value]
