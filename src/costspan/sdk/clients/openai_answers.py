"""What OpenAI's answers, whole and in chunks, say that the official instrumentation does not put on the span.

Source: the types of openai 3.52 and the instrumentation opentelemetry-instrumentation-genai-openai 1.3b0.
"""

from __future__ import annotations

from typing import Any, Final

from opentelemetry.sdk.trace import Span
from opentelemetry.util.types import AttributeValue

from costspan.sdk import attribute_names as names
from costspan.sdk.watched_stream import Look, Pass, StreamWatch

_OVER: Final = frozenset({"response.completed", "response.incomplete", "response.failed"})


def attributes_of(answer: Any) -> dict[str, AttributeValue]:
    """Return span attributes for a whole answer: of a chat, of the Responses API, or embeddings; none for any other."""
    kind, usage = getattr(answer, "object", None), getattr(answer, "usage", None)
    if kind == "chat.completion" or (kind != "response" and usage is None):
        return _image_tokens(usage)
    if kind == "response":
        written = _at(usage, "input_tokens_details", "cache_write_tokens_details")
        found = {
            names.CACHE_WRITE_30M: _at(written, "ttl_30m_tokens"),
            names.CACHE_WRITE_12H: _at(written, "ttl_12h_tokens"),
            names.WEB_SEARCHES: sum(_is_search(item) for item in answer.output or ()),
        }
    elif kind == "list":  # embeddings, which behind with_raw_response the instrumentation does not read
        found = {names.INPUT_TOKENS: _at(usage, "prompt_tokens"), names.RESPONSE_MODEL: answer.model}
    else:
        found = _image_tokens(usage)
    return {key: value for key, value in found.items() if value}


def look_at_chat(watch: StreamWatch, *, choices: int, asked: bool, data: Any) -> Look:
    """Return who sees the chunks of a chat. `asked` says that we asked for the usage, `data` is where the
    instrumentation takes what layers below it know."""
    finished = 0

    def look(chunk: Any) -> Pass | None:
        nonlocal finished
        usage, parts = chunk.usage, chunk.choices
        if usage is not None:
            watch.usage_known = True
            if image := _image_tokens(usage):
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
                delta.content or delta.tool_calls or delta.refusal or _field(delta, "reasoning_content")
            ):
                watch.pieces += 1
            if choice.finish_reason is not None:
                finished += 1
                watch.whole = finished >= choices
        return Pass.PEEK if asked and watch.whole and not watch.usage_known else None

    return look


def look_at_responses(watch: StreamWatch) -> Look:
    """Return who sees the events of a streamed response."""

    def look(event: Any) -> None:
        response: Any = getattr(event, "response", None)
        watch.response_id = watch.response_id or getattr(response, "id", None)
        if event.type in _OVER:
            watch.whole = True
            watch.usage_known = response.usage is not None
            watch.span.set_attributes(attributes_of(response))
        elif event.type.endswith(".delta"):
            watch.pieces += 1

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
        names.CACHE_READ_TOKENS: _at(usage, "prompt_tokens_details", "cached_tokens"),
        names.CACHE_WRITE_TOKENS: _at(usage, "prompt_tokens_details", "cache_write_tokens"),
        names.AUDIO_INPUT_TOKENS: _at(usage, "prompt_tokens_details", "audio_tokens"),
        names.AUDIO_OUTPUT_TOKENS: _at(usage, "completion_tokens_details", "audio_tokens"),
        names.REASONING_TOKENS: _at(usage, "completion_tokens_details", "reasoning_tokens"),
    }
    return {key: value for key, value in found.items() if value}


def _image_tokens(usage: Any) -> dict[str, Any]:
    """Return the image tokens where they cannot be among the cached ones, of which a chat does not say the kind."""
    details = getattr(usage, "prompt_tokens_details", None)
    image = details and _field(details, "image_tokens")
    if not image:
        return {}
    others = sum(_at(details, name) or 0 for name in ("cached_tokens", "cache_write_tokens", "audio_tokens"))
    return {names.IMAGE_INPUT_TOKENS: image} if image + others <= usage.prompt_tokens else {}


def _is_search(item: Any) -> bool:
    """Return True for a web search that is billed: opening a page found before is not."""
    return getattr(item, "type", None) == "web_search_call" and _at(item, "action", "type") in {"search", None}


def _at(document: Any, *path: str) -> Any:
    for name in path:
        if document is None:
            return None
        document = _field(document, name)
    return document


def _field(document: Any, name: str) -> Any:
    """Return what `getattr(document, name, None)` would: to deny a field, which is common, takes a model 3 µs."""
    said = document.__dict__
    return said[name] if name in said else (getattr(document, "model_extra", None) or {}).get(name)
