"""A chat of OpenAI's that is streamed: what its chunks say, and the usage that we may have asked for behind them.

Source: the types of openai 3.52 and the instrumentation opentelemetry-instrumentation-genai-openai 1.3b0.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from itertools import chain
from typing import Any

from opentelemetry.sdk.trace import Span

from costspan.sdk import attribute_names as names
from costspan.sdk.clients.openai_answers import at, field, image_tokens
from costspan.sdk.safety import log_once
from costspan.sdk.watched_stream import UNREAD, Look, Pass, StreamWatch, watched, watched_async


# All in the loop: a function called for each chunk would double what a stream costs its caller (`benchmarks/sdk`).
def watched_chat(
    chunks: Iterator[Any],
    watch: StreamWatch,
    choices: int,
    asked: bool,
    data: Any,
) -> Iterator[Any]:
    """Yield `chunks`, without the usage where it was `asked` for by us.

    `choices` is how many answers were ordered, `data` where the instrumentation takes what layers below it know.
    """
    finished = 0
    for chunk in chunks:
        try:
            if chunk.usage is not None:
                _note_usage(watch, chunk.usage)
            elif asked:
                chunk.model_fields_set.discard("usage")  # every chunk has an empty one when usage was asked for
            for choice in chunk.choices or ():
                delta = choice.delta
                # The last is the name of DeepSeek and other compatible endpoints.
                if delta is not None and (
                    delta.content or delta.tool_calls or delta.refusal or field(delta, "reasoning_content")
                ):
                    watch.pieces += 1
                if choice.finish_reason is not None:
                    finished += 1
                    watch.whole = finished >= choices
            if asked and (watch.whole or watch.usage_known):
                break
        except Exception as error:  # noqa: BLE001 - telemetry must never break its host
            log_once(UNREAD, error=error)
        yield chunk
    else:
        watch.whole = True
        return
    rest = watched_chat(chunks, watch, choices - finished, False, None)
    yield from watched(chain([chunk], rest), _look_for_usage(watch, data), watch)


async def watched_chat_async(
    chunks: AsyncIterator[Any],
    watch: StreamWatch,
    choices: int,
    asked: bool,
    data: Any,
) -> AsyncIterator[Any]:
    """Yield `chunks` as `watched_chat` does."""
    finished = 0
    async for chunk in chunks:
        try:
            if chunk.usage is not None:
                _note_usage(watch, chunk.usage)
            elif asked:
                chunk.model_fields_set.discard("usage")
            for choice in chunk.choices or ():
                delta = choice.delta
                if delta is not None and (
                    delta.content or delta.tool_calls or delta.refusal or field(delta, "reasoning_content")
                ):
                    watch.pieces += 1
                if choice.finish_reason is not None:
                    finished += 1
                    watch.whole = finished >= choices
            if asked and (watch.whole or watch.usage_known):
                break
        except Exception as error:  # noqa: BLE001 - as above
            log_once(UNREAD, error=error)
        yield chunk
    else:
        watch.whole = True
        return
    rest = watched_chat_async(chunks, watch, choices - finished, False, None)
    async for each in watched_async(_behind(chunk, rest), _look_for_usage(watch, data), watch):
        yield each


async def _behind(first: Any, rest: AsyncIterator[Any]) -> AsyncIterator[Any]:
    yield first
    async for each in rest:
        yield each


def _note_usage(watch: StreamWatch, usage: Any) -> None:
    watch.usage_known = True
    if image := image_tokens(usage):
        watch.span.set_attributes(image)


def _look_for_usage(watch: StreamWatch, data: Any) -> Look:
    """Return who lets pass what `watch` has seen, but for the usage that we asked for."""

    def look(chunk: Any) -> Pass | None:
        if chunk.usage is None:
            chunk.model_fields_set.discard("usage")
            return Pass.PEEK if chunk.choices and watch.whole and not watch.usage_known else None
        if chunk.choices:
            return None
        _tell_usage(watch.span, data, chunk.usage)
        return Pass.KEEP

    return look


def _tell_usage(span: Span, data: Any, usage: Any) -> None:
    span.set_attributes(_chat_usage(usage))
    if data is not None:
        data.usage_input_tokens = usage.prompt_tokens
        data.usage_output_tokens = usage.completion_tokens


def _chat_usage(usage: Any) -> dict[str, int]:
    found = {
        names.INPUT_TOKENS: usage.prompt_tokens,
        names.OUTPUT_TOKENS: usage.completion_tokens,
        names.CACHE_READ_TOKENS: at(usage, "prompt_tokens_details", "cached_tokens"),
        names.CACHE_WRITE_TOKENS: at(usage, "prompt_tokens_details", "cache_write_tokens"),
        names.AUDIO_INPUT_TOKENS: at(usage, "prompt_tokens_details", "audio_tokens"),
        names.AUDIO_OUTPUT_TOKENS: at(usage, "completion_tokens_details", "audio_tokens"),
        names.REASONING_TOKENS: at(usage, "completion_tokens_details", "reasoning_tokens"),
    }
    return {key: value for key, value in found.items() if value}
