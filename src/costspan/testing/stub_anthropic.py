"""The Messages API of the stub provider (https://platform.claude.com/docs/en/api/messages), whole and streamed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from costspan.testing.stub_api import Route, StubAnswer, StubCall, StubUsage, event_stream, json_answer, server_sent

_TEXT: Final = "Hello."
_STOP_REASONS: Final = {"stop": "end_turn", "length": "max_tokens", "content_filter": "refusal"}


def _messages(call: StubCall) -> StubAnswer:
    return event_stream(message_events(call)) if call.body.get("stream") else json_answer(message(call))


def message(call: StubCall) -> dict[str, Any]:
    """Return a whole message."""
    content: list[dict[str, Any]] = [{"type": "text", "text": _TEXT * call.deltas}]
    if call.usage.reasoning_tokens:
        content.insert(0, {"type": "thinking", "thinking": "Hm.", "signature": "c3R1Yg=="})
    return _begun(call, _usage(call.usage)) | {"content": content, "stop_reason": _stop_reason(call)}


def message_events(call: StubCall) -> Iterator[bytes]:
    """Yield a streamed message. Input is counted in the first event, output in the last but one, which repeats the
    counts of the first without the tier and the times to live, as the API does."""
    usage = _usage(call.usage)
    begun = {name: count for name, count in usage.items() if name not in {"output_tokens_details", "server_tool_use"}}
    yield _event("message_start", message=_begun(call, begun | {"output_tokens": 1}))
    yield _event("ping")
    for index, block in enumerate(message(call)["content"]):
        kind = block["type"]
        empty, piece = ({"thinking": "", "signature": ""}, "Hm.") if kind == "thinking" else ({"text": ""}, _TEXT)
        yield _event("content_block_start", index=index, content_block=block | empty)
        for _ in range(1 if kind == "thinking" else call.deltas):
            yield _event("content_block_delta", index=index, delta={"type": f"{kind}_delta", kind: piece})
        yield _event("content_block_stop", index=index)
    counted = {name: count for name, count in usage.items() if name not in {"cache_creation", "service_tier"}}
    yield _event("message_delta", delta={"stop_reason": _stop_reason(call), "stop_sequence": None}, usage=counted)
    yield _event("message_stop")


def _begun(call: StubCall, usage: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": f"msg_{call.number}",
        "type": "message",
        "role": "assistant",
        "model": call.model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": usage,
    }


def _usage(usage: StubUsage) -> dict[str, Any]:
    """Return the `usage` object: cached and written tokens stand beside the input, thinking inside the output."""
    return {
        "input_tokens": usage.input_tokens - usage.cached_tokens - usage.cache_write_tokens,
        "cache_read_input_tokens": usage.cached_tokens,
        "cache_creation_input_tokens": usage.cache_write_tokens,
        "cache_creation": {
            "ephemeral_5m_input_tokens": usage.cache_write_tokens - usage.cache_write_long_tokens,
            "ephemeral_1h_input_tokens": usage.cache_write_long_tokens,
        },
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"thinking_tokens": usage.reasoning_tokens},
        "server_tool_use": {"web_search_requests": usage.web_searches, "web_fetch_requests": 0},
        "service_tier": usage.service_tier or "standard",
    }


def _stop_reason(call: StubCall) -> str:
    return _STOP_REASONS.get(call.finish_reason, call.finish_reason)


def _event(kind: str, **fields: Any) -> bytes:
    return server_sent({"type": kind, **fields}, kind)


ANTHROPIC_ROUTES: Final = (Route(re.compile(r"/v1/messages$"), _messages),)
