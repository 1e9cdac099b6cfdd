"""LiteLLM's second OpenTelemetry integration (`LITELLM_OTEL_V2`): current names and `litellm.*`.

Source: read from litellm 1.109.1. An answer from its own cache is no request to a provider.
"""

from __future__ import annotations

from typing import ClassVar

from costspan.core.call import SpanClass
from costspan.core.record import SpanRecord
from costspan.semconv.attributes import flag
from costspan.semconv.conventions import INCLUSIVE
from costspan.semconv.dialects.base import Dialect
from costspan.semconv.dialects.vocabulary import GEN_AI


class LiteLLM(Dialect):
    """Model requests of the LiteLLM library and proxy."""

    name = "litellm"
    source = "litellm 1.109.1"
    markers = (b"gen_ai.",)
    tell_tales: ClassVar = (
        "litellm.cost.total",
        "litellm.cost.input",
        "litellm.request.purpose",
        "litellm.cache_hit",
        "litellm.api_key.hash",
        "litellm.team.id",
    )
    usual: ClassVar = INCLUSIVE
    vocabulary = GEN_AI.after(
        reported_cost_usd=("litellm.cost.total",),
        requested_model=("gen_ai.request.model", "litellm.provider.model"),
    )

    def span_class(self, record: SpanRecord, operation: str | None) -> SpanClass | None:
        """Return None for an answer out of LiteLLM's cache: nobody bills it."""
        return None if flag(record.attributes.get("litellm.cache_hit")) else super().span_class(record, operation)
