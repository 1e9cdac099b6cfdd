"""Claude Code's spans: bare `input_tokens` and the like, cached tokens beside the input.

Source: Claude Code's monitoring documentation and captured values of 2.1.224 and 2.1.266. Its own cost is an
estimate at list price, also on subscriptions. The same call is sent as an event and as a metric.
"""

from __future__ import annotations

from typing import ClassVar

from costspan.core.call import SpanClass
from costspan.core.record import SpanRecord
from costspan.semconv.attributes import flag, text
from costspan.semconv.conventions import CACHE_APART, Convention
from costspan.semconv.dialects.base import Dialect
from costspan.semconv.dialects.vocabulary import GEN_AI


class ClaudeCode(Dialect):
    """`claude_code.llm_request` spans; interaction and tool spans claim nothing."""

    name = "claude_code"
    source = "Claude Code 2.1.224, 2.1.266"
    markers = (b"llm_request", b"gen_ai.")
    scopes = ("com.anthropic.claude_code*",)
    tell_tale_values: ClassVar = {"span.type": ("llm_request",)}
    vocabulary = GEN_AI.after(
        requested_model=("model",),
        provider=("gen_ai.system",),
        finish_reason=("stop_reason",),
        time_to_first_chunk_ms=("ttft_ms",),
        served_mode=("speed",),
        reported_cost_usd=("cost_usd",),
        error_type=("error",),
        input=("input_tokens",),
        output=("output_tokens",),
        cache_read=("cache_read_tokens",),
        cache_write=("cache_creation_tokens",),
    )

    def operation(self, record: SpanRecord) -> str | None:
        """Return `chat` for a model request, which says so by its type or its name."""
        kind = text(record.attributes.get("span.type")) or record.name
        return "chat" if kind.endswith("llm_request") else super().operation(record)

    def span_class(self, record: SpanRecord, operation: str | None) -> SpanClass | None:
        """Return AGGREGATE for anything but a request that carries counts."""
        if operation == "chat":
            return SpanClass.INFERENCE
        return SpanClass.AGGREGATE if self.claims_usage(record) else None

    def error_type(self, record: SpanRecord) -> str | None:
        """Return the error, or `error` for a request that only says it had no success."""
        return super().error_type(record) or ("error" if flag(record.attributes.get("success")) is False else None)

    def provider(self, record: SpanRecord) -> str | None:
        """Return Anthropic where nothing else is said; Bedrock and Vertex show in the model's name."""
        return super().provider(record) or "anthropic"

    def convention(self, record: SpanRecord) -> Convention:  # noqa: ARG002 - the same for every version
        """Return its own: cached tokens beside the input."""
        return CACHE_APART
