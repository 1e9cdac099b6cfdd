"""What OpenAI's answers, whole and in chunks, say that the official instrumentation does not put on the span.

Source: the types of openai 3.52 and the instrumentation opentelemetry-instrumentation-genai-openai 1.3b0.
"""

from __future__ import annotations

from typing import Any, Final

from opentelemetry.util.types import AttributeValue

from costspan.sdk import attribute_names as names
from costspan.sdk.watched_stream import Look, StreamWatch

_OVER: Final = frozenset({"response.completed", "response.incomplete", "response.failed"})


def attributes_of(answer: Any) -> dict[str, AttributeValue]:
    """Return span attributes for a whole answer: of a chat, of the Responses API, or embeddings; none for any other."""
    kind, usage = getattr(answer, "object", None), getattr(answer, "usage", None)
    if kind == "chat.completion" or (kind != "response" and usage is None):
        return image_tokens(usage)
    if kind == "response":
        written = at(usage, "input_tokens_details", "cache_write_tokens_details")
        found = {
            names.CACHE_WRITE_30M: at(written, "ttl_30m_tokens"),
            names.CACHE_WRITE_12H: at(written, "ttl_12h_tokens"),
            names.WEB_SEARCHES: sum(_is_search(item) for item in answer.output or ()),
        }
    elif kind == "list":  # embeddings, which behind with_raw_response the instrumentation does not read
        found = {names.INPUT_TOKENS: at(usage, "prompt_tokens"), names.RESPONSE_MODEL: answer.model}
    else:
        found = image_tokens(usage)
    return {key: value for key, value in found.items() if value}


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


def image_tokens(usage: Any) -> dict[str, Any]:
    """Return the image tokens where they cannot be among the cached ones, of which a chat does not say the kind."""
    details = getattr(usage, "prompt_tokens_details", None)
    image = details and field(details, "image_tokens")
    if not image:
        return {}
    others = sum(at(details, name) or 0 for name in ("cached_tokens", "cache_write_tokens", "audio_tokens"))
    return {names.IMAGE_INPUT_TOKENS: image} if image + others <= usage.prompt_tokens else {}


def _is_search(item: Any) -> bool:
    """Return True for a web search that is billed: opening a page found before is not."""
    return getattr(item, "type", None) == "web_search_call" and at(item, "action", "type") in {"search", None}


def at(document: Any, *path: str) -> Any:
    for name in path:
        if document is None:
            return None
        document = field(document, name)
    return document


def field(document: Any, name: str) -> Any:
    """Return what `getattr(document, name, None)` would: to deny a field, which is common, takes a model 3 µs."""
    said = document.__dict__
    return said[name] if name in said else (getattr(document, "__pydantic_extra__", None) or {}).get(name)
