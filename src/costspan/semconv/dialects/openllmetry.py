"""OpenLLMetry (Traceloop): its own scope names, today's and older usage keys, and association properties.

Source: captured from opentelemetry-instrumentation-openai 0.62.4 and traceloop-sdk 0.62.4; names before 0.50 from its
changelog. Its packages share the prefix `opentelemetry.instrumentation.` with the official ones, which add `genai.`
or `_v2`.
"""

from __future__ import annotations

import re
from typing import ClassVar, Final

from costspan.core.call import SpanClass
from costspan.core.record import SpanRecord
from costspan.semconv.attributes import first, text
from costspan.semconv.dialects.base import Dialect, Vocabulary

SCOPES: Final = re.compile(
    r"opentelemetry\.instrumentation\.(openai(\.v[01])?|anthropic|bedrock|cohere|groq|mistralai|ollama|together|replicate"
    r"|vertexai|google_generativeai|watsonx|sagemaker|alephalpha|langchain|llamaindex|haystack|crewai|agno|openai_agents)$"
)
"""Scope names of its instrumentation packages."""

_REQUEST_TYPES: Final = {"chat": "chat", "completion": "text_completion", "embedding": "embeddings", "rerank": "rerank"}


class OpenLLMetry(Dialect):
    """Spans of OpenLLMetry's instrumentations; its workflow, task, agent and tool spans carry no usage of their own."""

    name: ClassVar = "openllmetry"
    source: ClassVar = "traceloop/openllmetry 0.40 to 0.62.4"
    markers: ClassVar = (b"gen_ai.", b"llm.request.type", b"traceloop.")
    vocabulary: ClassVar = Vocabulary(
        operation=("gen_ai.operation.name",),
        provider=("gen_ai.provider.name", "gen_ai.system"),
        requested_model=("gen_ai.request.model",),
        response_model=("gen_ai.response.model",),
        response_id=("gen_ai.response.id",),
        served_mode=("openai.response.service_tier", "gen_ai.openai.response.service_tier"),
        requested_mode=("openai.request.service_tier", "gen_ai.openai.request.service_tier"),
        finish_reason=(
            "gen_ai.response.finish_reasons",
            "gen_ai.response.finish_reason",
            "gen_ai.completion.0.finish_reason",
        ),
        streamed=("gen_ai.is_streaming", "llm.is_streaming", "gen_ai.request.stream"),
        time_to_first_chunk_s=("gen_ai.response.time_to_first_chunk",),
        input=("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.usage.prompt_tokens"),
        output=("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens", "llm.usage.completion_tokens"),
        total=("gen_ai.usage.total_tokens", "llm.usage.total_tokens"),
        cache_read=("gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cache_read_input_tokens"),
        cache_write=(
            "gen_ai.usage.cache_write.input_tokens",
            "gen_ai.usage.cache_creation.input_tokens",
            "gen_ai.usage.cache_creation_input_tokens",
        ),
        reasoning=("gen_ai.usage.reasoning.output_tokens", "gen_ai.usage.reasoning_tokens"),
    )

    def recognizes(self, record: SpanRecord) -> bool:
        """Return True for its scopes and for its own keys; scope first, since keys are copied between emitters."""
        if SCOPES.fullmatch(record.scope.name):
            return True
        return "llm.request.type" in record.attributes or "traceloop.span.kind" in record.attributes

    def operation(self, record: SpanRecord) -> str | None:
        """Return the operation, from the old request type where the new name is absent."""
        said = super().operation(record)
        if said:
            return said
        return _REQUEST_TYPES.get(first(record.attributes, ("llm.request.type",), text) or "")

    def span_class(self, record: SpanRecord, operation: str | None) -> SpanClass | None:
        """Return AGGREGATE for a workflow, task or agent span that repeats usage, as older versions did."""
        if "traceloop.span.kind" in record.attributes and "gen_ai.request.model" not in record.attributes:
            return SpanClass.AGGREGATE if self.claims_usage(record) else None
        return super().span_class(record, operation)
