"""Codex CLI's spans: usage on `handle_responses`, and the sums of a turn on `session_task.turn`.

Source: openai/codex codex-rs/otel and codex-rs/core. A response span has no model of its own; the turn has. Cached
tokens stand inside the input, reasoning inside the output. The same call is sent as a `codex.sse_event`.
"""

from __future__ import annotations

from typing import ClassVar

from costspan.core.call import SpanClass
from costspan.core.record import SpanRecord
from costspan.semconv.conventions import INCLUSIVE
from costspan.semconv.dialects.base import Dialect
from costspan.semconv.dialects.vocabulary import GEN_AI


class Codex(Dialect):
    """Spans of the Codex CLI."""

    name = "codex"
    source = "openai/codex codex-rs/otel, 2026"
    markers = (b"gen_ai.", b"codex.turn.", b"codex.usage.")
    scopes = ("codex*",)
    tell_tales: ClassVar = ("codex.",)
    usual: ClassVar = INCLUSIVE
    vocabulary = GEN_AI.after(
        requested_model=("gen_ai.request.model", "model", "slug"),
        input=(*GEN_AI.input, "codex.turn.token_usage.input_tokens"),
        output=(*GEN_AI.output, "codex.turn.token_usage.output_tokens"),
        total=("codex.usage.total_tokens", "codex.turn.token_usage.total_tokens"),
        cache_read=(*GEN_AI.cache_read, "codex.turn.token_usage.cached_input_tokens"),
        cache_write=(*GEN_AI.cache_write, "codex.usage.cache_creation_input_tokens"),
        reasoning=("codex.usage.reasoning_output_tokens", "codex.turn.token_usage.reasoning_output_tokens"),
    )

    def span_class(self, record: SpanRecord, operation: str | None) -> SpanClass | None:
        """Return AGGREGATE for a turn, which sums the responses below it."""
        if any(key.startswith("codex.turn.token_usage.") for key in record.attributes):
            return SpanClass.AGGREGATE
        return super().span_class(record, operation)

    def provider(self, record: SpanRecord) -> str | None:
        """Return OpenAI where nothing else is said."""
        return super().provider(record) or "openai"
