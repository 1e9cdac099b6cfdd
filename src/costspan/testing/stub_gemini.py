"""The Gemini API of the stub provider (https://ai.google.dev/api/generate-content), which Vertex AI shares:
`generateContent`, whole and streamed, and embeddings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from costspan.testing.stub_api import Route, StubAnswer, StubCall, StubUsage, event_stream, json_answer, server_sent

_TEXT: Final = "Hello."
_FINISH_REASONS: Final = {"stop": "STOP", "length": "MAX_TOKENS", "content_filter": "SAFETY"}


def _generate(call: StubCall) -> StubAnswer:
    return json_answer(_answer(call, _TEXT * call.deltas, _usage(call.usage), last=True))


def _stream(call: StubCall) -> StubAnswer:
    return event_stream(_events(call))


def _events(call: StubCall) -> Iterator[bytes]:
    """Yield the chunks: each counts what there is so far, the last one everything."""
    prompt = {"promptTokenCount": call.usage.input_tokens, "totalTokenCount": call.usage.input_tokens}
    for _ in range(call.deltas):
        yield server_sent(_answer(call, _TEXT, prompt, last=False))
    yield server_sent(_answer(call, "", _usage(call.usage), last=True))


def _answer(call: StubCall, text: str, usage: dict[str, Any], *, last: bool) -> dict[str, Any]:
    finished = {"finishReason": _FINISH_REASONS.get(call.finish_reason, call.finish_reason)} if last else {}
    return {
        "candidates": [{"content": {"role": "model", "parts": [_piece(call, text)]}, "index": 0, **finished}],
        "modelVersion": call.model,
        "responseId": f"gemini-{call.number}",
        "usageMetadata": usage,
    }


def _piece(call: StubCall, text: str) -> dict[str, Any]:
    """Return a call of the first function offered, where its result is not there yet, else text."""
    offered = [one for tool in call.body.get("tools") or () for one in tool.get("functionDeclarations") or ()]
    answered = any("functionResponse" in part for part in call.body["contents"][-1]["parts"])
    return {"functionCall": {"name": offered[0]["name"], "args": {}}} if offered and not answered else {"text": text}


def _usage(usage: StubUsage) -> dict[str, Any]:
    """Return `usageMetadata`: cached tokens inside the prompt, tool results beside it, thoughts beside the answer."""
    answered = usage.output_tokens - usage.reasoning_tokens
    counts = {
        "promptTokenCount": usage.input_tokens,
        "cachedContentTokenCount": usage.cached_tokens,
        "candidatesTokenCount": answered,
        "thoughtsTokenCount": usage.reasoning_tokens,
        "toolUsePromptTokenCount": usage.tool_use_tokens,
        "totalTokenCount": usage.input_tokens + usage.output_tokens + usage.tool_use_tokens,
    }
    details = {
        "promptTokensDetails": _modalities(usage.input_tokens, usage.audio_input_tokens, usage.image_input_tokens),
        "candidatesTokensDetails": _modalities(answered, usage.audio_output_tokens),
        "cacheTokensDetails": _modalities(usage.cached_tokens),
        "toolUsePromptTokensDetails": _modalities(usage.tool_use_tokens),
    }
    tier = {"trafficType": usage.service_tier}
    return {name: value for name, value in (counts | details | tier).items() if value}


def _modalities(tokens: int, audio: int = 0, image: int = 0) -> list[dict[str, Any]]:
    parts = (("TEXT", tokens - audio - image), ("AUDIO", audio), ("IMAGE", image))
    return [{"modality": modality, "tokenCount": count} for modality, count in parts if count]


def _embed(call: StubCall) -> StubAnswer:
    """Answer with an embedding of four dimensions for each content."""
    tokens = call.usage.input_tokens
    return json_answer(
        {
            "embeddings": [{"values": [0.5, -0.5, 0.25, 0.125]} for _ in call.body["requests"]],
            "usageMetadata": {"promptTokenCount": tokens, "totalTokenCount": tokens},
        }
    )


GEMINI_ROUTES: Final = (
    Route(re.compile(r"/(?P<model>[^/:]+):generateContent$"), _generate),
    Route(re.compile(r"/(?P<model>[^/:]+):streamGenerateContent$"), _stream),
    Route(re.compile(r"/(?P<model>[^/:]+):batchEmbedContents$"), _embed),
)
