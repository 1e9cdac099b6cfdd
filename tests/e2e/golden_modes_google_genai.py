"""Every way google-genai is called: one function a mode. Run by `golden.capture` in a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import cache
from typing import Any

import httpx2
from google import genai
from google.genai import errors
from google.oauth2.credentials import Credentials

from costspan.testing.stub_provider import StubProvider, StubUsage

USAGE = StubUsage(input_tokens=500, cached_tokens=300, output_tokens=100, reasoning_tokens=60, tool_use_tokens=25)
ASKED: Any = {"model": "gemini-2.5-flash", "contents": "secret words"}
EMBEDDED: Any = {"model": "gemini-embedding-001", "contents": ["secret", "words"]}

stub = StubProvider()


@cache  # a client closes when nobody refers to it any more, in the middle of a call too
def client() -> genai.Client:
    return genai.Client(api_key="test", http_options={"base_url": stub.url})


def asynchronously(use: Callable[[Any], Awaitable[Any]]) -> None:
    async def within() -> None:
        async with genai.Client(api_key="test", http_options={"base_url": stub.url}).aio as asking:
            await use(asking)

    asyncio.run(within())


def content() -> None:
    client().models.generate_content(**ASKED, config={"max_output_tokens": 64, "temperature": 0.5})


def content_async() -> None:
    asynchronously(lambda asking: asking.models.generate_content(**ASKED))


def content_of_sound() -> None:
    stub.usage = replace(USAGE, cached_tokens=0, audio_input_tokens=50, audio_output_tokens=10)
    client().models.generate_content(**ASKED)


def content_from_vertex() -> None:
    stub.usage = replace(USAGE, service_tier="ON_DEMAND_PRIORITY")
    vertex = genai.Client(
        vertexai=True,
        project="p",
        location="us-central1",
        credentials=Credentials(token="test"),
        http_options={"base_url": stub.url},
    )
    vertex.models.generate_content(**ASKED)


def content_streamed() -> None:
    assert "".join(chunk.text or "" for chunk in client().models.generate_content_stream(**ASKED)) == "Hello."


def content_streamed_async() -> None:
    async def read(asking: Any) -> None:
        async for _ in await asking.models.generate_content_stream(**ASKED):
            pass

    asynchronously(read)


def content_of_a_chat() -> None:
    chat = client().chats.create(model="gemini-2.5-flash")
    chat.send_message("secret")
    for _ in chat.send_message_stream("words"):
        pass


def content_with_a_function_called() -> None:
    def weather() -> str:
        """Say what the weather is."""
        return "sunny"

    client().models.generate_content(**ASKED, config={"tools": [weather]})


def content_aborted() -> None:
    stub.deltas = 5
    stream = client().models.generate_content_stream(**ASKED)
    next(stream)
    next(stream)
    stream.close()


def content_cut_by_the_provider() -> None:
    stub.deltas, stub.cut_after = 5, 3
    with contextlib.suppress(httpx2.RemoteProtocolError):
        for _ in client().models.generate_content_stream(**ASKED):
            pass


def content_truncated() -> None:
    stub.finish_reason = "length"
    client().models.generate_content(**ASKED)


def content_filtered() -> None:
    stub.finish_reason = "content_filter"
    client().models.generate_content(**ASKED)


def content_refused() -> None:
    stub.rate_limited = 1
    with contextlib.suppress(errors.APIError):
        client().models.generate_content(**ASKED)


def content_embedded() -> None:
    client().models.embed_content(**EMBEDDED)


def content_embedded_async() -> None:
    asynchronously(lambda asking: asking.models.embed_content(**EMBEDDED))


MODES = tuple(mode for name, mode in list(globals().items()) if name.startswith("content"))
