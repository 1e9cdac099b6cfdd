"""What an API of the stub provider is made of: routes that turn a call into an answer.

An API is a file of its own (`stub_openai.py` is the first) with a tuple of routes, listed in `stub_provider.py`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

JSON = "application/json"
EVENT_STREAM = "text/event-stream"


@dataclass(frozen=True, slots=True, kw_only=True)
class StubUsage:
    """What a call is said to have used, counted as OpenAI counts: input includes cached and written tokens, audio and
    images, output includes reasoning and audio. A provider that counts otherwise is answered for in its own file."""

    input_tokens: int = 87
    output_tokens: int = 52
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    cache_write_long_tokens: int = 0
    """The part of `cache_write_tokens` that is kept for the longer of the provider's two times."""
    reasoning_tokens: int = 0
    audio_input_tokens: int = 0
    audio_output_tokens: int = 0
    image_input_tokens: int = 0
    tool_use_tokens: int = 0
    """Results of tools that the provider ran, which Gemini counts beside the input and others inside."""
    web_searches: int = 0
    service_tier: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StubCall:
    """One request that is answered. `number` counts answers from 1, `named` holds the groups of the route's pattern,
    `model` is the one that answers, `deltas` how many pieces a streamed answer comes in."""

    number: int
    path: str
    named: Mapping[str, str]
    body: Mapping[str, Any]
    model: str
    usage: StubUsage
    finish_reason: str
    deltas: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StubAnswer:
    """An HTTP answer. `events` are written one by one, so that a stream can be cut between two of them."""

    status: int = 200
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    events: Iterable[bytes] | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """A path, as a pattern that matches its end, and who answers there."""

    path: re.Pattern[str]
    answer: Callable[[StubCall], StubAnswer]


def json_answer(document: Mapping[str, Any], status: int = 200, **headers: str) -> StubAnswer:
    """Return a JSON answer; header names are given with `_` for `-`."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return StubAnswer(status=status, headers=named, body=json.dumps(document).encode())


def event_stream(events: Iterable[bytes]) -> StubAnswer:
    """Return a streamed answer of server-sent events."""
    return StubAnswer(content_type=EVENT_STREAM, events=events)


def server_sent(document: Mapping[str, Any], event: str | None = None) -> bytes:
    """Return one server-sent event with a JSON document as its data."""
    name = f"event: {event}\n" if event else ""
    return f"{name}data: {json.dumps(document)}\n\n".encode()
