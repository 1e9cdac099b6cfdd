"""Building one span, and naming what was read from it."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from costspan.core.attribution import DIMENSIONS
from costspan.core.call import Call
from costspan.core.record import Scope, SpanEvent, SpanRecord
from costspan.semconv.normalize import read_call

START_NS = 1_795_223_400_000_000_000


def span(
    attributes: dict[str, Any],
    *,
    scope: str = "",
    version: str = "",
    name: str = "span",
    resource: dict[str, Any] | None = None,
    events: tuple[SpanEvent, ...] = (),
    status_code: int = 0,
) -> SpanRecord:
    return SpanRecord(
        trace_id="5b8efff798038103d269b633813fc60c",
        span_id="eee19b7ec3c1b174",
        parent_span_id=None,
        name=name,
        kind=3,
        start_ns=START_NS,
        end_ns=START_NS + 2_000_000_000,
        attributes=attributes,
        resource=resource or {"service.name": "shop"},
        scope=Scope(scope, version),
        events=events,
        status_code=status_code,
    )


def event(name: str, after_ns: int = 0, **attributes: Any) -> SpanEvent:
    return SpanEvent(name, START_NS + after_ns, attributes)


def said(record: SpanRecord) -> dict[str, Any]:
    """Return every fact of the call that differs from "not said", by name."""
    call = read_call(record)
    assert call is not None, "the span is no call"
    return facts(call)


def facts(call: Call) -> dict[str, Any]:
    shown: dict[str, Any] = {
        item.name: getattr(call, item.name)
        for item in fields(Call)
        if item.name not in _EVERY_SPAN and getattr(call, item.name) != _UNSAID.get(item.name)
    }
    shown["span_class"] = call.span_class.value
    shown["usage"] = {unit.value: quantity for unit, quantity in call.usage}
    shown["usage_state"] = call.usage_state.value
    shown.update({name: said for name in DIMENSIONS if name != "service" and (said := getattr(call.attribution, name))})
    if call.attribution.tags:
        shown["tags"] = dict(call.attribution.tags)
    return shown


_EVERY_SPAN = {
    "trace_id", "span_id", "parent_span_id", "started_at_ns", "ended_at_ns", "scope_name", "scope_version", "signal",
    "event_key", "call_count", "attempt", "attribution", "usage", "usage_state", "span_class", "server_address",
}  # fmt: skip
_UNSAID = {"operation": "chat", "mode": "standard", "streamed": False, "trace_state": ""}
