"""The Langfuse SDK: model, usage and cost as JSON under `langfuse.observation.*`.

Source: read from langfuse 5.0.4; its documentation of `usage_details`. A raw OpenAI, Anthropic or Gemini object
counts as that provider counts; an object with Langfuse's own names (`input`, `output`, `input_cached_tokens` ...)
has disjoint classes, every `input*` and `output*` beside the others.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Final

from costspan.core.call import SpanClass
from costspan.core.clock import NS_PER_S
from costspan.core.record import SpanRecord
from costspan.semconv.attributes import Keys, json_object, text
from costspan.semconv.conventions import Convention, Counts
from costspan.semconv.dialects.base import Dialect
from costspan.semconv.dialects.vocabulary import GEN_AI
from costspan.semconv.raw_usage import Answer, RawUsage, read_usage

_USAGE: Final = "langfuse.observation.usage_details"
_TYPES: Final = {"generation": "chat", "embedding": "embeddings"}
_STARTED: Final = "langfuse.observation.completion_start_time"


def _details(*names: str) -> Keys:
    return tuple(f"{_USAGE}.{name}" for name in names)


class Langfuse(Dialect):
    """Generations and embeddings; other observations claim nothing of their own."""

    name = "langfuse"
    source = "langfuse 5.0.4"
    markers = (b"langfuse.observation.", b"gen_ai.")
    scopes = ("langfuse-sdk*", "langfuse*")
    tell_tales: ClassVar = ("langfuse.observation.type", _USAGE, "langfuse.observation.model.name")
    bags: ClassVar = (_USAGE, "langfuse.observation.cost_details")
    vocabulary = GEN_AI.after(
        requested_model=("langfuse.observation.model.name", "langfuse.observation.model"),
        reported_cost_usd=("langfuse.observation.cost_details.total",),
        input=_details("input", "input_tokens", "inputTokens", "prompt", "promptTokens"),
        output=_details("output", "output_tokens", "outputTokens", "completion", "completionTokens"),
        total=_details("total", "total_tokens", "totalTokens"),
        cache_read=_details(
            "input_cached_tokens",
            "cache_read_input_tokens",
            "input_cache_read",
            "input_cached",
            "cache_read",
            "cached",
        ),
        cache_write=_details(
            "input_cache_creation",
            "cache_creation_input_tokens",
            "input_cache_write",
            "input_cache_creation_tokens",
            "cache_write",
        ),
        cache_write_5m=_details("input_cache_creation_5m"),
        cache_write_1h=_details("input_cache_creation_1h"),
        reasoning=_details("output_reasoning_tokens", "output_reasoning", "reasoning"),
        input_audio=_details("input_audio_tokens", "input_audio"),
        output_audio=_details("output_audio_tokens", "output_audio"),
    )

    def operation(self, record: SpanRecord) -> str | None:
        """Return the operation of the observation's type; a plain span with counts is a chat."""
        kind = (text(record.attributes.get("langfuse.observation.type")) or "").lower()
        return _TYPES.get(kind) or (kind or super().operation(record))

    def span_class(self, record: SpanRecord, operation: str | None) -> SpanClass | None:
        """Return AGGREGATE for agents, chains and tools that were given counts."""
        claimed = self.claims_usage(record) or _USAGE in record.attributes
        if operation in _TYPES.values():
            return SpanClass.INFERENCE
        if not claimed:
            return None
        return SpanClass.AGGREGATE if operation not in {None, "span", "event"} else SpanClass.INFERENCE

    def claims_usage(self, record: SpanRecord) -> bool:
        """Return True when there is a usage object, of whatever shape."""
        return _USAGE in record.attributes or super().claims_usage(record)

    def counts(self, record: SpanRecord) -> Counts:
        """Return the counts; disjoint parts of input and output are put back together, audio with them."""
        counts = super().counts(record)
        if self._raw(record) is not None:
            return Counts()
        return counts._replace(
            input=_with(counts.input, counts.input_audio),
            output=_with(counts.output, counts.output_audio),
        )

    def convention(self, record: SpanRecord) -> Convention | None:
        """Return Langfuse's own: every class beside the others; None for `gen_ai.*` counts."""
        return Convention(False, False) if _USAGE in record.attributes else super().convention(record)

    def answer(self, record: SpanRecord) -> Answer | None:
        """Return what a raw usage object says."""
        usage = self._raw(record)
        return None if usage is None else Answer(usage, mode=usage.mode)

    def time_to_first_chunk_s(self, record: SpanRecord) -> float | None:
        """Return seconds from the start to Langfuse's completion start time."""
        started = text(record.attributes.get(_STARTED))
        if started is None:
            return None
        try:
            arrived_s = datetime.fromisoformat(started).timestamp()
        except (ValueError, OverflowError):
            return None
        seconds = arrived_s - record.start_ns / NS_PER_S
        return seconds if 0 < seconds <= max(0, record.end_ns - record.start_ns) / NS_PER_S else None

    @staticmethod
    def _raw(record: SpanRecord) -> RawUsage | None:
        details = json_object(record.attributes.get(_USAGE))
        return None if "input" in details or "output" in details else read_usage(details)


def _with(total: int | None, part: int | None) -> int | None:
    return total if part is None or part < 0 else (total or 0) + part
