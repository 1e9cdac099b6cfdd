"""Vercel's `@ai-sdk/otel`, scope `gen_ai`: the current names, agents and steps above the requests.

Source: read from @ai-sdk/otel 1.0.77. Embeddings come as two spans of one operation, root and request; only the
root has no parent with the same numbers, which settlement sees, not this.
"""

from __future__ import annotations

from typing import ClassVar

from costspan.semconv.conventions import INCLUSIVE
from costspan.semconv.dialects.base import Dialect
from costspan.semconv.dialects.vocabulary import GEN_AI


class VercelOtel(Dialect):
    """Spans of the AI SDK 7 telemetry integration."""

    name = "vercel_otel"
    source = "@ai-sdk/otel 1.0.77"
    markers = (b"gen_ai.",)
    scopes = ("gen_ai", "@ai-sdk/otel")
    usual: ClassVar = INCLUSIVE
    aggregates: ClassVar = frozenset({"invoke_agent", "agent_step"})
    vocabulary = GEN_AI.after(
        cache_read=("ai.usage.inputTokenDetails.cacheReadTokens",),
        cache_write=("ai.usage.inputTokenDetails.cacheWriteTokens",),
        reasoning=("ai.usage.outputTokenDetails.reasoningTokens", "ai.usage.reasoningTokens"),
    )
