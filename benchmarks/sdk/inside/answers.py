"""Canned answers behind the real client, in process: no socket, so that what is measured is the client and its watcher.

1,000 tokens in, 500 out of gpt-4o-mini; the stream has twenty pieces of text.
"""

from __future__ import annotations

import json
from typing import Any

MODEL = "gpt-4o-mini"
_ANSWERING = "gpt-4o-mini-2024-07-18"
_TEXT = "The quick brown fox jumps over the lazy dog. " * 8
_MESSAGES = [
    {"role": "system", "content": "You are a helpful assistant. " * 4},
    {"role": "user", "content": "Summarise the following text in one sentence. " * 6},
]
_USAGE = {
    "prompt_tokens": 1000,
    "completion_tokens": 500,
    "total_tokens": 1500,
    "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
}


def client() -> Any:
    """Return the OpenAI client with the answers for its transport."""
    import openai
    from openai import _base_client

    http = getattr(_base_client, "httpx2", None) or _base_client.httpx  # its HTTP library changed with version 3

    def answer(request: Any) -> Any:
        if json.loads(request.content).get("stream"):
            return http.Response(200, headers={"content-type": "text/event-stream"}, content=_STREAM)
        return http.Response(200, headers={"content-type": "application/json"}, content=_CHAT)

    transport = http.Client(transport=http.MockTransport(answer))
    return openai.OpenAI(api_key="unused", http_client=transport, max_retries=0)


def chat(client: Any) -> None:
    """Make one call."""
    client.chat.completions.create(model=MODEL, messages=_MESSAGES)


def stream(client: Any) -> None:
    """Make one streamed call and read it to its end."""
    options = {"include_usage": True}
    for _ in client.chat.completions.create(model=MODEL, messages=_MESSAGES, stream=True, stream_options=options):
        pass


def _document(kind: str, **more: Any) -> dict[str, Any]:
    return {"id": "chatcmpl-1", "object": kind, "created": 1795219676, "model": _ANSWERING, **more}


def _events() -> list[dict[str, Any]]:
    deltas = [{"role": "assistant", "content": ""}, *({"content": f"word{n} "} for n in range(20)), {}]
    choices = [
        {"index": 0, "delta": delta, "logprobs": None, "finish_reason": None if delta else "stop"} for delta in deltas
    ]
    events = [_document("chat.completion.chunk", choices=[choice], usage=None) for choice in choices]
    return [*events, _document("chat.completion.chunk", choices=[], usage=_USAGE)]


_CHAT = json.dumps(
    _document(
        "chat.completion",
        service_tier="default",
        choices=[
            {
                "index": 0,
                "message": {"role": "assistant", "content": _TEXT, "refusal": None},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        usage=_USAGE,
    )
).encode()
_STREAM = "".join(f"data: {json.dumps(event)}\n\n" for event in _events()).encode() + b"data: [DONE]\n\n"
