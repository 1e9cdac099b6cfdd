"""pydantic-ai and the Logfire SDK.

Source: captured from pydantic-ai 2.68.0; read from logfire 5.4.0. Agent runs carry `gen_ai.aggregated_usage.*`,
which is never billable by itself; older versions sent the same sums as `gen_ai.usage.*`. Logfire keeps the
provider's whole usage object in `gen_ai.usage.raw`.
"""

from __future__ import annotations

from typing import ClassVar, Final

from costspan.core.call import SpanClass
from costspan.core.record import SpanRecord
from costspan.semconv.attributes import Keys, json_object
from costspan.semconv.conventions import INCLUSIVE
from costspan.semconv.dialects.base import Dialect
from costspan.semconv.dialects.vocabulary import GEN_AI
from costspan.semconv.raw_usage import Answer, read_usage

_AGGREGATED: Final = "gen_ai.aggregated_usage."


def _aggregated(keys: Keys) -> Keys:
    return tuple(key.replace("gen_ai.usage.", _AGGREGATED) for key in keys if key.startswith("gen_ai.usage."))


class PydanticAI(Dialect):
    """Model requests, agent runs and tool calls of pydantic-ai, and Logfire's wrapped clients."""

    name = "pydantic_ai"
    source = "pydantic-ai 2.68.0, logfire 5.4.0"
    markers = (b"gen_ai.",)
    scopes = ("pydantic-ai*", "logfire*")
    tell_tales: ClassVar = ("logfire.json_schema", "pydantic_ai.all_messages", "gen_ai.aggregated_usage.input_tokens")
    usual: ClassVar = INCLUSIVE
    vocabulary = GEN_AI.after(
        reported_cost_usd=("operation.cost",),
        requested_model=("gen_ai.request.model", "model_name"),
        input=GEN_AI.input + _aggregated(GEN_AI.input),
        output=GEN_AI.output + _aggregated(GEN_AI.output),
        cache_read=GEN_AI.cache_read + _aggregated(GEN_AI.cache_read),
        cache_write=GEN_AI.cache_write + _aggregated(GEN_AI.cache_write),
        reasoning=GEN_AI.reasoning + _aggregated(GEN_AI.reasoning),
    )

    def span_class(self, record: SpanRecord, operation: str | None) -> SpanClass | None:
        """Return AGGREGATE for whatever carries aggregated usage, and for the agent runs of older versions."""
        if any(key.startswith(_AGGREGATED) for key in record.attributes):
            return SpanClass.AGGREGATE
        if operation is None and "agent_name" in record.attributes:
            return SpanClass.AGGREGATE if self.claims_usage(record) else None
        return super().span_class(record, operation)

    def answer(self, record: SpanRecord) -> Answer | None:
        """Return what the provider's own usage object says."""
        if "gen_ai.usage.raw" not in record.attributes:
            return None
        usage = read_usage(json_object(record.attributes["gen_ai.usage.raw"]))
        return None if usage is None else Answer(usage, mode=usage.mode)
