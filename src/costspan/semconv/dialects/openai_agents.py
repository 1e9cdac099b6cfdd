"""The official instrumentation of the OpenAI Agents SDK, which leaves usage to the OpenAI instrumentation.

Source: read from opentelemetry-instrumentation-genai-openai-agents 1.3b0.
"""

from __future__ import annotations

from costspan.core.call import SpanClass
from costspan.core.record import SpanRecord
from costspan.semconv.dialects.base import Dialect
from costspan.semconv.dialects.vocabulary import GEN_AI


class OpenAIAgents(Dialect):
    """Spans above those of the OpenAI instrumentation."""

    name = "openai_agents"
    source = "opentelemetry-instrumentation-genai-openai-agents 1.3b0"
    markers = (b"gen_ai.",)
    scopes = ("opentelemetry.instrumentation.genai.openai_agents*",)
    vocabulary = GEN_AI

    def span_class(self, record: SpanRecord, operation: str | None) -> SpanClass | None:
        """Return AGGREGATE for a model span without usage: the request itself is another span, if anybody saw it."""
        found = super().span_class(record, operation)
        return SpanClass.AGGREGATE if found is not None and not self.claims_usage(record) else found
