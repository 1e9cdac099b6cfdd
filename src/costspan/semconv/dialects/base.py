"""The `Dialect` seam: one telemetry vocabulary, read into the same few facts.

A dialect is a subclass that mostly fills in data: how to recognise its spans and which keys carry what. `normalize`
turns the facts into a `Call`. Dialects do not know one another.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, Final, TypeVar

from costspan.core.call import SpanClass
from costspan.core.money import PicoUsd, nearest_pico_from_float
from costspan.core.record import Attributes, AttributeValue, SpanRecord
from costspan.semconv.attributes import Keys, flag, json_object, number, text, texts, whole_number
from costspan.semconv.conventions import Convention, Counts, known_convention
from costspan.semconv.raw_usage import Answer
from costspan.semconv.remembered import Readings

T = TypeVar("T")

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

AGGREGATE_WORDS: Final = ("agent", "workflow", "chain", "step", "cycle", "loop", "plan", "tool", "memory", "pipeline")
"""An operation with one of these in its name sums up the requests below it, whoever invented the name."""

OPERATION_SYNONYMS: Final[Mapping[str, str]] = {
    "completion": "chat",
    "completions": "chat",
    "chat_completion": "chat",
    "chat.completions": "chat",
    "llm_call": "chat",
    "llm_request": "chat",
    "messages": "chat",
    "message": "chat",
    "responses": "chat",
    "generate": "chat",
    "embedding": "embeddings",
    "embed": "embeddings",
}
"""Spellings met in telemetry -> the specification's word."""

MAX_REPORTED_USD: Final = 1e6
"""A single call reported dearer than this is a broken emitter; the figure is not kept."""

_MAX_BAG_DEPTH: Final = 3
_MAX_PRESENT: Final = 1_024
_COUNTED: Final = {fact: place for place, fact in enumerate(Counts._fields)}
_UNCOUNTED: Final = tuple(Counts())


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
    time_to_first_chunk_ms: Keys = ()
    reported_cost_usd: Keys = ()
    input: Keys = ()
    output: Keys = ()
    total: Keys = ()
    cache_read: Keys = ()
    cache_write: Keys = ()
    cache_write_5m: Keys = ()
    cache_write_30m: Keys = ()
    cache_write_1h: Keys = ()
    cache_write_12h: Keys = ()
    reasoning: Keys = ()
    input_audio: Keys = ()
    cache_read_audio: Keys = ()
    output_audio: Keys = ()
    input_image: Keys = ()
    output_image: Keys = ()
    tool_use_input: Keys = ()
    web_search: Keys = ()
    grounding: Keys = ()
    code_execution: Keys = ()
    image: Keys = ()
    page: Keys = ()
    second: Keys = ()
    request: Keys = ()

    def after(self, **own: Keys) -> Vocabulary:
        """Return this vocabulary with a dialect's `own` keys before those it shares."""
        merged: dict[str, Any] = {fact: keys + getattr(self, fact) for fact, keys in own.items()}
        return replace(self, **merged)

    @property
    def keys(self) -> frozenset[str]:
        """Every key of every fact."""
        return frozenset(key for item in fields(self) for key in getattr(self, item.name))


class Present(dict[str, Keys]):
    """The words of a vocabulary that a span has: for each fact the attributes that carry it, best first."""

    def __init__(self, vocabulary: Vocabulary, words: Keys) -> None:
        facts = ((item.name, getattr(vocabulary, item.name)) for item in fields(vocabulary))
        there = ((fact, tuple(key for key in keys if key in words)) for fact, keys in facts)
        super().__init__((fact, keys) for fact, keys in there if keys)
        self.counts: Final = tuple((_COUNTED[fact], keys) for fact, keys in self.items() if fact in _COUNTED)
        self.claims_usage: Final = not self.keys().isdisjoint(("input", "output", "total"))
        self.readings: Final = Readings[Any]()


class _Presents(dict[Keys, Present]):
    """Names of a span's attributes -> which words are there.

    One emitter sends the same few sets of attributes over and over; remembered until there are too many of them.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        super().__init__()
        self._vocabulary: Final = vocabulary
        self._is_word: Final = vocabulary.keys.__contains__
        self._of_words: Final[dict[Keys, Present]] = {}

    def __missing__(self, names: Keys) -> Present:
        words = tuple(filter(self._is_word, names))
        if len(self) >= _MAX_PRESENT:
            self.clear()
        if len(self._of_words) >= _MAX_PRESENT:
            self._of_words.clear()
        found = self[names] = self._of_words.setdefault(words, Present(self._vocabulary, words))
        return found


class Dialect:
    """Base of all dialects. Subclasses set the class variables and override a reader where keys alone do not do."""

    name: str
    source: str
    """Where the vocabulary is documented or was captured, with versions."""
    markers: tuple[bytes, ...]
    """Byte strings one of which every span of this dialect contains: what the server searches before it parses."""
    vocabulary: Vocabulary

    scopes: tuple[str, ...] = ()
    """Instrumentation scopes: exact names, or prefixes ending in `*`. The strongest sign."""
    tell_tales: ClassVar[Keys] = ()
    """Attributes only this dialect sends; `word.` stands for all that begin with it."""
    tell_tale_values: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    """Attributes that others send too, with the values only this dialect gives them."""
    bags: ClassVar[Keys] = ()
    """Attributes that hold a JSON object; its leaves are read as `<attribute>.<name>`."""
    usual: ClassVar[Convention | None] = None
    """How the emitter is documented to count; a scope's verified convention and the numbers themselves go before it."""
    operations: ClassVar[Mapping[str, str | None]] = {}
    """The emitter's own words for operations -> the specification's, or None for what is no request."""
    aggregates: ClassVar[frozenset[str]] = frozenset()
    """The emitter's own words for what sums up requests."""

    def __init__(self) -> None:
        self._presents = _Presents(self.vocabulary)

    def __getstate__(self) -> dict[str, Any]:
        """Return what another process makes the same dialect of: what was remembered here stays here."""
        return {name: value for name, value in vars(self).items() if name != "_presents"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Become the dialect of another process."""
        vars(self).update(state)
        self._presents = _Presents(self.vocabulary)

    def prepared(self, record: SpanRecord) -> SpanRecord:
        """Return the record with its JSON bags laid flat. A key that is there already is not replaced."""
        flat: dict[str, Any] = {}
        for key in self.bags:
            if key in record.attributes:
                _lay_flat(key, json_object(record.attributes[key]), flat)
        laid = replace(record, attributes={**flat, **record.attributes}) if flat else record
        object.__setattr__(laid, "present", self.presence(laid.attributes))
        return laid

    def remembered(self, record: SpanRecord, read: Callable[[SpanRecord], T]) -> T:
        """Return `read(record)`, the same pure function each time, from memory where its answer is known."""
        readings: Readings[T] = self._present(record).readings
        return readings.of(record, read)

    def _present(self, record: SpanRecord) -> Present:
        present = record.present
        return self.presence(record.attributes) if present is None else present  # type: ignore[return-value]

    def presence(self, attributes: Attributes) -> Present:
        """Return which words of the vocabulary are among the names of `attributes`."""
        return self._presents[tuple(attributes)]

    def _said(self, record: SpanRecord, fact: str, read: Callable[[AttributeValue], T | None]) -> T | None:
        """Return the first readable value of the attributes that carry `fact`."""
        keys = self._present(record).get(fact)
        if keys is not None:
            for key in keys:
                if (found := read(record.attributes[key])) is not None:
                    return found
        return None

    def operation(self, record: SpanRecord) -> str | None:
        """Return the operation in the specification's words, or None when the span claims no request at all."""
        said = self.say(record, "operation")
        if said is None:
            return None
        lowered = said.lower()
        return self.operations.get(lowered) or OPERATION_SYNONYMS.get(lowered, lowered)

    def span_class(self, record: SpanRecord, operation: str | None) -> SpanClass | None:
        """Return whether the span is a request or sums up others; None when it claims neither usage nor a request."""
        if operation in INFERENCE_OPERATIONS and operation != "retrieval":
            return SpanClass.INFERENCE
        if not self.claims_usage(record):
            return None  # a retrieval without counts is a search of one's own store
        if operation in self.aggregates or any(word in (operation or "") for word in AGGREGATE_WORDS):
            return SpanClass.AGGREGATE
        return SpanClass.INFERENCE

    def claims_usage(self, record: SpanRecord) -> bool:
        """Return True when any token count is there, readable or not."""
        return self._present(record).claims_usage

    def convention(self, record: SpanRecord) -> Convention | None:
        """Return the verified counting convention, or None to ask the numbers."""
        return known_convention(record.scope.name, record.scope.version)

    def say(self, record: SpanRecord, fact: str) -> str | None:
        """Return the text that the vocabulary names for `fact`."""
        return self._said(record, fact, text)

    def provider(self, record: SpanRecord) -> str | None:
        """Return the provider as sent."""
        return self.say(record, "provider")

    def requested_model(self, record: SpanRecord) -> str | None:
        """Return the model asked for."""
        return self.say(record, "requested_model")

    def response_model(self, record: SpanRecord) -> str | None:
        """Return the model that answered."""
        return self.say(record, "response_model")

    def finish_reason(self, record: SpanRecord) -> str | None:
        """Return the finish reason as sent; the last one where a call had several choices."""
        reasons = self._said(record, "finish_reason", lambda value: texts(value) or None)
        return reasons[-1] if reasons else None

    def error_type(self, record: SpanRecord) -> str | None:
        """Return the error as sent, or None for a span that names none."""
        return self.say(record, "error_type")

    def streamed(self, record: SpanRecord) -> bool:
        """Return True when the answer was streamed."""
        return self._said(record, "streamed", flag) or False

    def time_to_first_chunk_s(self, record: SpanRecord) -> float | None:
        """Return seconds until the first chunk; 0 and less is "not measured"."""
        seconds = self._said(record, "time_to_first_chunk_s", number)
        if seconds is None:
            milliseconds = self._said(record, "time_to_first_chunk_ms", number)
            seconds = None if milliseconds is None else milliseconds / 1000
        return seconds if seconds is not None and seconds > 0 else None

    def reported_cost(self, record: SpanRecord) -> PicoUsd | None:
        """Return the emitter's own cost. Exactly 0 is "not in its table" and so not said (accounting rule 4.6)."""
        return usd(self._said(record, "reported_cost_usd", number))

    def counts(self, record: SpanRecord) -> Counts:
        """Return the token counts as sent, before anything is made of them."""
        attributes, found = record.attributes, list(_UNCOUNTED)
        for place, keys in self._present(record).counts:
            for key in keys:
                count = attributes[key]
                if type(count) is int or (count := whole_number(count)) is not None:
                    found[place] = count
                    break
        return Counts._make(found)

    def answer(self, record: SpanRecord) -> Answer | None:  # noqa: ARG002 - most emitters keep no raw answer
        """Return what the provider's own answer says, where the span holds it."""
        return None

    def attribution_attributes(self, record: SpanRecord) -> Attributes:
        """Return the attributes that say whom the call was for, without the emitter's placeholders."""
        return record.attributes


def usd(cost_usd: float | None) -> PicoUsd | None:
    """Return a reported cost in US dollars as money, or None for nothing, nonsense and exactly 0."""
    return nearest_pico_from_float(cost_usd) if cost_usd and 0 < cost_usd < MAX_REPORTED_USD else None


def _lay_flat(prefix: str, found: Attributes, flat: dict[str, Any], depth: int = 0) -> None:
    for name, value in found.items():
        if isinstance(value, dict) and depth < _MAX_BAG_DEPTH:
            _lay_flat(f"{prefix}.{name}", value, flat, depth + 1)
        else:
            flat[f"{prefix}.{name}"] = value
