"""OpenLLMetry (Traceloop) 0.62.4: standard names, attribution in `traceloop.association.properties.*`."""

from __future__ import annotations

from typing import Final

from costspan.core.attribution import Attribution
from costspan.core.call import Call
from costspan.core.record import AttributeValue, Scope, SpanRecord
from costspan.testing.spans.call import SERVER_ADDRESS, has_usage, said_only, span_of

VERSION: Final = "0.62.4"
_SCOPES: Final = {
    "openai": Scope("opentelemetry.instrumentation.openai.v1", VERSION),
    "anthropic": Scope("opentelemetry.instrumentation.anthropic", VERSION),
}


def openllmetry(call: Call) -> SpanRecord:
    """Return the span of an OpenLLMetry instrumentation: cache writes only for Anthropic and under the older name,
    reasoning lost on streams, no service tier."""
    provider = call.provider or "openai"
    attributes: dict[str, AttributeValue] = {
        "gen_ai.operation.name": call.operation,
        "gen_ai.provider.name": provider,
        "llm.request.type": call.operation,
        "gen_ai.request.model": call.requested_model,
        "gen_ai.response.model": call.response_model,
        "gen_ai.response.id": call.response_id,
        "gen_ai.user": call.attribution.user_id,
        "server.address": call.server_address or SERVER_ADDRESS.get(provider),
        "error.type": call.error_type,
    }
    if call.finish_reason:
        attributes["gen_ai.response.finish_reasons"] = [call.finish_reason]
    if has_usage(call):
        attributes |= _usage(call, provider)
    said = said_only(attributes) | {"gen_ai.is_streaming": call.streamed} | _who(call.attribution)
    return span_of(call, f"{provider}.{call.operation}", _SCOPES[provider], said)


def _usage(call: Call, provider: str) -> dict[str, AttributeValue]:
    usage = call.usage
    return {
        "gen_ai.usage.input_tokens": usage.context_tokens,
        "gen_ai.usage.output_tokens": usage.output_tokens,
        "gen_ai.usage.total_tokens": usage.context_tokens + usage.output_tokens,
        "gen_ai.usage.cache_read.input_tokens": usage.cache_read_tokens,
        "gen_ai.usage.cache_creation.input_tokens": usage.cache_write_tokens if provider == "anthropic" else None,
        "gen_ai.usage.reasoning_tokens": None if call.streamed else usage.reasoning_tokens,
    }


def _who(who: Attribution) -> dict[str, AttributeValue]:
    named = {"feature": who.feature, "team": who.team, "user_id": who.user_id, "session_id": who.session, **who.tags}
    return said_only({f"traceloop.association.properties.{name}": value for name, value in named.items()})
