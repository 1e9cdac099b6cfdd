"""Every way the OpenAI client is called: one function a mode. Run by `golden.capture` in a process of its own."""

from __future__ import annotations

import asyncio
from typing import Any

import openai

from costspan.testing.stub_provider import StubProvider, StubUsage

USAGE = StubUsage(
    input_tokens=2600,
    cached_tokens=2000,
    cache_write_tokens=400,
    cache_write_long_tokens=100,
    output_tokens=300,
    reasoning_tokens=200,
    service_tier="flex",
)
MESSAGES: Any = [{"role": "user", "content": "secret words"}]
MODEL = "gpt-5"

stub = StubProvider()


def client(**options: Any) -> openai.OpenAI:
    return openai.OpenAI(base_url=stub.base_url, api_key="test", **options)


def chat() -> None:
    client().chat.completions.create(model=MODEL, messages=MESSAGES)


def chat_async() -> None:
    async def ask() -> None:
        async with openai.AsyncOpenAI(base_url=stub.base_url, api_key="test") as asking:
            await asking.chat.completions.create(model=MODEL, messages=MESSAGES)

    asyncio.run(ask())


MODES = (chat, chat_async)
