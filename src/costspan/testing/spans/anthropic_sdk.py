"""The spans the Anthropic Python SDK 2.11 makes itself, the only ones with the cache lifetime and the tier served."""

from __future__ import annotations

from typing import Final

from costspan.core.call import Call
from costspan.core.record import AttributeValue, Scope, SpanRecord
from costspan.core.units import Unit
from costspan.testing.spans.call import SERVER_ADDRESS, has_usage, plain_attribution, said_only, span_of

_SCOPE: Final = Scope("com.anthropic.sdk.python", "2.11.0")
_STOP_REASONS: Final = {"stop": "end_turn", "length": "max_tokens", "content_filter": "refusal"}
_STATUS: Final = {
    "anthropic.RateLimitError": 429,
    "anthropic.InternalServerError": 500,
    "anthropic.OverloadedError": 529,
}


def anthropic_sdk(call: Call) -> SpanRecord:
    """Return the span of the SDK itself: cache writes by lifetime, tier served, retries it made."""
    attributes: dict[str, AttributeValue] = {
        "gen_ai.operation.name": call.operation,
        "gen_ai.provider.name": "anthropic",
        "gen_ai.request.model": call.requested_model,
        "gen_ai.response.model": call.response_model,
        "gen_ai.response.id": call.response_id,
        "gen_ai.request.stream": call.streamed or None,
        "gen_ai.response.time_to_first_chunk": call.time_to_first_chunk_s,
        "anthropic.response.service_tier": None if call.failed else call.mode,
        "anthropic.message.stop_reason": _STOP_REASONS.get(call.finish_reason or "", call.finish_reason),
        "http.request.method": "POST",
        "http.request.resend_count": call.attempt - 1,
        "http.response.status_code": _STATUS.get(call.error_type) if call.error_type else 200,
        "http.route": "/v1/messages",
        "server.address": call.server_address or SERVER_ADDRESS["anthropic"],
        "error.type": call.error_type,
    }
    if has_usage(call):
        attributes |= _usage(call)
    said = said_only(attributes) | plain_attribution(call.attribution)
    return span_of(call, "anthropic.messages.create", _SCOPE, said)


def _usage(call: Call) -> dict[str, AttributeValue]:
    usage = call.usage
    return {
        "gen_ai.usage.input_tokens": usage.context_tokens,
        "gen_ai.usage.output_tokens": usage.output_tokens,
        "gen_ai.usage.cache_read.input_tokens": usage.cache_read_tokens,
        "gen_ai.usage.cache_write.input_tokens": usage.cache_write_tokens,
        "gen_ai.usage.reasoning.output_tokens": usage.reasoning_tokens,
        "anthropic.usage.cache_creation.ephemeral_5m_input_tokens": usage[Unit.CACHE_WRITE_5M],
        "anthropic.usage.cache_creation.ephemeral_1h_input_tokens": usage[Unit.CACHE_WRITE_1H],
    }
