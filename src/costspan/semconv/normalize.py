"""A span record becomes a `Call`: the dialect that recognises it reads it, the conventions make its counts disjoint.

Used by both wings: the server on what it received, the SDK on a finished span. Pure.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from costspan.core.call import STANDARD_MODE, Call, SpanClass, UsageState
from costspan.core.link import Link
from costspan.core.record import STATUS_ERROR, SpanRecord
from costspan.core.units import Unit
from costspan.semconv import outcome, providers
from costspan.semconv.attribution import read_attribution, read_own_attribution
from costspan.semconv.conventions import Split, known_convention, split
from costspan.semconv.dialects import DIALECTS
from costspan.semconv.dialects import MARKERS as CALL_MARKERS
from costspan.semconv.dialects.base import Dialect
from costspan.semconv.tools import TOOL_MARKERS, tool_name

MARKERS: Final = tuple(dict.fromkeys(CALL_MARKERS + TOOL_MARKERS))
"""A span without any of these byte strings is neither a model call nor a tool and is not parsed as one."""

_MODES: Final = {"default": STANDARD_MODE, "auto": STANDARD_MODE, "standard": STANDARD_MODE, "on_demand": STANDARD_MODE}
_KEPT_REQUESTS: Final = frozenset({"flex", "batch"})
"""Tiers a provider serves as asked or refuses. `priority` may be served as standard, so asking proves nothing."""


def read_call(record: SpanRecord) -> Call | None:
    """Return the call a span claims, or None for a span that claims neither a model request nor usage."""
    dialect = next((candidate for candidate in DIALECTS if candidate.recognizes(record)), None)
    if dialect is None:
        return None
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
    attributes = record.attributes
    server_address = dialect.say(attributes, "server_address")
    mode, mode_note = _mode(record, dialect)
    error_type = _error_type(record, dialect)
    counts = dialect.counts(record)
    usage = split(counts, known_convention(record.scope.name, record.scope.version))
    if error_type is not None and usage.state is UsageState.MISSING:
        usage = Split(usage.usage, UsageState.REPORTED)
    response_model = dialect.response_model(record)
    requested_model = dialect.requested_model(record)
    ttl_unsaid = counts.cache_write_5m is None and "claude" in (response_model or requested_model or "").lower()
    state, note = _with_doubts(usage, mode_note, ttl_unsaid=ttl_unsaid)
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
        provider=providers.provider(dialect.provider(record), server_address),
        requested_model=requested_model,
        response_model=response_model,
        response_id=dialect.say(attributes, "response_id"),
        server_address=server_address,
        mode=mode,
        usage=usage.usage,
        usage_state=state,
        usage_note=note,
        finish_reason=outcome.finish_reason(dialect.finish_reason(record)),
        error_type=error_type,
        streamed=dialect.streamed(record),
        time_to_first_chunk_s=dialect.time_to_first_chunk_s(record),
        reported_cost=dialect.reported_cost(record),
        attribution=read_attribution(attributes, record.resource),
    )


def _mode(record: SpanRecord, dialect: Dialect) -> tuple[str, str | None]:
    served = dialect.say(record.attributes, "served_mode")
    if served is not None:
        return _MODES.get(served.lower(), served.lower()), None
    requested = (dialect.say(record.attributes, "requested_mode") or "").lower()
    if requested in _KEPT_REQUESTS:
        return requested, f"the tier served was not reported; {requested} was asked for"
    return STANDARD_MODE, None


def _error_type(record: SpanRecord, dialect: Dialect) -> str | None:
    sent = dialect.say(record.attributes, "error_type")
    if sent is None and record.status_code != STATUS_ERROR:
        return None
    exception = next((event.attributes for event in record.events if event.name == "exception"), {})
    name = sent or exception.get("exception.type") or record.status_message
    return outcome.error_type(name if isinstance(name, str) else None)


def _with_doubts(usage: Split, mode_note: str | None, *, ttl_unsaid: bool) -> tuple[UsageState, str | None]:
    """Mark a usage as assumed where a price-relevant fact was not reported."""
    notes = [usage.note] if usage.note else []
    doubts = [mode_note] if mode_note else []
    if ttl_unsaid and usage.usage[Unit.CACHE_WRITE_5M]:
        doubts.append("the cache's time to live was not reported; priced as 5 minutes")
    state = UsageState.ASSUMED if doubts and usage.state is UsageState.REPORTED else usage.state
    return state, "; ".join(notes + doubts) or None
