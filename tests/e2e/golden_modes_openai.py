"""Every way the OpenAI client is called: one function a mode. Run by `golden.capture` in a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import replace
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
    return openai.OpenAI(**{"base_url": stub.base_url, "api_key": "test", **options})


def ask(**options: Any) -> Any:
    return client().chat.completions.create(model=MODEL, messages=MESSAGES, **options)


def asynchronously(use: Callable[[openai.AsyncOpenAI], Awaitable[Any]], base_url: str | None = None) -> None:
    async def within() -> None:
        async with openai.AsyncOpenAI(base_url=base_url or stub.base_url, api_key="test") as asking:
            await use(asking)

    asyncio.run(within())


def chat() -> None:
    ask()


def chat_async() -> None:
    asynchronously(lambda asking: asking.chat.completions.create(model=MODEL, messages=MESSAGES))


def chat_of_images_and_sound() -> None:
    stub.usage = replace(USAGE, cached_tokens=0, image_input_tokens=900, audio_input_tokens=70, audio_output_tokens=50)
    ask()


def chat_raw() -> None:
    answer = client().chat.completions.with_raw_response.create(model=MODEL, messages=MESSAGES)
    assert answer.headers["content-type"] == "application/json"


def chat_streamed() -> None:
    for chunk in ask(stream=True):
        assert chunk.choices


def chat_streamed_async() -> None:
    async def read(asking: openai.AsyncOpenAI) -> None:
        async for chunk in await asking.chat.completions.create(model=MODEL, messages=MESSAGES, stream=True):
            assert chunk.choices

    asynchronously(read)


def chat_streamed_with_usage_asked_for() -> None:
    *_, last = ask(stream=True, stream_options={"include_usage": True})
    assert last.usage.prompt_tokens == 2600


def chat_streamed_without_usage_by_wish() -> None:
    for _ in ask(stream=True, stream_options={"include_usage": False}):
        pass


def chat_streamed_raw() -> None:
    for _ in client().chat.completions.with_raw_response.create(model=MODEL, messages=MESSAGES, stream=True).parse():
        pass


def chat_streamed_until_finished() -> None:
    for chunk in ask(stream=True):
        if chunk.choices[0].finish_reason:
            break


def chat_streamed_until_finished_async() -> None:
    async def read(asking: openai.AsyncOpenAI) -> None:
        async with await asking.chat.completions.create(model=MODEL, messages=MESSAGES, stream=True) as stream:
            async for chunk in stream:
                if chunk.choices[0].finish_reason:
                    break

    asynchronously(read)


def chat_streamed_where_options_are_refused() -> None:
    stub.refused_parameters = frozenset({"stream_options"})
    compatible = client(base_url=f"{stub.url}/compatible/v1")
    assert len(list(compatible.chat.completions.create(model=MODEL, messages=MESSAGES, stream=True))) == 3


def chat_streamed_where_options_are_refused_async() -> None:
    async def read(asking: openai.AsyncOpenAI) -> None:
        stub.refused_parameters = frozenset({"stream_options"})
        async for _ in await asking.chat.completions.create(model=MODEL, messages=MESSAGES, stream=True):
            pass

    asynchronously(read, f"{stub.url}/compatible-async/v1")


def chat_streamed_by_helper() -> None:
    with client().chat.completions.stream(model=MODEL, messages=MESSAGES) as stream:
        for _ in stream:
            pass


def chat_aborted_by_close() -> None:
    stub.deltas = 5
    stream = ask(stream=True)
    for _, _ in zip(range(4), stream, strict=False):
        pass
    stream.close()


def chat_aborted_by_forgetting() -> None:
    stub.deltas = 5
    stream = ask(stream=True)
    next(stream)
    next(stream)
    del stream


def chat_aborted_by_the_caller_s_error() -> None:
    stub.deltas = 5
    with contextlib.suppress(KeyError), ask(stream=True) as stream:
        for position, _ in enumerate(stream):
            if position == 2:
                raise KeyError(position)


def chat_aborted_async() -> None:
    async def read(asking: openai.AsyncOpenAI) -> None:
        stub.deltas = 5
        async with await asking.chat.completions.create(model=MODEL, messages=MESSAGES, stream=True) as stream:
            await anext(stream)
            await anext(stream)

    asynchronously(read)


def chat_cut_by_the_provider() -> None:
    stub.deltas, stub.cut_after = 5, 3
    with contextlib.suppress(openai.APIConnectionError):
        for _ in ask(stream=True):
            pass


def chat_truncated() -> None:
    stub.finish_reason = "length"
    ask()


def chat_filtered() -> None:
    stub.finish_reason = "content_filter"
    ask()


def chat_retried_by_the_client() -> None:
    stub.rate_limited = 2
    ask()


def chat_retried_by_the_client_async() -> None:
    stub.rate_limited = 1
    chat_async()


def chat_refused() -> None:
    stub.rate_limited = 1
    with contextlib.suppress(openai.RateLimitError):
        client(max_retries=0).chat.completions.create(model=MODEL, messages=MESSAGES)


def chat_of_an_unlisted_model() -> None:
    client().chat.completions.create(model="in-house-7", messages=MESSAGES)


def responses() -> None:
    client().responses.create(model=MODEL, input="secret words")


def responses_async() -> None:
    asynchronously(lambda asking: asking.responses.create(model=MODEL, input="secret words"))


def responses_with_web_searches() -> None:
    stub.usage = replace(USAGE, web_searches=3)
    client().responses.create(model=MODEL, input="secret words", tools=[{"type": "web_search"}])


def responses_truncated() -> None:
    stub.finish_reason = "length"
    client().responses.create(model=MODEL, input="secret words")


def responses_raw() -> None:
    client().responses.with_raw_response.create(model=MODEL, input="secret words")


def responses_streamed() -> None:
    for _ in client().responses.create(model=MODEL, input="secret words", stream=True):
        pass


def responses_streamed_async() -> None:
    async def read(asking: openai.AsyncOpenAI) -> None:
        async for _ in await asking.responses.create(model=MODEL, input="secret words", stream=True):
            pass

    asynchronously(read)


def responses_streamed_by_helper() -> None:
    with client().responses.stream(model=MODEL, input="secret words") as stream:
        stream.until_done()


def responses_aborted() -> None:
    stub.deltas = 5
    with client().responses.create(model=MODEL, input="secret words", stream=True) as stream:
        for _, _ in zip(range(5), stream, strict=False):
            pass


def embeddings() -> None:
    client().embeddings.create(model="text-embedding-3-small", input="secret words")


def embeddings_async() -> None:
    asynchronously(lambda asking: asking.embeddings.create(model="text-embedding-3-small", input="secret words"))


def embeddings_raw() -> None:
    client().embeddings.with_raw_response.create(model="text-embedding-3-small", input="secret words")


MODES = tuple(
    mode
    for name, mode in list(globals().items())
    if name.startswith(("chat", "responses", "embeddings")) and callable(mode)
)
