"""The older OpenAI instrumentation, opentelemetry-instrumentation-openai-v2 2.4b0, with `gen_ai.system` names."""

from __future__ import annotations

from typing import Final

from costspan.core.call import STANDARD_MODE, Call
from costspan.core.record import AttributeValue, Scope, SpanRecord
from costspan.testing.spans.call import SERVER_ADDRESS, has_usage, plain_attribution, said_only, span_of

_SCOPE: Final = Scope("opentelemetry.instrumentation.openai_v2", "2.4b0")
_SYSTEMS: Final = {"azure": "az.ai.openai"}


def otel_legacy(call: Call) -> SpanRecord:
    """Return the span of the older instrumentation: totals only (no cached or reasoning part), streams without finish
    reason, error types without the SDK's name in front."""
    provider = call.provider or "openai"
    attributes: dict[str, AttributeValue] = {
        "gen_ai.operation.name": call.operation,
        "gen_ai.system": _SYSTEMS.get(provider, provider),
        "gen_ai.request.model": call.requested_model,
        "gen_ai.response.model": call.response_model,
        "gen_ai.response.id": call.response_id,
        "server.address": call.server_address or SERVER_ADDRESS.get(provider),
        "error.type": call.error_type.rpartition(".")[2] if call.error_type else None,
    }
    if call.finish_reason and not call.streamed:
        attributes["gen_ai.response.finish_reasons"] = [call.finish_reason]
    if call.mode != STANDARD_MODE:
        attributes["gen_ai.openai.request.service_tier"] = call.mode
        attributes["gen_ai.openai.response.service_tier"] = None if call.failed else call.mode
    if has_usage(call):
        attributes["gen_ai.usage.input_tokens"] = call.usage.context_tokens
        attributes["gen_ai.usage.output_tokens"] = call.usage.output_tokens
    said = said_only(attributes) | plain_attribution(call.attribution)
    return span_of(call, f"{call.operation} {call.requested_model}", _SCOPE, said)
