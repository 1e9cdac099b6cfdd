"""Laminar: `lmnr.span.type` beside `gen_ai.*`.

Source: lmnr-ai/lmnr-python, 2026. `CACHED` is an answer out of Laminar's own cache, which nobody bills.
"""

from __future__ import annotations

from typing import ClassVar

from costspan.core.call import SpanClass
from costspan.core.record import SpanRecord
from costspan.semconv.attributes import text
from costspan.semconv.dialects.base import Dialect
from costspan.semconv.dialects.vocabulary import GEN_AI


class Laminar(Dialect):
    """Model calls of Laminar's instrumentations and of its LiteLLM callback."""

    name = "laminar"
    source = "lmnr-ai/lmnr-python, 2026"
    markers = (b"gen_ai.",)
    scopes = ("lmnr*",)
    tell_tales: ClassVar = ("lmnr.",)
    vocabulary = GEN_AI.after(reported_cost_usd=("gen_ai.usage.cost",))

    def operation(self, record: SpanRecord) -> str | None:
        """Return `chat` for an LLM span that names no operation."""
        return super().operation(record) or ("chat" if _kind(record) == "LLM" else None)

    def span_class(self, record: SpanRecord, operation: str | None) -> SpanClass | None:
        """Return None for cached answers and AGGREGATE for other kinds of span with counts."""
        kind = _kind(record)
        if kind == "CACHED":
            return None
        if kind in {"", "LLM"}:
            return super().span_class(record, operation)
        return SpanClass.AGGREGATE if self.claims_usage(record) else None


def _kind(record: SpanRecord) -> str:
    return (text(record.attributes.get("lmnr.span.type")) or "").upper()
