"""Sentry's AI monitoring: `input_tokens.cached` and its kin.

Source: getsentry/sentry-conventions and sentry-python 2.x, 2026. Agent spans sum what is below them.
"""

from __future__ import annotations

from typing import ClassVar, Final

from costspan.core.record import SpanRecord
from costspan.semconv.attributes import text
from costspan.semconv.conventions import INCLUSIVE
from costspan.semconv.dialects.base import Dialect
from costspan.semconv.dialects.vocabulary import GEN_AI

_OPERATION: Final = {"gen_ai.chat": "chat", "gen_ai.embeddings": "embeddings", "gen_ai.generate_text": "chat"}


class Sentry(Dialect):
    """Spans with Sentry's operation in `sentry.op`."""

    name = "sentry"
    source = "sentry-python 2.x, sentry-conventions, 2026"
    markers = (b"gen_ai.",)
    scopes = ("sentry*",)
    tell_tales: ClassVar = (
        "sentry.op",
        "gen_ai.usage.input_tokens.cached",
        "gen_ai.usage.output_tokens.reasoning",
    )
    usual: ClassVar = INCLUSIVE
    vocabulary = GEN_AI.after(
        reported_cost_usd=("gen_ai.usage.total_cost", "gen_ai.cost.total_tokens"),
        streamed=("gen_ai.response.streaming",),
    )

    def operation(self, record: SpanRecord) -> str | None:
        """Return the operation, from Sentry's own where the common name is absent."""
        said = super().operation(record)
        if said is not None:
            return said
        sent = text(record.attributes.get("sentry.op")) or ""
        return _OPERATION.get(sent) or (sent.removeprefix("gen_ai.") if sent.startswith("gen_ai.") else None)
