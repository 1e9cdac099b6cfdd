"""The current OpenTelemetry GenAI family, 1.3b0: openai, anthropic, google-genai."""

from __future__ import annotations

from typing import Final, Literal

from costspan.core.call import STANDARD_MODE, Call
from costspan.core.record import AttributeValue, Scope, SpanRecord
from costspan.testing.spans.call import SERVER_ADDRESS, has_usage, plain_attribution, said_only, span_of

VERSION: Final = "1.3b0"
_OPENAI: Final = Scope("opentelemetry.instrumentation.genai.openai", VERSION)
_SCOPES: Final = {
    "anthropic": Scope("opentelemetry.instrumentation.genai.anthropic", VERSION),
    "google": Scope("opentelemetry.instrumentation.google_genai", VERSION),
}
_PROVIDER_NAMES: Final = {"azure": "azure.ai.openai", "google": "gemini"}
"""What the emitter calls the provider where it differs; google-genai 1.3b0 sends `gemini`, which is in no list."""


def otel_genai(call: Call, *, cache_write: Literal["cache_write", "cache_creation"] = "cache_write") -> SpanRecord:
    """Return the span of a current instrumentation.

    `cache_write` is the spelling of written-to-cache tokens: `cache_creation` up to semconv 1.41, `cache_write` since
    August 2026. Input includes cached tokens, output includes reasoning. Only OpenAI spans carry the service tier.
    """
    provider = call.provider or "openai"
    attributes: dict[str, AttributeValue] = {
        "gen_ai.operation.name": call.operation,
        "gen_ai.provider.name": _PROVIDER_NAMES.get(provider, provider),
        "gen_ai.request.model": call.requested_model,
        "gen_ai.response.model": call.response_model,
        "gen_ai.response.id": None if call.operation == "embeddings" else call.response_id,
        "gen_ai.request.stream": call.streamed or None,
        "gen_ai.response.time_to_first_chunk": call.time_to_first_chunk_s,
        "server.address": call.server_address or SERVER_ADDRESS.get(provider),
        "server.port": 443,
        "error.type": call.error_type,
    }
    if call.finish_reason and call.operation != "embeddings":
        attributes["gen_ai.response.finish_reasons"] = [call.finish_reason]
    if provider in {"openai", "azure"} and call.mode != STANDARD_MODE:
        attributes["openai.request.service_tier"] = call.mode
        attributes["openai.response.service_tier"] = None if call.failed else call.mode
    if has_usage(call):
        attributes |= _usage(call, cache_write)
    name = f"{call.operation} {call.requested_model}"
    said = said_only(attributes) | plain_attribution(call.attribution)
    return span_of(call, name, _SCOPES.get(provider, _OPENAI), said)


def _usage(call: Call, cache_write: str) -> dict[str, AttributeValue]:
    return {
        "gen_ai.usage.input_tokens": call.usage.context_tokens,
        "gen_ai.usage.output_tokens": call.usage.output_tokens,
        "gen_ai.usage.cache_read.input_tokens": call.usage.cache_read_tokens,
        f"gen_ai.usage.{cache_write}.input_tokens": call.usage.cache_write_tokens,
        "gen_ai.usage.reasoning.output_tokens": call.usage.reasoning_tokens,
    }
