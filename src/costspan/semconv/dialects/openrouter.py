"""OpenRouter Broadcast: OpenRouter itself sends one span for each generation, with what it charged.

Source: OpenRouter's Broadcast documentation and captured deliveries of 2026. `LLM Generation` carries everything; the
`generation` and `provider attempt` spans below it carry nothing billable. The cost is the provider's own.
"""

from __future__ import annotations

from typing import ClassVar

from costspan.core.record import SpanRecord
from costspan.semconv.conventions import INCLUSIVE
from costspan.semconv.dialects.base import Dialect
from costspan.semconv.dialects.vocabulary import GEN_AI


class OpenRouter(Dialect):
    """The span of a generation."""

    name = "openrouter"
    source = "OpenRouter Broadcast, 2026"
    markers = (b"gen_ai.",)
    scopes = ("openrouter*",)
    tell_tales: ClassVar = (
        "trace.metadata.openrouter.source",
        "trace.metadata.openrouter.api_key_name",
        "trace.metadata.openrouter.provider_name",
    )
    usual: ClassVar = INCLUSIVE
    vocabulary = GEN_AI.after(
        finish_reason=("gen_ai.response.finish_reason",),
        reported_cost_usd=("gen_ai.usage.total_cost", "trace.metadata.openrouter_generation.usage"),
        time_to_first_chunk_ms=("trace.metadata.openrouter.first_token_ms",),
    )

    def provider(self, record: SpanRecord) -> str | None:  # noqa: ARG002 - whoever answered, OpenRouter bills
        """Return OpenRouter: whoever answered, it bills."""
        return "openrouter"
