"""Google Agent Development Kit.

Source: read from google-adk 2.13.0. Its first telemetry schema puts the usage on `call_llm` and on the
`generate_content` below it; the second has no `call_llm`. Input contains cached and tool-use tokens, output
contains thoughts.
"""

from __future__ import annotations

from typing import ClassVar

from costspan.core.call import SpanClass
from costspan.core.record import SpanRecord
from costspan.semconv.conventions import INCLUSIVE
from costspan.semconv.dialects.base import Dialect
from costspan.semconv.dialects.vocabulary import GEN_AI


class GoogleAdk(Dialect):
    """Model calls, agents and tools of ADK."""

    name = "google_adk"
    source = "google-adk 2.13.0"
    markers = (b"gen_ai.",)
    scopes = ("gcp.vertex.agent*",)
    tell_tales: ClassVar = (
        "gcp.vertex.agent.llm_request",
        "gcp.vertex.agent.llm_response",
        "gcp.vertex.agent.invocation_id",
    )
    tell_tale_values: ClassVar = {"gen_ai.system": ("gcp.vertex.agent",)}
    usual: ClassVar = INCLUSIVE
    aggregates: ClassVar = frozenset({"call_llm"})
    vocabulary = GEN_AI

    def span_class(self, record: SpanRecord, operation: str | None) -> SpanClass | None:
        """Return AGGREGATE for `call_llm`, whose request is the span below it where there is one."""
        if record.name.startswith("call_llm"):
            return SpanClass.AGGREGATE if self.claims_usage(record) else None
        return super().span_class(record, operation)
