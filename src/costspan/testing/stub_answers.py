"""The documents the stub provider answers with, in the shape of the OpenAI API (https://platform.openai.com/docs/api-reference)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

_CREATED_S: Final = 1_790_000_000
_TEXT: Final = "Hello."


@dataclass(frozen=True, slots=True, kw_only=True)
class StubUsage:
    """What a call is said to have used, counted as OpenAI counts: input includes cached and written tokens and audio,
    output includes reasoning and audio."""

    input_tokens: int = 87
    output_tokens: int = 52
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    audio_input_tokens: int = 0
    audio_output_tokens: int = 0
    service_tier: str | None = None

    def chat(self) -> dict[str, Any]:
        """Return the `usage` object of chat completions."""
        return {
            "prompt_tokens": self.input_tokens,
            "completion_tokens": self.output_tokens,
            "total_tokens": self.input_tokens + self.output_tokens,
            "prompt_tokens_details": {
                "cached_tokens": self.cached_tokens,
                "cache_write_tokens": self.cache_write_tokens,
                "audio_tokens": self.audio_input_tokens,
            },
            "completion_tokens_details": {
                "reasoning_tokens": self.reasoning_tokens,
                "audio_tokens": self.audio_output_tokens,
                "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            },
        }

    def responses(self) -> dict[str, Any]:
        """Return the `usage` object of the Responses API."""
        return {
            "input_tokens": self.input_tokens,
            "input_tokens_details": {
                "cached_tokens": self.cached_tokens,
                "cache_write_tokens": self.cache_write_tokens,
            },
            "output_tokens": self.output_tokens,
            "output_tokens_details": {"reasoning_tokens": self.reasoning_tokens},
            "total_tokens": self.input_tokens + self.output_tokens,
        }


def chat_answer(number: int, model: str, usage: StubUsage) -> dict[str, Any]:
    """Return a whole chat completion."""
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": _TEXT, "refusal": None},
        "logprobs": None,
        "finish_reason": "stop",
    }
    return _completion("chat.completion", number, model, usage) | {"choices": [choice], "usage": usage.chat()}


def chat_chunks(number: int, model: str, usage: StubUsage, *, with_usage: bool) -> Iterator[dict[str, Any]]:
    """Yield a streamed chat completion; the usage comes last and only when asked for, as OpenAI does it."""
    frame = _completion("chat.completion.chunk", number, model, usage)
    unknown = {"usage": None} if with_usage else {}
    for delta, reason in (({"role": "assistant", "content": ""}, None), ({"content": _TEXT}, None), ({}, "stop")):
        yield frame | unknown | {"choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}
    if with_usage:
        yield frame | {"choices": [], "usage": usage.chat()}


def responses_answer(number: int, model: str, usage: StubUsage) -> dict[str, Any]:
    """Return a completed response of the Responses API."""
    message = {
        "id": f"msg_{number}",
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": [{"type": "output_text", "text": _TEXT, "annotations": []}],
    }
    return {
        "id": f"resp_{number}",
        "object": "response",
        "created_at": _CREATED_S,
        "model": model,
        "status": "completed",
        "output": [message],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "service_tier": usage.service_tier or "default",
        "usage": usage.responses(),
    }


def embeddings_answer(model: str, usage: StubUsage) -> dict[str, Any]:
    """Return one embedding of four dimensions."""
    return {
        "object": "list",
        "model": model,
        "data": [{"object": "embedding", "index": 0, "embedding": [0.5, -0.5, 0.25, 0.125]}],
        "usage": {"prompt_tokens": usage.input_tokens, "total_tokens": usage.input_tokens},
    }


def _completion(kind: str, number: int, model: str, usage: StubUsage) -> dict[str, Any]:
    document: dict[str, Any] = {
        "id": f"chatcmpl-{number}",
        "object": kind,
        "created": _CREATED_S,
        "model": model,
        "system_fingerprint": "fp_stub",
    }
    return document | ({"service_tier": usage.service_tier} if usage.service_tier else {})
