"""MLflow tracing: values as JSON text, usage in `mlflow.chat.tokenUsage`.

Source: read from mlflow 3.18.0. Input contains cached tokens; `..._above_1hr` is the part written for an hour. Its
cost is 0 where it has no price.
"""

from __future__ import annotations

from typing import ClassVar, Final

from costspan.core.call import SpanClass
from costspan.core.record import SpanRecord
from costspan.semconv.attributes import json_object, text
from costspan.semconv.conventions import INCLUSIVE
from costspan.semconv.dialects.base import Dialect
from costspan.semconv.dialects.vocabulary import GEN_AI
from costspan.semconv.raw_usage import Answer, read_answer

_USAGE: Final = "mlflow.chat.tokenUsage"
_TYPES: Final = {"chat_model": "chat", "llm": "chat", "embedding": "embeddings", "reranker": "rerank"}


class MLflow(Dialect):
    """Spans of MLflow's tracing and autologging."""

    name = "mlflow"
    source = "mlflow 3.18.0"
    markers = (b"mlflow.",)
    scopes = ("mlflow*",)
    tell_tales: ClassVar = ("mlflow.spanType", _USAGE, "mlflow.llm.model")
    bags: ClassVar = (_USAGE, "mlflow.llm.cost")
    usual: ClassVar = INCLUSIVE
    vocabulary = GEN_AI.after(
        provider=("mlflow.llm.provider",),
        requested_model=("mlflow.llm.model",),
        reported_cost_usd=("mlflow.llm.cost.total_cost",),
        input=(f"{_USAGE}.input_tokens",),
        output=(f"{_USAGE}.output_tokens",),
        total=(f"{_USAGE}.total_tokens",),
        cache_read=(f"{_USAGE}.cache_read_input_tokens",),
        cache_write=(f"{_USAGE}.cache_creation_input_tokens",),
        cache_write_1h=(f"{_USAGE}.cache_creation_input_tokens_above_1hr",),
        reasoning=(f"{_USAGE}.reasoning_tokens",),
    )

    def operation(self, record: SpanRecord) -> str | None:
        """Return the operation of the span's type."""
        kind = (text(record.attributes.get("mlflow.spanType")) or "").lower()
        return _TYPES.get(kind) or (kind or super().operation(record))

    def span_class(self, record: SpanRecord, operation: str | None) -> SpanClass | None:
        """Return AGGREGATE for every type but the model calls; a span of no known type with counts is a call."""
        claimed = self.claims_usage(record) or _USAGE in record.attributes
        if operation in _TYPES.values() and (claimed or "mlflow.llm.model" in record.attributes):
            return SpanClass.INFERENCE
        if not claimed:
            return None
        return SpanClass.INFERENCE if operation in {None, "unknown", *_TYPES.values()} else SpanClass.AGGREGATE

    def answer(self, record: SpanRecord) -> Answer | None:
        """Return what the provider's answer in `mlflow.spanOutputs` says: its id, tier and times to live."""
        if self.span_class(record, self.operation(record)) is not SpanClass.INFERENCE:
            return None
        return read_answer(json_object(record.attributes.get("mlflow.spanOutputs")))
