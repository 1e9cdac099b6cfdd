"""A span record becomes a `Call`: the dialect that recognises it reads it, the conventions make its counts disjoint.

Used by both wings: the server on what it received, the SDK on a finished span. Pure.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Final

from costspan.core.call import STANDARD_MODE, Call, SpanClass, UsageState
from costspan.core.link import Link
from costspan.core.money import PicoUsd
from costspan.core.record import STATUS_ERROR, SpanRecord
from costspan.semconv import outcome, providers
from costspan.semconv.attributes import whole_number
from costspan.semconv.attribution import read_attribution, read_own_attribution
from costspan.semconv.conventions import Counts, Split, split
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
OUTCOME: Final = "costspan.outcome"
"""How the call ended for the one who asked; only the sender knows of a stream that was left or cut off."""
AT_LEAST_OUTPUT: Final = "costspan.usage.lower_bound.output_tokens"
"""What the sender saw of a stream whose usage nobody told. Said, never priced: the usage stays unknown."""
ABANDONED: Final = "abandoned stream"
"""The status of a stream whose reader left the loop (opentelemetry-util-genai 1.3b0): no failure where it had ended."""

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
    operation = dialect.operation(record)
    span_class = dialect.span_class(record, operation)
    return None if span_class is None else _assemble(record, dialect, operation or "chat", span_class)


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


def _assemble(record: SpanRecord, dialect: Dialect, operation: str, span_class: SpanClass) -> Call:
    answer = dialect.answer(record) or _NO_ANSWER
    server_address = dialect.say(record, "server_address")
    mode, mode_note = _mode(record, dialect, answer)
    error_type = _error_type(record, dialect)
    counts = dialect.counts(record)
    usage = _usage(record, dialect, counts, answer.usage)
    if error_type is not None and usage.state is UsageState.MISSING:
        usage = Split(usage.usage, UsageState.REPORTED)
    response_model = dialect.response_model(record) or answer.model
    requested_model = dialect.requested_model(record)
    provider = providers.provider(dialect.provider(record), server_address)
    on_claude = "claude" in (response_model or requested_model or "").lower()
    doubts = [mode_note, _ttl_doubt(usage) if on_claude else None, _output_doubt(counts, usage, operation)]
    at_least = whole_number(record.attributes.get(AT_LEAST_OUTPUT))
    if at_least and usage.usage and record.attributes.get(OUTCOME) == "aborted":
        doubts.append(f"the output was not counted to its end; at least {at_least} output tokens were received")
    state, note = _with_doubts(usage, [doubt for doubt in doubts if doubt])
    if at_least and not usage.usage:
        note = f"no usage was reported; at least {at_least} output tokens were received"
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
        operation=operation,
        provider=provider,
        requested_model=requested_model,
        response_model=response_model,
        response_id=dialect.say(record, "response_id") or answer.response_id,
        server_address=server_address,
        mode=mode,
        usage=usage.usage,
        usage_state=state,
        usage_note=note,
        finish_reason=outcome.finish_reason(dialect.finish_reason(record)),
        error_type=error_type,
        streamed=dialect.streamed(record),
        time_to_first_chunk_s=_to_the_ns(dialect.time_to_first_chunk_s(record)),
        attempt=max(1, whole_number(record.attributes.get(ATTEMPT)) or 1),
        reported_cost=_reported_cost(record, dialect, answer.usage),
        attribution=read_attribution(dialect.attribution_attributes(record), record.resource),
    )


def _to_the_ns(seconds: float | None) -> float | None:
    """Return a duration at the precision of spans, which is what the ledger keeps of it."""
    return None if seconds is None else round(seconds, 9)


def _usage(record: SpanRecord, dialect: Dialect, counts: Counts, raw: RawUsage | None) -> Split:
    said = split(counts, dialect.convention(record), dialect.usual)
    return said if raw is None else reconciled(counts, said, raw)


def _reported_cost(record: SpanRecord, dialect: Dialect, raw: RawUsage | None) -> PicoUsd | None:
    """Return the provider's own charge where its answer names one, before whatever the emitter computed."""
    return usd(raw.cost_usd if raw else None) or dialect.reported_cost(record)


def _mode(record: SpanRecord, dialect: Dialect, answer: Answer) -> tuple[str, str | None]:
    served = dialect.say(record, "served_mode") or answer.mode
    if served is not None:
        tier = served.lower().rpartition(".")[2]
        return _MODES.get(tier, tier), None
    requested = (dialect.say(record, "requested_mode") or "").lower()
    if requested in _KEPT_REQUESTS:
        return requested, f"the tier served was not reported; {requested} was asked for"
    return STANDARD_MODE, None


def _error_type(record: SpanRecord, dialect: Dialect) -> str | None:
    if record.status_message == ABANDONED:
        return None if dialect.finish_reason(record) else "cancelled"
    sent = dialect.error_type(record)
    if sent is None and record.status_code != STATUS_ERROR:
        return None
    exception = next((event.attributes for event in record.events if event.name == "exception"), {})
    name = sent or exception.get("exception.type") or record.status_message
    return outcome.error_type(name if isinstance(name, str) else None)


def _ttl_doubt(usage: Split) -> str | None:
    if usage.usage.cache_write_tokens and not usage.time_to_live_said:
        return "the cache's time to live was not reported; priced as 5 minutes"
    return None


def _output_doubt(counts: Counts, usage: Split, operation: str) -> str | None:
    # A stream that was cut off has told its input and not yet its output.
    said = counts.output is not None or counts.total is not None or usage.usage.output_tokens > 0
    return "output tokens were not reported" if usage.usage and not said and operation in _ANSWERING else None


def _with_doubts(usage: Split, doubts: list[str]) -> tuple[UsageState, str | None]:
    """Mark a usage as assumed where a price-relevant fact was not reported."""
    notes = [usage.note] if usage.note else []
    state = UsageState.ASSUMED if doubts and usage.state is UsageState.REPORTED else usage.state
    return state, "; ".join(notes + doubts) or None
