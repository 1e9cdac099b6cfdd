"""A span record becomes a `Call`: the dialect that recognises it reads it, the conventions make its counts disjoint.

Used by both wings: the server on what it received, the SDK on a finished span. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Final

from costspan.core.call import STANDARD_MODE, Call, SpanClass, UsageState
from costspan.core.link import Link
from costspan.core.money import PicoUsd
from costspan.core.record import STATUS_ERROR, SpanRecord
from costspan.core.units import CACHE_WRITE_UNITS
from costspan.semconv import outcome, providers
from costspan.semconv.attributes import whole_number
from costspan.semconv.attribution import read_attribution, read_own_attribution
from costspan.semconv.conventions import Convention, Counts, Split, split
from costspan.semconv.dialects import DIALECTS
from costspan.semconv.dialects.base import Dialect, usd
from costspan.semconv.dialects.detection import Dialects
from costspan.semconv.raw_usage import Answer, RawUsage
from costspan.semconv.reconcile import reconciled
from costspan.semconv.tools import TOOL_MARKERS, tool_name

_MODES: Final = {
    "default": STANDARD_MODE,
    "auto": STANDARD_MODE,
    "standard": STANDARD_MODE,
    "standard_only": STANDARD_MODE,
    "on_demand": STANDARD_MODE,
    "on_demand_flex": "flex",
    "on_demand_priority": "priority",
}
_ANSWERING: Final = frozenset({"chat", "generate_content", "text_completion"})
"""Operations that answer in tokens; embeddings and the like have none to report."""
_KEPT_REQUESTS: Final = frozenset({"flex", "batch"})
"""Tiers a provider serves as asked or refuses. `priority` may be served as standard, so asking proves nothing."""
ATTEMPT: Final = "costspan.attempt"
"""Which request of an operation the span ended with, counted from 1: the client retried within the span."""
MAX_ATTEMPTS: Final = 10_000
"""A number beyond this is no count of requests, and says nothing."""
OUTCOME: Final = "costspan.outcome"
"""How the call ended for the one who asked; only the sender knows of a stream that was left or cut off."""
AT_LEAST_OUTPUT: Final = "costspan.usage.lower_bound.output_tokens"
"""What the sender saw of a stream whose usage nobody told. Said, never priced: the usage stays unknown."""
ABANDONED: Final = "abandoned stream"
"""The status of a stream whose reader left the loop (opentelemetry-util-genai 1.3b0): no failure where it had ended."""

_WRITTEN: Final = frozenset(CACHE_WRITE_UNITS)
_NO_ANSWER: Final = Answer()


@lru_cache(maxsize=8)
def span_markers(dialects: Dialects = DIALECTS) -> tuple[bytes, ...]:
    """Return byte strings without any of which a span is neither a model call nor a tool and need not be parsed."""
    return tuple(dict.fromkeys(dialects.markers + TOOL_MARKERS))


def read_call(record: SpanRecord, dialects: Dialects = DIALECTS) -> Call | None:
    """Return the call a span claims, or None for a span that claims neither a model request nor usage."""
    dialect = dialects.of(record)
    if dialect is None:
        return None
    record = dialect.prepared(record)
    words = dialect.remembered(record, partial(_words, dialect))
    return None if words.span_class is None else _assemble(record, dialect, words, words.span_class)


def read_link(record: SpanRecord) -> Link:
    """Return what settlement needs of a span that is no call; a tool names itself to what is below it."""
    own = read_own_attribution(record.attributes)
    tool = tool_name(record)
    return Link(
        trace_id=record.trace_id,
        span_id=record.span_id,
        parent_span_id=record.parent_span_id,
        started_at_ns=record.start_ns,
        trace_state=record.trace_state,
        attribution=replace(own, tool=tool) if tool else own,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Words:
    """What a span says in words that come again from span to span; `served` where it names the tier it was given."""

    span_class: SpanClass | None
    operation: str = ""
    provider: str | None = None
    requested_model: str | None = None
    response_model: str | None = None
    server_address: str | None = None
    mode: str = STANDARD_MODE
    mode_note: str | None = None
    served: bool = False
    finish_reason: str | None = None
    error_type: str | None = None
    """As sent."""
    streamed: bool = False
    convention: Convention | None = None

    def completed(self, answer: Answer) -> _Words:
        """Return these words with what only the provider's own answer says."""
        mode, note = (self.mode, self.mode_note) if self.served or answer.mode is None else (_tier(answer.mode), None)
        return replace(self, response_model=self.response_model or answer.model, mode=mode, mode_note=note)


def _words(dialect: Dialect, record: SpanRecord) -> _Words:
    operation = dialect.operation(record)
    span_class = dialect.span_class(record, operation)
    if span_class is None:
        return _Words(span_class=None)
    server_address = dialect.say(record, "server_address")
    served = dialect.say(record, "served_mode")
    mode, note = (_tier(served), None) if served is not None else _requested_mode(record, dialect)
    return _Words(
        span_class=span_class,
        operation=operation or "chat",
        provider=providers.provider(dialect.provider(record), server_address),
        requested_model=dialect.requested_model(record),
        response_model=dialect.response_model(record),
        server_address=server_address,
        mode=mode,
        mode_note=note,
        served=served is not None,
        finish_reason=outcome.finish_reason(dialect.finish_reason(record)),
        error_type=dialect.error_type(record),
        streamed=dialect.streamed(record),
        convention=dialect.convention(record),
    )


def _assemble(record: SpanRecord, dialect: Dialect, words: _Words, span_class: SpanClass) -> Call:
    answer = dialect.answer(record)
    if answer is None:
        answer = _NO_ANSWER
    else:
        words = words.completed(answer)
    error_type = _error_type(record, words)
    counts = dialect.counts(record)
    usage = _usage(words, dialect, counts, answer.usage)
    if error_type is not None and usage.state is UsageState.MISSING:
        usage = Split(usage.usage, UsageState.REPORTED)
    state, note = _trust(record, words, counts, usage)
    return Call(
        trace_id=record.trace_id,
        span_id=record.span_id,
        parent_span_id=record.parent_span_id,
        started_at_ns=record.start_ns,
        ended_at_ns=record.end_ns,
        dialect=dialect.name,
        scope_name=record.scope.name,
        scope_version=record.scope.version,
        trace_state=record.trace_state,
        span_class=span_class,
        operation=words.operation,
        provider=words.provider,
        requested_model=words.requested_model,
        response_model=words.response_model,
        response_id=dialect.say(record, "response_id") or answer.response_id,
        server_address=words.server_address,
        mode=words.mode,
        usage=usage.usage,
        usage_state=state,
        usage_note=note,
        finish_reason=words.finish_reason,
        error_type=error_type,
        streamed=words.streamed,
        time_to_first_chunk_s=_to_the_ns(dialect.time_to_first_chunk_s(record)),
        attempt=_attempt(record),
        reported_cost=_reported_cost(record, dialect, answer.usage),
        attribution=read_attribution(dialect.attribution_attributes(record), record.resource),
    )


def _attempt(record: SpanRecord) -> int:
    said = whole_number(record.attributes[ATTEMPT]) if ATTEMPT in record.attributes else None
    return said if said is not None and 1 <= said <= MAX_ATTEMPTS else 1


def _trust(record: SpanRecord, words: _Words, counts: Counts, usage: Split) -> tuple[UsageState, str | None]:
    """Return how far the usage of a call can be trusted, and why when it is less than certain."""
    said = counts.output is not None and words.mode_note is None and AT_LEAST_OUTPUT not in record.attributes
    if said and usage.note is None and (usage.time_to_live_said or _WRITTEN.isdisjoint(usage.usage.quantities)):
        return usage.state, None
    doubts = [words.mode_note, _ttl_doubt(words, usage), _output_doubt(counts, usage, words.operation)]
    at_least = None
    if AT_LEAST_OUTPUT in record.attributes:
        at_least = whole_number(record.attributes[AT_LEAST_OUTPUT])
        if at_least and usage.usage and record.attributes.get(OUTCOME) == "aborted":
            doubts.append(f"the output was not counted to its end; at least {at_least} output tokens were received")
    state, note = _with_doubts(usage, [doubt for doubt in doubts if doubt])
    if at_least and not usage.usage:
        note = f"no usage was reported; at least {at_least} output tokens were received"
    return state, note


def _to_the_ns(seconds: float | None) -> float | None:
    """Return a duration at the precision of spans, which is what the ledger keeps of it."""
    return None if seconds is None else round(seconds, 9)


def _usage(words: _Words, dialect: Dialect, counts: Counts, raw: RawUsage | None) -> Split:
    said = split(counts, words.convention, dialect.usual)
    return said if raw is None else reconciled(counts, said, raw)


def _reported_cost(record: SpanRecord, dialect: Dialect, raw: RawUsage | None) -> PicoUsd | None:
    """Return the provider's own charge where its answer names one, before whatever the emitter computed."""
    return usd(raw.cost_usd if raw else None) or dialect.reported_cost(record)


def _tier(served: str) -> str:
    tier = served.lower().rpartition(".")[2]
    return _MODES.get(tier, tier)


def _requested_mode(record: SpanRecord, dialect: Dialect) -> tuple[str, str | None]:
    requested = (dialect.say(record, "requested_mode") or "").lower()
    if requested in _KEPT_REQUESTS:
        return requested, f"the tier served was not reported; {requested} was asked for"
    return STANDARD_MODE, None


def _error_type(record: SpanRecord, words: _Words) -> str | None:
    if record.status_message == ABANDONED:
        return None if words.finish_reason else "cancelled"
    if words.error_type is None and record.status_code != STATUS_ERROR:
        return None
    exception = next((event.attributes for event in record.events if event.name == "exception"), {})
    name = words.error_type or exception.get("exception.type") or record.status_message
    return outcome.error_type(name if isinstance(name, str) else None)


def _ttl_doubt(words: _Words, usage: Split) -> str | None:
    if usage.time_to_live_said or not usage.usage.cache_write_tokens:
        return None
    on_claude = "claude" in (words.response_model or words.requested_model or "").lower()
    return "the cache's time to live was not reported; priced as 5 minutes" if on_claude else None


def _output_doubt(counts: Counts, usage: Split, operation: str) -> str | None:
    # A stream that was cut off has told its input and not yet its output.
    said = counts.output is not None or counts.total is not None or usage.usage.output_tokens > 0
    return "output tokens were not reported" if usage.usage and not said and operation in _ANSWERING else None


def _with_doubts(usage: Split, doubts: list[str]) -> tuple[UsageState, str | None]:
    """Mark a usage as assumed where a price-relevant fact was not reported."""
    notes = [usage.note] if usage.note else []
    state = UsageState.ASSUMED if doubts and usage.state is UsageState.REPORTED else usage.state
    return state, "; ".join(notes + doubts) or None
