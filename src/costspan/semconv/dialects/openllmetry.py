"""OpenLLMetry (Traceloop): its own scope names, today's and older usage keys, and association properties.

Source: captured from opentelemetry-instrumentation-openai 0.62.4 and traceloop-sdk 0.62.4; names before 0.50 from its
changelog. Its packages share the prefix `opentelemetry.instrumentation.` with the official ones, which add `genai.`
or `_v2`. OpenAI's cache writes are lost, and reasoning where the answer is streamed.
"""

from __future__ import annotations

from typing import ClassVar, Final

from costspan.core.call import SpanClass
from costspan.core.record import SpanRecord
from costspan.semconv.attributes import first, text
from costspan.semconv.dialects.base import Dialect
from costspan.semconv.dialects.vocabulary import GEN_AI

_PACKAGES: Final = (
    "openai openai.v0 openai.v1 anthropic bedrock cohere groq mistralai ollama together replicate vertexai"
    " google_generativeai watsonx sagemaker alephalpha langchain llamaindex haystack crewai agno openai_agents"
    " transformers writer"
)
_REQUEST_TYPES: Final = {"chat": "chat", "completion": "text_completion", "embedding": "embeddings", "rerank": "rerank"}


class OpenLLMetry(Dialect):
    """Spans of OpenLLMetry's instrumentations; its workflow, task, agent and tool spans carry no usage of their own."""

    name = "openllmetry"
    source = "traceloop/openllmetry 0.40 to 0.62.4"
    markers = (b"gen_ai.", b"llm.request.type", b"llm.usage.")
    scopes = (
        *(f"opentelemetry.instrumentation.{package}" for package in _PACKAGES.split()),
        "traceloop*",
        "@traceloop/*",
    )
    tell_tales: ClassVar = ("llm.request.type", "traceloop.span.kind", "traceloop.workflow.name")
    vocabulary = GEN_AI.after(
        streamed=("gen_ai.is_streaming", "llm.is_streaming"),
        input=("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.usage.prompt_tokens"),
        output=("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens", "llm.usage.completion_tokens"),
        total=("gen_ai.usage.total_tokens", "llm.usage.total_tokens"),
    )

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
