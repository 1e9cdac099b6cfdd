"""`TrackedCall`: one model call that the application describes itself. Made by `track`."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Final, TypedDict, Unpack, cast

from opentelemetry.trace import Span, Status, StatusCode
from opentelemetry.util.types import AttributeValue

from costspan.core.record import AttributeValue as Said
from costspan.sdk.attribute_names import TIME_TO_FIRST_CHUNK
from costspan.sdk.price_span import PricedSpan
from costspan.sdk.provider_response import read_response
from costspan.sdk.safety import log_once, never_raise
from costspan.semconv.attributes import text, whole_number
from costspan.semconv.conventions import inclusive_counts, split
from costspan.semconv.dialects.tracked import AGGREGATE, USAGE_KEYS
from costspan.semconv.raw_usage import Answer


class Recorded(TypedDict, total=False):
    """What `record_usage` takes. Counts are OpenTelemetry's: `input_tokens` is all input, with what was read from and
    written to a cache and with audio; `output_tokens` is all output, with reasoning and audio."""

    input_tokens: int | None
    output_tokens: int | None
    cache_read_tokens: int | None
    cache_write_tokens: int | None
    cache_write_5m_tokens: int | None
    cache_write_1h_tokens: int | None
    reasoning_tokens: int | None
    input_audio_tokens: int | None
    cache_read_audio_tokens: int | None
    output_audio_tokens: int | None
    input_image_tokens: int | None
    output_image_tokens: int | None
    web_searches: int | None
    code_executions: int | None
    images: int | None
    pages: int | None
    seconds: int | None
    requests: int | None
    model: str | None
    response_id: str | None
    finish_reason: str | None
    service_tier: str | None


_FEES: Final = {
    "web_searches": "web_search",
    "code_executions": "code_execution",
    "images": "image",
    "pages": "page",
    "seconds": "second",
    "requests": "request",
}
_FACTS: Final[Mapping[str, str]] = {
    name: _FEES.get(name, name.removesuffix("_tokens"))
    for name in Recorded.__annotations__
    if name in _FEES or name.endswith("_tokens")
}
"""Keyword of `record_usage` -> fact of `Counts`."""
_TEXTS: Final = {
    "model": "gen_ai.response.model",
    "response_id": "gen_ai.response.id",
    "finish_reason": "gen_ai.response.finish_reasons",
    "service_tier": "gen_ai.response.service_tier",
}
_NS_PER_S: Final = 1_000_000_000


class TrackedCall:
    """What was said of one call. Every method may be called again: what is said last holds. None of them raises."""

    def __init__(self, span: Span, model: str | None = None) -> None:
        self.span = span
        """The call's span; not recording where nothing is configured."""
        self._requested = model or ""
        self._started_ns = time.perf_counter_ns()
        self._counts: dict[str, int] = {}
        self._below: list[tuple[int, int]] = []
        self._failed = False
        self._saw_first_token = False

    @property
    def recorded(self) -> bool:
        """True once a usage is known."""
        return bool(self._counts)

    @never_raise(None)
    def record_usage(self, **said: Unpack[Recorded]) -> None:
        """Say what the call used: the keywords of `Recorded`, whole numbers as OpenTelemetry counts them.

        None is "not said" and is not 0. An unknown keyword is passed over, and logged once.
        """
        for name, value in said.items():
            if value is None:
                continue
            if name in _TEXTS:
                self._say(name, text(str(value)))
            elif name in _FACTS and (count := whole_number(cast("Said", value))) is not None:
                self._counts[_FACTS[name]] = count
            else:
                known = ", ".join(Recorded.__annotations__)
                log_once(f"costspan: record_usage({name}={value!r:.40}) is not understood; known: {known}")
        self._say_counts()

    @never_raise(None)
    def record_response(self, response: object) -> None:
        """Take usage, model, id, tier and finish reason from a provider's answer, its content left alone.

        Understands OpenAI (chat, Responses, embeddings, and what is compatible), Anthropic, Gemini, Bedrock (Converse,
        InvokeModel) and LangChain, as the client's object, a dictionary or JSON; of a stream, the event with the usage.
        """
        answer = read_response(response)
        if answer is None:
            log_once(f"costspan: record_response found neither usage nor an id in a {type(response).__name__}")
        else:
            self._take(answer)

    @never_raise(None)
    def record_error(self, error: BaseException | str) -> None:
        """Mark the call as failed. The type of `error` is kept; its message, which may quote a prompt, is not."""
        kind = error if isinstance(error, str) else _type_name(type(error))
        self._failed = True
        self.span.set_attribute("error.type", kind)
        self.span.set_status(Status(StatusCode.ERROR, kind))

    @never_raise(None)
    def record_first_token(self) -> None:
        """Say that the first part of a streamed answer is there now."""
        if not self._saw_first_token:
            self._saw_first_token = True
            waited_s = (time.perf_counter_ns() - self._started_ns) / _NS_PER_S
            self.span.set_attributes({TIME_TO_FIRST_CHUNK: waited_s, "gen_ai.request.stream": True})

    @never_raise(None)
    def returned(self, value: object) -> None:
        """Take what a decorated function returned, where it is a provider's answer and nothing was recorded."""
        if not self.recorded and (answer := read_response(value)):
            self._take(answer)

    @never_raise(None)
    def end(self, error: BaseException | None = None) -> None:
        """End the call, failed where an exception ended it. A stream that its reader gave up has not failed."""
        if error is not None and not isinstance(error, GeneratorExit) and not self._failed:
            self.record_error(error)
        if self._is_sum():
            self.span.set_attribute(AGGREGATE, True)
        self.span.end()

    def opened(self) -> None:
        """Hear that a span has started within the call."""

    def ended(self, verdict: PricedSpan | None) -> None:
        """Hear that a call was made within this one."""
        if verdict and verdict.call.usage:
            usage = verdict.call.usage
            self._below.append((usage.context_tokens, usage.output_tokens))

    def _is_sum(self) -> bool:
        """Return True where the call adds up several instrumented ones within; one alone is known by its counts."""
        mine = (self._counts.get("input", 0) + self._counts.get("tool_use_input", 0), self._counts.get("output", 0))
        within = (sum(each[0] for each in self._below), sum(each[1] for each in self._below))
        return len(self._below) > 1 and mine == within

    def _take(self, answer: Answer) -> None:
        # Claude on Bedrock answers with its bare name, which does not say the inference profile that was asked for.
        if not answer.model or not self._requested.partition("anthropic.")[2].startswith(answer.model):
            self._say("model", answer.model)
        self._say("response_id", answer.response_id)
        self._say("finish_reason", answer.finish_reason)
        self._say("service_tier", answer.mode)
        if answer.usage:
            told = split(answer.usage.counts, answer.usage.convention)
            # Counts that contradict one another are sent as they came, so that the contradiction is seen.
            counts = inclusive_counts(answer.usage.counts, told) if told.usage else answer.usage.counts
            self._counts |= {fact: count for fact, count in counts._asdict().items() if count is not None}
            self._say_counts()

    def _say_counts(self) -> None:
        self.span.set_attributes({USAGE_KEYS[fact]: count for fact, count in self._counts.items()})

    def _say(self, name: str, value: str | None) -> None:
        if value is not None:
            said: AttributeValue = [value] if name == "finish_reason" else value
            self.span.set_attribute(_TEXTS[name], said)


def _type_name(kind: type[BaseException]) -> str:
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
