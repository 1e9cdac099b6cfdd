"""A call that happened, for builders to tell in their dialect; and the parts all dialects share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from costspan.core.attribution import Attribution
from costspan.core.call import Call, UsageState
from costspan.core.record import STATUS_ERROR, Attributes, AttributeValue, Scope, SpanRecord
from costspan.core.units import Unit
from costspan.core.usage import Usage

INTERNAL: Final = 1
SERVER: Final = 2
CLIENT: Final = 3
"""`Span.SpanKind` of OTLP."""

NOVEMBER_2026_NS: Final = 1_793_534_400_000_000_000
"""2026-11-01T12:00:00Z, the moment of a sample call."""

SERVER_ADDRESS: Final = {
    "openai": "api.openai.com",
    "anthropic": "api.anthropic.com",
    "google": "generativelanguage.googleapis.com",
    "azure": "acme.openai.azure.com",
}


def sample_call(**said: Any) -> Call:
    """Return a successful OpenAI chat of 1,000 uncached input and 200 output tokens, with `said` in place of defaults.

    `said` takes the fields of `Call`, and besides `usage` also the quantities themselves by unit name
    (`input=87, cache_read=1_000`); `usage=None` is a call that reported none.
    """
    units = {unit: said.pop(unit.value) for unit in Unit if unit.value in said}
    if "usage" in said and said["usage"] is None:
        said |= {"usage": Usage(), "usage_state": UsageState.MISSING}
    model = said.get("requested_model", "gpt-5.4")
    defaults: dict[str, Any] = {
        "trace_id": "5b8efff798038103d269b633813fc60c",
        "span_id": "eee19b7ec3c1b174",
        "parent_span_id": None,
        "started_at_ns": NOVEMBER_2026_NS,
        "ended_at_ns": said.get("started_at_ns", NOVEMBER_2026_NS) + 1_500_000_000,
        "dialect": "",
        "provider": "openai",
        "requested_model": model,
        "response_model": None if said.get("error_type") else model,
        "response_id": None if said.get("error_type") else "chatcmpl-1",
        "usage": Usage(units or ({} if said.get("error_type") else {Unit.INPUT: 1_000, Unit.OUTPUT: 200})),
        "finish_reason": None if said.get("error_type") else "stop",
        "attribution": Attribution(service="sample", environment="test"),
    }
    return Call(**(defaults | said))


def has_usage(call: Call) -> bool:
    """Tell whether the provider said what the call used; otherwise no emitter sends a usage attribute."""
    return not call.failed and call.usage_state is not UsageState.MISSING


def said_only(attributes: Mapping[str, AttributeValue]) -> dict[str, AttributeValue]:
    """Return the attributes without those whose value is None or 0: SDKs leave such attributes away."""
    return {key: value for key, value in attributes.items() if value is not None and value != 0}


def plain_attribution(who: Attribution) -> dict[str, AttributeValue]:
    """Return attribution under the plain span keys an application sets beside an instrumentation's own."""
    return said_only(
        {
            "feature": who.feature,
            "team": who.team,
            "user_id": who.user_id,
            "session.id": who.session,
            **{f"costspan.tag.{name}": value for name, value in who.tags.items()},
        }
    )


def resource_of(who: Attribution) -> Attributes:
    """Return the resource attributes of the service the call was made in."""
    return said_only(
        {
            "service.name": who.service,
            "deployment.environment.name": who.environment,
            "telemetry.sdk.language": "python",
            "telemetry.sdk.name": "opentelemetry",
            "telemetry.sdk.version": "1.45.2",
        }
    )


def span_of(call: Call, name: str, scope: Scope, attributes: Attributes, *, kind: int = CLIENT) -> SpanRecord:
    """Return the span that tells `call`, with identity, time, resource and status taken from it."""
    return SpanRecord(
        trace_id=call.trace_id,
        span_id=call.span_id,
        parent_span_id=call.parent_span_id,
        name=name,
        kind=kind,
        start_ns=call.started_at_ns,
        end_ns=call.ended_at_ns,
        attributes=attributes,
        resource=resource_of(call.attribution),
        scope=scope,
        status_code=STATUS_ERROR if call.failed else 0,
        status_message=call.error_type or "",
    )
