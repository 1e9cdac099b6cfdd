"""The current OpenTelemetry GenAI conventions, and every emitter that keeps to them.

Source: open-telemetry/semantic-conventions-genai as of 2026-09; captured from opentelemetry-instrumentation-genai-*
1.3b0.
Both names of the cache write are alive: `cache_creation` (1.40 to 1.41) became `cache_write` in August 2026.
"""

from __future__ import annotations

from typing import ClassVar

from costspan.core.record import SpanRecord
from costspan.semconv.dialects.base import Dialect, Vocabulary

VOCABULARY = Vocabulary(
    operation=("gen_ai.operation.name",),
    provider=("gen_ai.provider.name", "gen_ai.system"),
    requested_model=("gen_ai.request.model",),
    response_model=("gen_ai.response.model",),
    response_id=("gen_ai.response.id",),
    served_mode=(
        "openai.response.service_tier",
        "gen_ai.openai.response.service_tier",
        "anthropic.response.service_tier",
    ),
    requested_mode=("openai.request.service_tier", "gen_ai.openai.request.service_tier"),
    finish_reason=("gen_ai.response.finish_reasons", "gen_ai.response.finish_reason"),
    streamed=("gen_ai.request.stream", "gen_ai.is_streaming"),
    time_to_first_chunk_s=("gen_ai.response.time_to_first_chunk", "gen_ai.server.time_to_first_token"),
    reported_cost_usd=("gen_ai.usage.cost_usd", "gen_ai.usage.cost.amount", "gen_ai.usage.cost"),
    input=("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens"),
    output=("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens"),
    total=("gen_ai.usage.total_tokens",),
    cache_read=(
        "gen_ai.usage.cache_read.input_tokens",
        "gen_ai.usage.cache_read_input_tokens",
        "gen_ai.usage.cache_read_tokens",
    ),
    cache_write=(
        "gen_ai.usage.cache_write.input_tokens",
        "gen_ai.usage.cache_creation.input_tokens",
        "gen_ai.usage.cache_creation_input_tokens",
        "gen_ai.usage.cache_write_input_tokens",
        "gen_ai.usage.cache_write_tokens",
    ),
    reasoning=("gen_ai.usage.reasoning.output_tokens", "gen_ai.usage.reasoning_tokens"),
    input_audio=("gen_ai.usage.audio.input_tokens",),
    cache_read_audio=("gen_ai.usage.audio.cache_read.input_tokens",),
    output_audio=("gen_ai.usage.audio.output_tokens",),
    input_image=("gen_ai.usage.image.input_tokens",),
    output_image=("gen_ai.usage.image.output_tokens",),
)


class OtelGenAI(Dialect):
    """Anything with `gen_ai.*` that no narrower dialect claims."""

    name: ClassVar = "otel_genai"
    source: ClassVar = "open-telemetry/semantic-conventions-genai, 2026-09"
    markers: ClassVar = (b"gen_ai.",)
    vocabulary: ClassVar = VOCABULARY

    def recognizes(self, record: SpanRecord) -> bool:
        """Return True for a span with an operation, a provider or usage under the `gen_ai.` names."""
        return any(key.startswith("gen_ai.") for key in record.attributes)
