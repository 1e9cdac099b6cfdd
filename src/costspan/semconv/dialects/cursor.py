"""Cursor's exported spans.

Source: documented keys `cursor.model.name`, `cursor.token.type`; its tokens come as metrics, and a span that
carries none is no call here.
"""

from __future__ import annotations

from typing import ClassVar

from costspan.semconv.dialects.base import Dialect
from costspan.semconv.dialects.vocabulary import GEN_AI


class Cursor(Dialect):
    """Spans of the Cursor editor and its agents."""

    name = "cursor"
    source = "Cursor's OpenTelemetry documentation, 2026"
    markers = (b"cursor.model.", b"cursor.usage.", b"gen_ai.")
    scopes = ("cursor", "cursor.*", "com.cursor*")
    tell_tales: ClassVar = ("cursor.model.name",)
    vocabulary = GEN_AI.after(
        requested_model=("cursor.model.name",),
        input=("cursor.usage.input_tokens",),
        output=("cursor.usage.output_tokens",),
        cache_read=("cursor.usage.cache_read_tokens",),
        cache_write=("cursor.usage.cache_creation_tokens",),
        reported_cost_usd=("cursor.cost.usage",),
    )
