"""LiteLLM's first OpenTelemetry callback (`otel`): `litellm_request` and its child `raw_gen_ai_request`.

Source: captured from litellm 1.106.2. Cached and reasoning tokens stand only in `metadata.usage_object`, a
dictionary in Python's notation. `gen_ai.cost.*` is 0.0 where LiteLLM has no price.
"""

from __future__ import annotations

from typing import ClassVar, Final

from costspan.core.call import SpanClass
from costspan.core.record import Attributes, SpanRecord
from costspan.semconv.attributes import literal_object
from costspan.semconv.conventions import INCLUSIVE
from costspan.semconv.dialects.base import Dialect
from costspan.semconv.dialects.vocabulary import GEN_AI
from costspan.semconv.raw_usage import Answer, read_usage

_USAGE_OBJECT: Final = "metadata.usage_object"


class LiteLLMLegacy(Dialect):
    """The callback's span of one request; the raw span below it repeats the same request and is no call."""

    name = "litellm_legacy"
    source = "litellm 1.106.2"
    markers = (b"gen_ai.",)
    scopes = ("litellm*",)
    tell_tales: ClassVar = ("gen_ai.cost.total_cost", _USAGE_OBJECT)
    usual: ClassVar = INCLUSIVE
    vocabulary = GEN_AI.after(
        reported_cost_usd=("gen_ai.cost.total_cost",),
        streamed=("llm.is_streaming",),
        served_mode=("gen_ai.cost.service_tier",),
        requested_model=("gen_ai.request.model", "litellm.provider.model"),
    )

    def span_class(self, record: SpanRecord, operation: str | None) -> SpanClass | None:
        """Return None for the raw span, and for an answer that came from LiteLLM's own cache."""
        if record.name == "raw_gen_ai_request" or _from_cache(record.attributes):
            return None
        return super().span_class(record, operation)

    def attribution_attributes(self, record: SpanRecord) -> Attributes:
        """Return the attributes with the caller's own metadata, a dictionary in Python's notation, laid flat."""
        sent = literal_object(record.attributes.get("metadata.requester_metadata"))
        flat = {f"litellm.metadata.{name}": value for name, value in sent.items()}
        return {**flat, **record.attributes} if flat else record.attributes

    def answer(self, record: SpanRecord) -> Answer | None:
        """Return what LiteLLM's copy of the usage object says."""
        usage = read_usage(literal_object(record.attributes.get(_USAGE_OBJECT)))
        return None if usage is None else Answer(usage, mode=usage.mode)


def _from_cache(attributes: Attributes) -> bool:
    hidden = attributes.get("hidden_params")
    return isinstance(hidden, str) and '"cache_hit": true' in hidden
