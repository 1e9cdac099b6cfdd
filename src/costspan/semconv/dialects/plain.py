"""The wrappers people write after an article: `llm.model`, `llm.prompt_tokens`, or an API's own `usage.*` names.

Source: captured from hand-written wrappers; VoltAgent's `usage.*` and `llm.usage.*` names. The cost they compute is
kept beside ours and never used. `llm.cached` is an answer out of the wrapper's own cache.
"""

from __future__ import annotations

from typing import ClassVar

from costspan.core.call import SpanClass
from costspan.core.record import SpanRecord
from costspan.semconv.attributes import flag
from costspan.semconv.dialects.base import Dialect, Vocabulary


class Plain(Dialect):
    """Spans without a convention; bare `model` and `input_tokens` are not enough, since anything may be called that."""

    name = "plain"
    source = "hand-written wrappers, VoltAgent"
    markers = (
        b"llm.model",
        b"llm.prompt_tokens",
        b"llm.completion_tokens",
        b"llm.total_tokens",
        b"llm.input_tokens",
        b"llm.output_tokens",
        b"llm.usage.",
        b"llm.tokens.",
        b"usage.input_tokens",
        b"usage.output_tokens",
        b"usage.total_tokens",
        b"usage.prompt_tokens",
        b"usage.completion_tokens",
    )
    tell_tales: ClassVar = (
        "llm.model",
        "llm.prompt_tokens",
        "llm.completion_tokens",
        "llm.input_tokens",
        "llm.output_tokens",
        "llm.usage.prompt_tokens",
        "llm.usage.completion_tokens",
        "llm.usage.input_tokens",
        "llm.usage.output_tokens",
        "llm.tokens.prompt",
        "llm.tokens.completion",
        "llm.tokens.input",
        "llm.tokens.output",
        "usage.prompt_tokens",
        "usage.completion_tokens",
        "usage.input_tokens",
        "usage.output_tokens",
    )
    vocabulary = Vocabulary(
        operation=("llm.operation",),
        provider=("llm.provider", "llm.vendor", "llm.system", "provider"),
        requested_model=("llm.model", "llm.request.model", "llm.model_name", "model", "model_name"),
        response_model=("llm.response.model", "llm.response_model"),
        response_id=("llm.response.id", "llm.response_id", "llm.request_id", "response.id"),
        finish_reason=("llm.finish_reason", "llm.response.finish_reason", "finish_reason"),
        error_type=("llm.error_type", "llm.error.type", "error.type"),
        streamed=("llm.stream", "llm.streaming", "llm.is_streaming"),
        served_mode=("llm.service_tier",),
        time_to_first_chunk_ms=("llm.ttft_ms", "llm.time_to_first_token_ms"),
        reported_cost_usd=("llm.estimated_cost_usd", "llm.cost_usd", "llm.cost", "llm.usage.cost", "cost_usd"),
        input=(
            "llm.prompt_tokens",
            "llm.input_tokens",
            "llm.usage.prompt_tokens",
            "llm.usage.input_tokens",
            "llm.tokens.prompt",
            "llm.tokens.input",
            "usage.prompt_tokens",
            "usage.input_tokens",
        ),
        output=(
            "llm.completion_tokens",
            "llm.output_tokens",
            "llm.usage.completion_tokens",
            "llm.usage.output_tokens",
            "llm.tokens.completion",
            "llm.tokens.output",
            "usage.completion_tokens",
            "usage.output_tokens",
        ),
        total=("llm.total_tokens", "llm.usage.total_tokens", "llm.tokens.total", "usage.total_tokens"),
        cache_read=(
            "llm.cached_tokens",
            "llm.cache_read_tokens",
            "llm.usage.cached_tokens",
            "llm.usage.cache_read_input_tokens",
            "usage.prompt_tokens_details.cached_tokens",
            "usage.cached_tokens",
        ),
        cache_write=("llm.cache_write_tokens", "llm.usage.cache_creation_input_tokens"),
        reasoning=(
            "llm.reasoning_tokens",
            "llm.usage.reasoning_tokens",
            "usage.completion_tokens_details.reasoning_tokens",
        ),
    )

    def operation(self, record: SpanRecord) -> str | None:
        """Return `embeddings` where the wrapper says so, else `chat`: its own words name a task, not an operation."""
        said = super().operation(record) or ""
        return "embeddings" if "embed" in said else "chat"

    def span_class(
        self,
        record: SpanRecord,
        operation: str | None,  # noqa: ARG002 - a wrapper's own words name a task
    ) -> SpanClass | None:
        """Return INFERENCE for counts, for an error, and for a model with a name that says `llm`; None if cached."""
        if flag(record.attributes.get("llm.cached")) or flag(record.attributes.get("llm.cache_hit")):
            return None
        if self.claims_usage(record):
            said = (self.say(record, "operation") or record.name).lower()
            summed = any(word in said for word in ("agent", "workflow", "pipeline", "chain"))
            return SpanClass.AGGREGATE if summed else SpanClass.INFERENCE
        return SpanClass.INFERENCE if "llm.model" in record.attributes else None

    def error_type(self, record: SpanRecord) -> str | None:
        """Return the error's type, or `error` where only the flag is set."""
        return super().error_type(record) or ("error" if flag(record.attributes.get("llm.error")) else None)
