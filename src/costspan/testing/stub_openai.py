"""The OpenAI API of the stub provider (https://platform.openai.com/docs/api-reference): chat completions, Responses and
embeddings, whole and streamed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from costspan.testing.stub_api import Route, StubAnswer, StubCall, StubUsage, event_stream, json_answer, server_sent

_CREATED_S: Final = 1_790_000_000
_TEXT: Final = "Hello."
_INCOMPLETE: Final = {"length": "max_output_tokens", "content_filter": "content_filter"}


def _chat(call: StubCall) -> StubAnswer:
    if call.body.get("stream"):
        return event_stream(_chat_events(call))
    said: dict[str, Any] = {"role": "assistant", "content": _TEXT * call.deltas, "refusal": None}
    tool = _tool_to_call(call)
    choice = {
        "index": 0,
        "message": said | {"content": None, "tool_calls": [tool]} if tool else said,
        "logprobs": None,
        "finish_reason": "tool_calls" if tool else call.finish_reason,
    }
    return json_answer(_completion("chat.completion", call) | {"choices": [choice], "usage": _chat_usage(call.usage)})


def _chat_events(call: StubCall) -> Iterator[bytes]:
    """Yield the chunks; the usage comes last and only when asked for, as OpenAI does it."""
    with_usage = bool((call.body.get("stream_options") or {}).get("include_usage"))
    frame = _completion("chat.completion.chunk", call) | ({"usage": None} if with_usage else {})
    for delta in ({"role": "assistant", "content": ""}, *[{"content": _TEXT}] * call.deltas):
        yield server_sent(frame | {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]})
    yield server_sent(frame | {"choices": [{"index": 0, "delta": {}, "finish_reason": call.finish_reason}]})
    if with_usage:
        yield server_sent(frame | {"choices": [], "usage": _chat_usage(call.usage)})
    yield b"data: [DONE]\n\n"


def _tool_to_call(call: StubCall) -> dict[str, Any] | None:
    """Return a call of the first function offered, where no result of one is there yet."""
    offered = call.body.get("tools")
    if not offered or call.body["messages"][-1]["role"] == "tool":
        return None
    function = {"name": offered[0]["function"]["name"], "arguments": "{}"}
    return {"id": f"call_{call.number}", "type": "function", "function": function}


def _completion(kind: str, call: StubCall) -> dict[str, Any]:
    document: dict[str, Any] = {
        "id": f"chatcmpl-{call.number}",
        "object": kind,
        "created": _CREATED_S,
        "model": call.model,
        "system_fingerprint": "fp_stub",
    }
    return document | ({"service_tier": call.usage.service_tier} if call.usage.service_tier else {})


def _chat_usage(usage: StubUsage) -> dict[str, Any]:
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
        "prompt_tokens_details": {
            "cached_tokens": usage.cached_tokens,
            "cache_write_tokens": usage.cache_write_tokens,
            "audio_tokens": usage.audio_input_tokens,
            "image_tokens": usage.image_input_tokens,
        },
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning_tokens,
            "audio_tokens": usage.audio_output_tokens,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def _responses(call: StubCall) -> StubAnswer:
    if call.body.get("stream"):
        return event_stream(_responses_events(call))
    return json_answer(_response(call))


def _responses_events(call: StubCall) -> Iterator[bytes]:
    """Yield the events; the usage stands in the response of the last one."""
    whole = _response(call)
    begun = whole | {"status": "in_progress", "output": [], "usage": None}
    last = f"response.{whole['status']}"
    where = {"item_id": f"msg_{call.number}", "output_index": 0}
    part = where | {"content_index": 0}
    message = {"id": where["item_id"], "type": "message", "role": "assistant", "status": "in_progress", "content": []}
    empty = {"type": "output_text", "text": "", "annotations": []}
    events: list[tuple[str, dict[str, Any]]] = [
        ("response.created", {"response": begun}),
        ("response.output_item.added", {"output_index": 0, "item": message}),
        ("response.content_part.added", part | {"part": empty}),
        *[("response.output_text.delta", part | {"delta": _TEXT, "logprobs": []})] * call.deltas,
        (last, {"response": whole}),
    ]
    for position, (kind, said) in enumerate(events):
        yield server_sent({"type": kind, "sequence_number": position, **said}, kind)


def _response(call: StubCall) -> dict[str, Any]:
    usage, reason = call.usage, _INCOMPLETE.get(call.finish_reason)
    message = {
        "id": f"msg_{call.number}",
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": [{"type": "output_text", "text": _TEXT * call.deltas, "annotations": []}],
    }
    search = {"type": "web_search_call", "status": "completed", "action": {"type": "search", "query": "stub"}}
    opened = {"type": "web_search_call", "status": "completed", "action": {"type": "open_page", "url": "http://stub"}}
    searches = [search | {"id": f"ws_{call.number}_{position}"} for position in range(usage.web_searches)]
    return {
        "id": f"resp_{call.number}",
        "object": "response",
        "created_at": _CREATED_S,
        "model": call.model,
        "status": "incomplete" if reason else "completed",
        "incomplete_details": {"reason": reason} if reason else None,
        "output": [*searches, *([opened | {"id": f"ws_{call.number}_page"}] if searches else []), message],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "service_tier": usage.service_tier or "default",
        "usage": {
            "input_tokens": usage.input_tokens,
            "input_tokens_details": {
                "cached_tokens": usage.cached_tokens,
                "cache_write_tokens": usage.cache_write_tokens,
                "cache_write_tokens_details": {
                    "ttl_30m_tokens": usage.cache_write_tokens - usage.cache_write_long_tokens,
                    "ttl_12h_tokens": usage.cache_write_long_tokens,
                },
            },
            "output_tokens": usage.output_tokens,
            "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
            "total_tokens": usage.input_tokens + usage.output_tokens,
        },
    }


def _embeddings(call: StubCall) -> StubAnswer:
    """Answer with one embedding of four dimensions."""
    tokens = call.usage.input_tokens
    return json_answer(
        {
            "object": "list",
            "model": call.model,
            "data": [{"object": "embedding", "index": 0, "embedding": [0.5, -0.5, 0.25, 0.125]}],
            "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
        }
    )


OPENAI_ROUTES: Final = (
    Route(re.compile(r"/chat/completions$"), _chat),
    Route(re.compile(r"/responses$"), _responses),
    Route(re.compile(r"/embeddings$"), _embeddings),
)
