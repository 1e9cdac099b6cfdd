"""Chunks of a streamed chat as OpenAI's client builds them: what the caller gets where its usage was asked for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from openai.types.chat import ChatCompletionChunk
from opentelemetry.sdk.trace import Span

from costspan.sdk.clients.openai_chat_stream import watched_chat, watched_chat_async
from costspan.sdk.watched_stream import StreamWatch

from .conftest import Application

USAGE = {"prompt_tokens": 1000, "completion_tokens": 50, "total_tokens": 1050}


def said(text: str | None, index: int = 0, finished: str | None = None) -> list[dict[str, Any]]:
    return [{"index": index, "delta": {"content": text}, "finish_reason": finished}]


def read(
    application: Application, sent: list[tuple[Any, Any]], *, choices: int, asked: bool, asynchronous: bool
) -> tuple[list[Any], dict[str, Any]]:
    """Return the chunks a caller gets, each as it looks to the caller, and what the span says then."""
    span = application.tracer.start_span("chat")
    assert isinstance(span, Span)
    chunks = [ChatCompletionChunk.construct(choices=parts, usage=usage) for parts, usage in sent]
    watch = StreamWatch(span)

    async def slowly() -> AsyncIterator[ChatCompletionChunk]:
        for chunk in chunks:
            yield chunk

    async def read_async() -> list[Any]:
        return [chunk async for chunk in watched_chat_async(slowly(), watch, choices, asked, None)]

    got = asyncio.run(read_async()) if asynchronous else list(watched_chat(iter(chunks), watch, choices, asked, None))
    span.end()
    return [chunk.to_dict() for chunk in got], dict(application.last.attributes or {})


@pytest.mark.parametrize("asynchronous", [False, True])
@pytest.mark.parametrize("empty", [[], None])
def test_usage_asked_for_is_on_the_span_and_nowhere_in_what_the_caller_gets(
    application: Application, empty: Any, asynchronous: bool
) -> None:
    sent = [(said("a"), None), (empty, None), (said("b", 1), None), (said(None, 0, "stop"), None)]
    sent += [(said(None, 1, "stop"), None), (empty, USAGE)]
    got, on_span = read(application, sent, choices=2, asked=True, asynchronous=asynchronous)
    assert [chunk["choices"] for chunk in got] == [parts for parts, _ in sent[:-1]]
    assert not any("usage" in chunk for chunk in got)
    assert (on_span["gen_ai.usage.input_tokens"], on_span["gen_ai.usage.output_tokens"]) == (1000, 50)
    assert "costspan.usage.lower_bound.output_tokens" not in on_span


@pytest.mark.parametrize("asynchronous", [False, True])
def test_usage_the_caller_asked_for_is_the_caller_s(application: Application, asynchronous: bool) -> None:
    sent = [(said("a"), None), (said(None, 0, "stop"), None), ([], USAGE)]
    got, _ = read(application, sent, choices=1, asked=False, asynchronous=asynchronous)
    assert [chunk.get("usage") for chunk in got] == [None, None, USAGE]


@pytest.mark.parametrize("asynchronous", [False, True])
@pytest.mark.parametrize("asked", [False, True])
def test_chunks_that_hold_output_are_counted_where_no_usage_comes(
    application: Application, asked: bool, asynchronous: bool
) -> None:
    thought = [{"index": 0, "delta": {"content": None, "reasoning_content": "so"}, "finish_reason": None}]
    no_delta = [{"index": 0, "delta": None, "finish_reason": None}]
    sent = [(said(""), None), (thought, None), (no_delta, None), (said("a"), None), (said("b", 0, "length"), None)]
    got, on_span = read(application, sent, choices=1, asked=asked, asynchronous=asynchronous)
    assert len(got) == len(sent)
    assert on_span["costspan.usage.lower_bound.output_tokens"] == 3
    assert "costspan.outcome" not in on_span
