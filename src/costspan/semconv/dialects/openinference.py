"""OpenInference (Arize): `llm.token_count.*` beside `openinference.span.kind`.

Source: Arize-ai/openinference spec/semantic_conventions.md; captured from openinference-instrumentation-openai 0.1.66.
The requested model stands only in `llm.invocation_parameters`, the response id only in the raw answer.
"""

from __future__ import annotations

from typing import ClassVar, Final

from costspan.core.call import SpanClass
from costspan.core.clock import NS_PER_S
from costspan.core.record import Attributes, SpanRecord
from costspan.semconv.attributes import first, json_object, text
from costspan.semconv.dialects.base import Dialect, Vocabulary

KIND: Final = "openinference.span.kind"
_OPERATIONS: Final = {"LLM": "chat", "EMBEDDING": "embeddings", "RERANKER": "rerank"}
_AGGREGATES: Final = frozenset({"CHAIN", "AGENT", "TOOL", "RETRIEVER", "GUARDRAIL", "EVALUATOR", "PROMPT"})
_FIRST_TOKEN: Final = "First Token Stream Event"  # noqa: S105 - an event name
_PARAMETERS: Final = ("llm.invocation_parameters", "embedding.invocation_parameters")


class OpenInference(Dialect):
    """Spans of the OpenInference instrumentations."""

    name: ClassVar = "openinference"
    source: ClassVar = "Arize-ai/openinference 0.1.66"
    markers: ClassVar = (b"openinference.", b"llm.token_count")
    vocabulary: ClassVar = Vocabulary(
        provider=("llm.provider", "llm.system"),
        requested_model=("llm.request.model_name",),
        response_model=("llm.response.model_name", "llm.model_name", "embedding.model_name", "reranker.model_name"),
        finish_reason=("llm.finish_reason",),
        reported_cost_usd=("llm.cost.total",),
        input=("llm.token_count.prompt",),
        output=("llm.token_count.completion",),
        total=("llm.token_count.total",),
        cache_read=("llm.token_count.prompt_details.cache_read", "llm.token_count.prompt_details.cache_input"),
        cache_write=("llm.token_count.prompt_details.cache_write",),
        reasoning=("llm.token_count.completion_details.reasoning",),
        input_audio=("llm.token_count.prompt_details.audio",),
        output_audio=("llm.token_count.completion_details.audio",),
    )

    def recognizes(self, record: SpanRecord) -> bool:
        """Return True when the span carries OpenInference's kind or one of its token counts."""
        return KIND in record.attributes or self.claims_usage(record)

    def operation(self, record: SpanRecord) -> str | None:
        """Return the operation for the span's kind; a span with counts and no kind is a chat."""
        kind = (first(record.attributes, (KIND,), text) or "").upper()
        return _OPERATIONS.get(kind) or (None if kind in _AGGREGATES else "chat")

    def span_class(self, record: SpanRecord, operation: str | None) -> SpanClass | None:
        """Return AGGREGATE for chain, agent and tool spans that carry usage of what is below them."""
        if operation is None:
            return SpanClass.AGGREGATE if self.claims_usage(record) else None
        return super().span_class(record, operation)

    def requested_model(self, record: SpanRecord) -> str | None:
        """Return the model of the request parameters."""
        return super().requested_model(record) or first(self._parameters(record), ("model",), text)

    def streamed(self, record: SpanRecord) -> bool:
        """Return True when the request asked for a stream."""
        return self._parameters(record).get("stream") is True

    def time_to_first_chunk_s(self, record: SpanRecord) -> float | None:
        """Return seconds from the start to the first-token event."""
        arrival_ns = next((event.time_ns for event in record.events if event.name == _FIRST_TOKEN), None)
        return None if arrival_ns is None else max(0, arrival_ns - record.start_ns) / NS_PER_S

    @staticmethod
    def _parameters(record: SpanRecord) -> Attributes:
        return next((json_object(record.attributes[key]) for key in _PARAMETERS if key in record.attributes), {})
