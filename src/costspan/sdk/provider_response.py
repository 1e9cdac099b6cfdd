"""A provider's answer, whatever client it came from, as the plain document that `semconv.raw_usage` reads.

Only the places that say what a call cost are looked at: answers and embeddings are neither copied nor read. No client
is imported; an answer is a dictionary, JSON text or an object with the API's names as attributes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import Enum
from typing import Any, Final

from costspan.semconv.attributes import MAX_JSON_CHARS
from costspan.semconv.raw_usage import Answer, read_answer

_NAMES: Final = (
    "id",
    "responseId",
    "response_id",
    "model",
    "modelVersion",
    "model_version",
    "service_tier",
    "serviceTier",
    "usage",
    "usageMetadata",
    "usage_metadata",
    "token_usage",
    "meta",
    "status",
    "incomplete_details",
    "stop_reason",
    "stopReason",
    "response_metadata",
)
_CHOICES: Final = ("choices", "candidates")
_FINISH: Final = ("finish_reason", "finishReason")
_MAX_DEPTH: Final = 5

_HEADER_COUNTS: Final = {
    "x-amzn-bedrock-input-token-count": "inputTokens",
    "x-amzn-bedrock-output-token-count": "outputTokens",
    "x-amzn-bedrock-cache-read-input-token-count": "cacheReadInputTokens",
    "x-amzn-bedrock-cache-write-input-token-count": "cacheWriteInputTokens",
}
"""What InvokeModel says of the usage beside the body, which is a stream that is not ours to read."""


def read_response(response: object) -> Answer | None:
    """Return what an answer of OpenAI, Anthropic, Gemini, Bedrock or LangChain says of itself; None for anything else.

    A chunk or event of a stream is read like an answer: the one that carries the usage says it.
    """
    if isinstance(response, str | bytes | bytearray):
        if len(response) > MAX_JSON_CHARS:
            return None
        try:
            response = json.loads(response)
        except ValueError:
            return None
    return read_answer(_document(response))


def _document(response: object) -> dict[str, Any]:
    document = {name: _plain(value) for name in _NAMES if (value := _get(response, name)) is not None}
    for name in _CHOICES:
        choices = _get(response, name)
        if isinstance(choices, list | tuple) and choices:
            said = {key: _plain(value) for key in _FINISH if (value := _get(choices[0], key)) is not None}
            document[name] = [said]
    inner = _get(response, "response")
    if inner is not None and not isinstance(inner, str):
        document["response"] = _document(inner)
    headers = _get(_get(response, "ResponseMetadata"), "HTTPHeaders")
    if "usage" not in document and isinstance(headers, Mapping):
        document["usage"] = {count: headers[name] for name, count in _HEADER_COUNTS.items() if name in headers}
    return document


def _get(holder: object, name: str) -> Any:
    return holder.get(name) if isinstance(holder, Mapping) else getattr(holder, name, None)


def _plain(value: Any, depth: int = 0) -> Any:
    if isinstance(value, Enum):
        return value.value
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if depth == _MAX_DEPTH:
        return None
    if isinstance(value, list | tuple):
        return [_plain(item, depth + 1) for item in value]
    fields = value if isinstance(value, Mapping) else _fields(value)
    return {str(name): _plain(item, depth + 1) for name, item in fields.items()}


def _fields(value: object) -> Mapping[str, Any]:
    dump = getattr(value, "model_dump", None) or getattr(value, "to_dict", None)
    found = dump() if callable(dump) else getattr(value, "__dict__", {})
    return found if isinstance(found, Mapping) else {}
