"""Strands Agents: usage on model spans and again on the agent span, everything under two names.

Source: captured from strands-agents 1.62.0. `strands-agents` in the provider's place is no provider; the first
token's time is in milliseconds under a name that elsewhere holds seconds; finish reasons stand in a `gen_ai.choice`
event.
"""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from costspan.core.record import SpanRecord
from costspan.semconv.attributes import text
from costspan.semconv.dialects.base import Dialect
from costspan.semconv.dialects.vocabulary import GEN_AI


class Strands(Dialect):
    """Chat spans, event-loop cycles, tools and agents."""

    name = "strands"
    source = "strands-agents 1.62.0"
    markers = (b"gen_ai.",)
    scopes = ("strands.*",)
    tell_tale_values: ClassVar = {
        "gen_ai.system": ("strands-agents",),
        "gen_ai.provider.name": ("strands-agents",),
    }
    vocabulary = replace(
        GEN_AI,
        time_to_first_chunk_s=("gen_ai.response.time_to_first_chunk",),
        time_to_first_chunk_ms=("gen_ai.server.time_to_first_token",),
    )

    def finish_reason(self, record: SpanRecord) -> str | None:
        """Return the reason of the span, or of its choice event."""
        said = super().finish_reason(record)
        if said is not None:
            return said
        choices = (event.attributes.get("finish_reason") for event in record.events if event.name == "gen_ai.choice")
        return next((reason for choice in choices if (reason := text(choice)) is not None), None)
