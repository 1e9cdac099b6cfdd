"""Vercel AI SDK up to 6, scope `ai`: an outer span that sums the steps, and one `.do*` span for each request.

Source: captured from ai 6.0.326; vercel/ai packages/otel legacy snapshots for 4 and 5. Providers come as
`openai.responses`. With `inputTokenDetails` (6 and later) input includes cached tokens; before, Anthropic and Bedrock
were passed through as they came, cached tokens beside the input. The time to live stands in `providerMetadata`.
"""

from __future__ import annotations

from typing import ClassVar, Final

from costspan.core.call import SpanClass
from costspan.core.record import Attributes, SpanRecord
from costspan.semconv.attributes import at, json_object, text, whole_number
from costspan.semconv.conventions import CACHE_APART, INCLUSIVE, Convention, Counts
from costspan.semconv.dialects.base import Dialect
from costspan.semconv.dialects.vocabulary import GEN_AI
from costspan.semconv.raw_usage import Answer, read_usage

_OPERATIONS: Final = {"dogenerate": "chat", "dostream": "chat", "doembed": "embeddings"}
_METADATA: Final = "ai.response.providerMetadata"
_NORMALISED: Final = ("ai.usage.inputTokenDetails.noCacheTokens", "ai.usage.inputTokenDetails.cacheReadTokens")
_PASSED_THROUGH: Final = ("anthropic", "amazon-bedrock", "bedrock", "vertex.anthropic", "google-vertex-anthropic")


class VercelAI(Dialect):
    """Spans of `experimental_telemetry`."""

    name = "vercel_ai"
    source = "ai 6.0.326, vercel/ai legacy snapshots"
    markers = (b"ai.operationId", b"ai.usage.", b"gen_ai.")
    scopes = ("ai",)
    tell_tales: ClassVar = ("ai.operationId",)
    vocabulary = GEN_AI.after(
        provider=("ai.model.provider",),
        requested_model=("ai.model.id",),
        response_model=("ai.response.model",),
        response_id=("ai.response.id",),
        finish_reason=("ai.response.finishReason", "ai.finishReason"),
        time_to_first_chunk_ms=("ai.response.msToFirstChunk", "ai.stream.msToFirstChunk"),
        input=("ai.usage.inputTokens", "ai.usage.promptTokens", "ai.usage.tokens"),
        output=("ai.usage.outputTokens", "ai.usage.completionTokens"),
        total=("ai.usage.totalTokens",),
        cache_read=("ai.usage.inputTokenDetails.cacheReadTokens", "ai.usage.cachedInputTokens"),
        cache_write=("ai.usage.inputTokenDetails.cacheWriteTokens",),
        reasoning=("ai.usage.outputTokenDetails.reasoningTokens", "ai.usage.reasoningTokens"),
    )

    def operation(self, record: SpanRecord) -> str | None:
        """Return the operation of a `.do*` span; the outer spans have none of the specification's."""
        return _OPERATIONS.get(_operation_id(record).rpartition(".")[2].lower())

    def span_class(self, record: SpanRecord, operation: str | None) -> SpanClass | None:
        """Return AGGREGATE for the outer spans and None for tool calls and the rest without usage."""
        if operation is None:
            return SpanClass.AGGREGATE if self.claims_usage(record) else None
        return SpanClass.INFERENCE

    def streamed(self, record: SpanRecord) -> bool:
        """Return True for `doStream`."""
        return _operation_id(record).endswith("doStream")

    def convention(self, record: SpanRecord) -> Convention | None:
        """Return the convention of the SDK's generation, which its keys show, and of the provider passed through."""
        if any(key in record.attributes for key in _NORMALISED):
            return INCLUSIVE
        provider = (self.provider(record) or "").lower()
        return CACHE_APART if provider.startswith(_PASSED_THROUGH) else None

    def counts(self, record: SpanRecord) -> Counts:
        """Return the counts; the generation before 6 has Anthropic's cache writes only in the provider's metadata."""
        counts = super().counts(record)
        written = whole_number(at(self._metadata(record), "anthropic.cacheCreationInputTokens"))
        return counts._replace(cache_write=written) if counts.cache_write is None and written else counts

    def answer(self, record: SpanRecord) -> Answer | None:
        """Return Anthropic's raw usage and OpenAI's tier out of the provider's metadata."""
        metadata = self._metadata(record)
        usage = read_usage(json_object(at(metadata, "anthropic.usage")))
        mode = text(at(metadata, "openai.serviceTier")) or text(at(metadata, "azure.serviceTier"))
        return Answer(usage, mode=mode or (usage.mode if usage else None)) if usage or mode else None

    @staticmethod
    def _metadata(record: SpanRecord) -> Attributes:
        return json_object(record.attributes.get(_METADATA))


def _operation_id(record: SpanRecord) -> str:
    return text(record.attributes.get("ai.operationId")) or record.name.partition(" ")[0]
