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
from costspan.sdk.watched_stream import Look, Pass, StreamWatch, watched, watched_async


def look_at_chat(watch: StreamWatch, *, choices: int, asked: bool, data: Any) -> Look:
    """Return who sees the chunks of a chat. `asked` says that we asked for the usage, `data` is where the
    instrumentation takes what layers below it know."""
    finished = 0

    def look(chunk: Any) -> Pass | None:
        nonlocal finished
        usage, parts = chunk.usage, chunk.choices
        if usage is not None:
            watch.usage_known = True
            if image := image_tokens(usage):
                watch.span.set_attributes(image)
        elif asked:
            chunk.model_fields_set.discard("usage")  # every chunk has an empty one when usage was asked for
        if not parts:
            if usage is None or not asked:
                return None
            _tell_usage(watch.span, data, usage)
            return Pass.KEEP
        for choice in parts:
            delta = choice.delta
            # The last is the name of DeepSeek and other compatible endpoints.
            if delta is not None and (
                delta.content or delta.tool_calls or delta.refusal or field(delta, "reasoning_content")
            ):
                watch.pieces += 1
            if choice.finish_reason is not None:
                finished += 1
                watch.whole = finished >= choices
        return Pass.PEEK if asked and watch.whole and not watch.usage_known else None

    return look


# Nearly all chunks hold a piece of output and nothing else. They are seen inside the loop: to call `look` for each
# would double what a stream costs its caller (`benchmarks/sdk`). From the first that says more, all go to it.
def watched_chat(chunks: Iterator[Any], look: Look, watch: StreamWatch, *, asked: bool) -> Iterator[Any]:
    """Yield `chunks` as `look` lets them pass, which `look_at_chat` has made."""
    for chunk in chunks:
        try:
            (choice,) = chunk.choices
            if chunk.usage is not None or choice.finish_reason is not None:
                break
            delta = choice.delta
            if delta.content or delta.tool_calls or delta.refusal or field(delta, "reasoning_content"):
                watch.pieces += 1
            if asked:
                chunk.model_fields_set.discard("usage")
        except Exception:  # noqa: BLE001 - `look` reads it again and says why
            break
        yield chunk
    else:
        watch.whole = True
        return
    yield from watched(chain([chunk], chunks), look, watch)


async def watched_chat_async(
    chunks: AsyncIterator[Any], look: Look, watch: StreamWatch, *, asked: bool
) -> AsyncIterator[Any]:
    """Yield `chunks` as `look` lets them pass, which `look_at_chat` has made."""
    async for chunk in chunks:
        try:
            (choice,) = chunk.choices
            if chunk.usage is not None or choice.finish_reason is not None:
                break
            delta = choice.delta
            if delta.content or delta.tool_calls or delta.refusal or field(delta, "reasoning_content"):
                watch.pieces += 1
            if asked:
                chunk.model_fields_set.discard("usage")
        except Exception:  # noqa: BLE001 - as above
            break
        yield chunk
    else:
        watch.whole = True
        return
    async for rest in watched_async(_behind(chunk, chunks), look, watch):
        yield rest


async def _behind(first: Any, rest: AsyncIterator[Any]) -> AsyncIterator[Any]:
    yield first
    async for each in rest:
        yield each


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
