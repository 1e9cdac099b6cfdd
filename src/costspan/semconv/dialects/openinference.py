"""OpenInference (Arize): `llm.token_count.*` beside `openinference.span.kind`.

Source: Arize-ai/openinference spec/semantic_conventions.md; captured from openinference-instrumentation-openai 0.1.66,
-langchain 0.1.80 and -openai-agents 2.6.0. The requested model stands only in `llm.invocation_parameters`; the response
id, the tier and Anthropic's times to live only in the raw answer (`output.value`).
"""

from __future__ import annotations

import re
from typing import ClassVar, Final

from costspan.core.call import SpanClass
from costspan.core.clock import NS_PER_S
from costspan.core.record import Attributes, SpanRecord
from costspan.semconv.attributes import first, json_object, text
from costspan.semconv.conventions import INCLUSIVE
from costspan.semconv.dialects.base import Dialect, Vocabulary
from costspan.semconv.raw_usage import Answer, read_answer

KIND: Final = "openinference.span.kind"
_OPERATIONS: Final = {"LLM": "chat", "EMBEDDING": "embeddings", "RERANKER": "rerank"}
_AGGREGATES: Final = frozenset({"CHAIN", "AGENT", "TOOL", "RETRIEVER", "GUARDRAIL", "EVALUATOR", "PROMPT", "UNKNOWN"})
_FIRST_TOKEN: Final = "First Token Stream Event"  # noqa: S105 - an event name
_PARAMETERS: Final = ("llm.invocation_parameters", "embedding.invocation_parameters")
_CUT_OFF_ID: Final = re.compile(r'"id"\s*:\s*"((?:chatcmpl-|resp_|msg_|gen-)[A-Za-z0-9_-]{4,128})"')
_HEAD_CHARS: Final = 4000


class OpenInference(Dialect):
    """Spans of the OpenInference instrumentations."""

    name = "openinference"
    source = "Arize-ai/openinference 0.1.66"
    markers = (b"openinference.", b"llm.token_count", b"decision.token_count")
    scopes = ("openinference.*", "@arizeai/openinference*")
    tell_tales: ClassVar = (KIND, "llm.token_count.prompt", "llm.token_count.completion", "llm.token_count.total")
    usual: ClassVar = INCLUSIVE
    vocabulary = Vocabulary(
        provider=("llm.provider", "llm.system"),
        requested_model=("llm.request.model_name",),
        response_model=("llm.response.model_name", "llm.model_name", "embedding.model_name", "reranker.model_name"),
        finish_reason=("llm.finish_reason",),
        reported_cost_usd=("llm.cost.total",),
        input=("llm.token_count.prompt", "decision.token_count.input"),
        output=("llm.token_count.completion", "decision.token_count.output"),
        total=("llm.token_count.total",),
        cache_read=("llm.token_count.prompt_details.cache_read", "llm.token_count.prompt_details.cache_input"),
        cache_write=("llm.token_count.prompt_details.cache_write",),
        reasoning=("llm.token_count.completion_details.reasoning",),
        input_audio=("llm.token_count.prompt_details.audio",),
        output_audio=("llm.token_count.completion_details.audio",),
    )

    def operation(self, record: SpanRecord) -> str | None:
        """Return the operation for the span's kind; a span with counts and no kind is a chat."""
        kind = (first(record.attributes, (KIND,), text) or "").upper()
        if kind in _AGGREGATES:
            return None
        return _OPERATIONS.get(kind) or ("chat" if self.claims_usage(record) else None)

    def span_class(self, record: SpanRecord, operation: str | None) -> SpanClass | None:
        """Return AGGREGATE for chain, agent and tool spans that carry usage of what is below them."""
        if operation is None:
            return SpanClass.AGGREGATE if self.claims_usage(record) else None
        return super().span_class(record, operation)

    def requested_model(self, record: SpanRecord) -> str | None:
        """Return the model of the request parameters."""
        return super().requested_model(record) or first(self._parameters(record), ("model", "model_name"), text)

    def streamed(self, record: SpanRecord) -> bool:
        """Return True when the request asked for a stream."""
        return self._parameters(record).get("stream") is True

    def time_to_first_chunk_s(self, record: SpanRecord) -> float | None:
        """Return seconds from the start to the first-token event."""
        arrival_ns = next((event.time_ns for event in record.events if event.name == _FIRST_TOKEN), None)
        return None if arrival_ns is None else max(0, arrival_ns - record.start_ns) / NS_PER_S

    def answer(self, record: SpanRecord) -> Answer | None:
        """Return what the raw answer says; of one that was cut off, the id that stands near its beginning."""
        output = record.attributes.get("output.value")
        if not isinstance(output, str) or not output[:64].lstrip().startswith("{"):
            return None
        if (first(record.attributes, (KIND,), text) or "LLM").upper() != "LLM":
            return None
        document = json_object(output)
        if document:
            return read_answer(document)
        cut_off = _CUT_OFF_ID.search(output[:_HEAD_CHARS])
        return Answer(response_id=cut_off.group(1)) if cut_off else None

    @staticmethod
    def _parameters(record: SpanRecord) -> Attributes:
        return next((json_object(record.attributes[key]) for key in _PARAMETERS if key in record.attributes), {})
