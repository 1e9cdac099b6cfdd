"""Every way the Anthropic client is called: one function a mode. Run by `golden.capture` in a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import anthropic
import httpx2

from costspan.testing.stub_provider import StubProvider, StubUsage

USAGE = StubUsage(
    input_tokens=1350,
    cached_tokens=1000,
    cache_write_tokens=300,
    cache_write_long_tokens=100,
    output_tokens=77,
    reasoning_tokens=40,
)
ASKED: Any = {
    "model": "claude-sonnet-4-5",
    "max_tokens": 64,
    "messages": [{"role": "user", "content": "secret words"}],
}

stub = StubProvider()


def client(**options: Any) -> anthropic.Anthropic:
    return anthropic.Anthropic(base_url=stub.url, api_key="test", **options)


def asynchronously(use: Callable[[anthropic.AsyncAnthropic], Awaitable[Any]]) -> None:
    async def within() -> None:
        async with anthropic.AsyncAnthropic(base_url=stub.url, api_key="test") as asking:
            await use(asking)

    asyncio.run(within())


def message() -> None:
    client().messages.create(**ASKED)


def message_async() -> None:
    asynchronously(lambda asking: asking.messages.create(**ASKED))


def message_with_web_searches() -> None:
    stub.usage = replace(USAGE, web_searches=2)
    client().messages.create(**ASKED)


def message_of_the_beta() -> None:
    client().beta.messages.create(**ASKED)


def message_raw() -> None:
    client().messages.with_raw_response.create(**ASKED)


def message_streamed() -> None:
    for _ in client().messages.create(**ASKED, stream=True):
        pass


def message_streamed_async() -> None:
    async def read(asking: anthropic.AsyncAnthropic) -> None:
        async for _ in await asking.messages.create(**ASKED, stream=True):
            pass

    asynchronously(read)


def message_streamed_by_helper() -> None:
    with client().messages.stream(**ASKED) as stream:
        assert "".join(stream.text_stream) == "Hello."


def message_streamed_by_helper_async() -> None:
    async def read(asking: anthropic.AsyncAnthropic) -> None:
        async with asking.messages.stream(**ASKED) as stream:
            await stream.get_final_message()

    asynchronously(read)


def message_streamed_with_web_searches() -> None:
    stub.usage = replace(USAGE, web_searches=2)
    with client().beta.messages.stream(**ASKED) as stream:
        stream.until_done()


def message_aborted_by_close() -> None:
    stub.deltas = 5
    stream = client().messages.create(**ASKED, stream=True)
    deltas = (event for event in stream if event.type == "content_block_delta")
    for _, _ in zip(range(3), deltas, strict=False):
        pass
    stream.close()


def message_aborted_by_forgetting() -> None:
    stub.deltas = 5
    stream = client().messages.create(**ASKED, stream=True)
    next(stream)
    del stream


def message_cut_by_the_provider() -> None:
    stub.deltas, stub.cut_after = 5, 7
    with contextlib.suppress(httpx2.RemoteProtocolError):
        for _ in client().messages.create(**ASKED, stream=True):
            pass


def message_truncated() -> None:
    stub.finish_reason = "length"
    client().messages.create(**ASKED)


def message_filtered() -> None:
    stub.finish_reason = "content_filter"
    client().messages.create(**ASKED)


def message_retried_by_the_client() -> None:
    stub.rate_limited = 2
    client().messages.create(**ASKED)


def message_refused() -> None:
    stub.rate_limited = 1
    with contextlib.suppress(anthropic.RateLimitError):
        client(max_retries=0).messages.create(**ASKED)


MODES = tuple(mode for name, mode in list(globals().items()) if name.startswith("message"))
