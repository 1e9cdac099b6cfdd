"""The `gen_ai.system` era: semantic conventions up to 1.36 and instrumentations that stayed there.

Source: open-telemetry/semantic-conventions v1.27 to v1.36; captured from opentelemetry-instrumentation-openai-v2 2.4b0
and @opentelemetry/instrumentation-openai 0.21.0. Cached and reasoning tokens were not reported then, so a call of this
dialect may be priced too high where a cache was used; nothing in the span says so.
"""

from __future__ import annotations

from typing import ClassVar

from costspan.core.record import SpanRecord
from costspan.semconv.dialects.base import Dialect, Vocabulary


class OtelGenAILegacy(Dialect):
    """Spans that name the provider `gen_ai.system` and not `gen_ai.provider.name`."""

    name: ClassVar = "otel_genai_legacy"
    source: ClassVar = "open-telemetry/semantic-conventions v1.36"
    markers: ClassVar = (b"gen_ai.system",)
    vocabulary: ClassVar = Vocabulary(
        operation=("gen_ai.operation.name",),
        provider=("gen_ai.system",),
        requested_model=("gen_ai.request.model",),
        response_model=("gen_ai.response.model",),
        response_id=("gen_ai.response.id",),
        served_mode=("gen_ai.openai.response.service_tier", "openai.response.service_tier"),
        requested_mode=("gen_ai.openai.request.service_tier", "openai.request.service_tier"),
        finish_reason=("gen_ai.response.finish_reasons",),
        streamed=("gen_ai.request.stream", "gen_ai.is_streaming"),
        time_to_first_chunk_s=("gen_ai.server.time_to_first_token",),
        reported_cost_usd=("gen_ai.usage.cost",),
        input=("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens"),
        output=("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens"),
        total=("gen_ai.usage.total_tokens",),
        cache_read=("gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cache_read_input_tokens"),
        cache_write=("gen_ai.usage.cache_creation.input_tokens", "gen_ai.usage.cache_creation_input_tokens"),
        reasoning=("gen_ai.usage.reasoning_tokens",),
    )

    def recognizes(self, record: SpanRecord) -> bool:
        """Return True when only the old provider key is there."""
        return "gen_ai.system" in record.attributes and "gen_ai.provider.name" not in record.attributes
