"""The `gen_ai.*` keys of all times, best first: what nearly every dialect falls back to.

Source: open-telemetry/semantic-conventions-genai as of 2026-09, semantic-conventions v1.27 to v1.41, and the suffixes
that Sentry (`input_tokens.cached`), OpenRouter, Strands and pydantic-ai (`details.*`) put under the same prefix.
Both names of the cache write are alive: `cache_creation` (1.40 to 1.41) became `cache_write` in August 2026.
What has no name there is `costspan.usage.` and the unit of the ledger, as our own SDK wing writes it.
"""

from __future__ import annotations

from typing import Final

from costspan.semconv.dialects.base import Vocabulary

GEN_AI: Final = Vocabulary(
    operation=("gen_ai.operation.name",),
    provider=("gen_ai.provider.name", "gen_ai.system"),
    requested_model=("gen_ai.request.model",),
    response_model=("gen_ai.response.model",),
    response_id=("gen_ai.response.id",),
    served_mode=(
        "openai.response.service_tier",
        "gen_ai.openai.response.service_tier",
        "anthropic.response.service_tier",
        "gen_ai.response.service_tier",
        "costspan.served_tier",
    ),
    requested_mode=(
        "openai.request.service_tier",
        "gen_ai.openai.request.service_tier",
        "gen_ai.request.service_tier",
    ),
    finish_reason=(
        "gen_ai.response.finish_reasons",
        "gen_ai.response.finish_reason",
        "gen_ai.completion.0.finish_reason",
    ),
    streamed=("gen_ai.request.stream", "gen_ai.is_streaming"),
    time_to_first_chunk_s=("gen_ai.response.time_to_first_chunk", "gen_ai.server.time_to_first_token"),
    reported_cost_usd=(
        "gen_ai.usage.cost_usd",
        "gen_ai.usage.cost.amount",
        "gen_ai.usage.cost",
        "gen_ai.usage.total_cost",
    ),
    input=("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens"),
    output=("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens"),
    total=("gen_ai.usage.total_tokens",),
    cache_read=(
        "gen_ai.usage.cache_read.input_tokens",
        "gen_ai.usage.cache_read_input_tokens",
        "gen_ai.usage.cache_read_tokens",
        "gen_ai.usage.input_tokens.cached",
        "gen_ai.usage.details.cache_read_tokens",
        "gen_ai.usage.details.cache_read_input_tokens",
        "gen_ai.usage.details.cached_tokens",
    ),
    cache_write=(
        "gen_ai.usage.cache_write.input_tokens",
        "gen_ai.usage.cache_creation.input_tokens",
        "gen_ai.usage.cache_creation_input_tokens",
        "gen_ai.usage.cache_write_input_tokens",
        "gen_ai.usage.cache_write_tokens",
        "gen_ai.usage.input_tokens.cache_write",
        "gen_ai.usage.input_tokens.cache_creation",
        "gen_ai.usage.details.cache_write_tokens",
        "gen_ai.usage.details.cache_creation_input_tokens",
    ),
    cache_write_5m=("anthropic.usage.cache_creation.ephemeral_5m_input_tokens", "costspan.usage.cache_write_5m"),
    cache_write_30m=("costspan.usage.cache_write_30m",),
    cache_write_1h=("anthropic.usage.cache_creation.ephemeral_1h_input_tokens", "costspan.usage.cache_write_1h"),
    cache_write_12h=("costspan.usage.cache_write_12h",),
    reasoning=(
        "gen_ai.usage.reasoning.output_tokens",
        "gen_ai.usage.reasoning_tokens",
        "gen_ai.usage.output_tokens.reasoning",
        "gen_ai.usage.details.reasoning_tokens",
        "gen_ai.usage.details.thoughts_tokens",
    ),
    input_audio=("gen_ai.usage.audio.input_tokens", "gen_ai.usage.details.input_audio_tokens"),
    cache_read_audio=("gen_ai.usage.audio.cache_read.input_tokens", "gen_ai.usage.details.cache_audio_read_tokens"),
    output_audio=("gen_ai.usage.audio.output_tokens", "gen_ai.usage.details.output_audio_tokens"),
    input_image=("gen_ai.usage.image.input_tokens",),
    output_image=("gen_ai.usage.image.output_tokens",),
    tool_use_input=("costspan.usage.tool_use_input",),
    web_search=("costspan.usage.web_search",),
    grounding=("costspan.usage.grounding",),
    code_execution=("costspan.usage.code_execution",),
)
