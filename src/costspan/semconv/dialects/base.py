"""The `Dialect` seam: one telemetry vocabulary, read into the same few facts.

A dialect is a subclass that mostly fills in data: how to recognise its spans and which keys carry what. `normalize`
turns the facts into a `Call`. Dialects do not know one another.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from costspan.core.call import SpanClass
from costspan.core.money import PicoUsd, nearest_pico_from_float
from costspan.core.record import Attributes, SpanRecord
from costspan.semconv.attributes import Keys, first, flag, number, text, texts, whole_number
from costspan.semconv.conventions import Counts

INFERENCE_OPERATIONS: Final = frozenset(
    (
        "chat",
        "generate_content",
        "text_completion",
        "embeddings",
        "retrieval",
        "rerank",
        "image_generation",
        "transcription",
        "speech",
    )
)
"""Operations that are one request to a model (semantic conventions, `gen_ai.operation.name`, and their neighbours)."""

AGGREGATE_OPERATIONS: Final = frozenset({"invoke_agent", "invoke_workflow", "agent_step", "plan", "workflow", "chain"})
"""Operations that sum up the requests below them."""


MAX_REPORTED_USD: Final = 1e6
"""A single call reported dearer than this is a broken emitter; the figure is not kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """Which attributes carry which fact: first present wins, synonyms are never added together."""

    operation: Keys = ()
    provider: Keys = ()
    requested_model: Keys = ()
    response_model: Keys = ()
    response_id: Keys = ()
    server_address: Keys = ("server.address", "gen_ai.openai.api_base", "gen_ai.request.api_base", "url.full")
    served_mode: Keys = ()
    requested_mode: Keys = ()
    finish_reason: Keys = ()
    error_type: Keys = ("error.type",)
    streamed: Keys = ()
    time_to_first_chunk_s: Keys = ()
    reported_cost_usd: Keys = ()
    input: Keys = ()
    output: Keys = ()
    total: Keys = ()
    cache_read: Keys = ()
    cache_write: Keys = ()
    cache_write_5m: Keys = ()
    cache_write_1h: Keys = ()
    reasoning: Keys = ()
    input_audio: Keys = ()
    cache_read_audio: Keys = ()
    output_audio: Keys = ()
    input_image: Keys = ()
    output_image: Keys = ()
    tool_use_input: Keys = ()


class Dialect:
    """Base of all dialects. Subclasses set the class variables and override a reader where keys alone do not do."""

    name: ClassVar[str]
    source: ClassVar[str]
    """Where the vocabulary is documented or was captured, with versions."""
    markers: ClassVar[tuple[bytes, ...]]
    """Byte strings one of which every span of this dialect contains: what the server searches before it parses."""
    vocabulary: ClassVar[Vocabulary]

    def recognizes(self, record: SpanRecord) -> bool:
        """Return True when the span speaks this dialect."""
        raise NotImplementedError  # pragma: no cover

    def operation(self, record: SpanRecord) -> str | None:
        """Return the operation in the specification's words, or None when the span claims no request at all."""
        return self.say(record.attributes, "operation")

    def span_class(self, record: SpanRecord, operation: str | None) -> SpanClass | None:
        """Return whether the span is a request or sums up others; None when it claims neither usage nor a request."""
        if operation in INFERENCE_OPERATIONS:
            return SpanClass.INFERENCE
        if not self.claims_usage(record):
            return None
        return SpanClass.AGGREGATE if operation in AGGREGATE_OPERATIONS else SpanClass.INFERENCE

    def claims_usage(self, record: SpanRecord) -> bool:
        """Return True when any token count is there, readable or not."""
        keys = self.vocabulary.input + self.vocabulary.output + self.vocabulary.total
        return any(key in record.attributes for key in keys)

    def say(self, attributes: Attributes, fact: str) -> str | None:
        """Return the text that the vocabulary names for `fact`."""
        return first(attributes, getattr(self.vocabulary, fact), text)

    def provider(self, record: SpanRecord) -> str | None:
        """Return the provider as sent."""
        return self.say(record.attributes, "provider")

    def requested_model(self, record: SpanRecord) -> str | None:
        """Return the model asked for."""
        return self.say(record.attributes, "requested_model")

    def response_model(self, record: SpanRecord) -> str | None:
        """Return the model that answered."""
        return self.say(record.attributes, "response_model")

    def finish_reason(self, record: SpanRecord) -> str | None:
        """Return the finish reason as sent; the last one where a call had several choices."""
        reasons = first(record.attributes, self.vocabulary.finish_reason, lambda value: texts(value) or None)
        return reasons[-1] if reasons else None

    def streamed(self, record: SpanRecord) -> bool:
        """Return True when the answer was streamed."""
        return first(record.attributes, self.vocabulary.streamed, flag) or False

    def time_to_first_chunk_s(self, record: SpanRecord) -> float | None:
        """Return seconds until the first chunk."""
        return first(record.attributes, self.vocabulary.time_to_first_chunk_s, number)

    def reported_cost(self, record: SpanRecord) -> PicoUsd | None:
        """Return the emitter's own cost. Exactly 0 is "not in its table" and so not said (accounting rule 4.6)."""
        cost_usd = first(record.attributes, self.vocabulary.reported_cost_usd, number)
        return nearest_pico_from_float(cost_usd) if cost_usd and 0 < cost_usd < MAX_REPORTED_USD else None

    def counts(self, record: SpanRecord) -> Counts:
        """Return the token counts as sent, before anything is made of them."""
        return Counts(
            **{
                name: first(record.attributes, getattr(self.vocabulary, name), whole_number)
                for name in Counts.__slots__
            }
        )
