"""A stream on its way to the caller: what passes, what is kept back, and what a span says of a stream cut off."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from opentelemetry.sdk.trace import Span

from costspan.sdk.before_end import before_end
from costspan.sdk.watched_stream import Look, Pass, StreamWatch, watched, watched_async

from .conftest import Application

LETTERS = {"k": Pass.KEEP, "p": Pass.PEEK}


def started(application: Application) -> Span:
    span = application.tracer.start_span("chat")
    assert isinstance(span, Span)
    return span


def pieces(watch: StreamWatch) -> Look:
    """`k` is kept back, behind `p` is looked at what follows, every other letter is output."""

    def look(letter: str) -> Pass | None:
        watch.pieces += letter not in LETTERS
        return LETTERS.get(letter)

    return look


def failing(letters: str) -> Iterator[str]:
    yield from letters
    raise ConnectionError("cut")


async def slowly(letters: Iterator[str]) -> AsyncIterator[str]:
    for letter in letters:
        yield letter


def read(application: Application, letters: Iterator[str], *, asynchronous: bool) -> list[str]:
    """Return what a caller gets of `letters`; `!` stands for the error it meets."""
    watch = StreamWatch(started(application))
    got: list[str] = []

    async def read_async() -> None:
        async for letter in watched_async(slowly(letters), pieces(watch), watch):
            got.append(letter)  # noqa: PERF401 - as below

    try:
        if asynchronous:
            asyncio.run(read_async())
        else:
            for letter in watched(letters, pieces(watch), watch):
                got.append(letter)  # noqa: PERF402 - kept where the stream fails, too
    except ConnectionError:
        got.append("!")
    watch.span.end()
    return got


@pytest.mark.parametrize("asynchronous", [False, True])
@pytest.mark.parametrize(
    ("sent", "got"),
    [("abc", "abc"), ("abk", "ab"), ("apk", "ap"), ("apb", "apb"), ("ppk", "pp"), ("kkk", ""), ("ap", "ap"), ("", "")],
)
def test_the_caller_gets_everything_but_what_is_kept_back_in_its_order(
    application: Application, sent: str, got: str, asynchronous: bool
) -> None:
    assert "".join(read(application, iter(sent), asynchronous=asynchronous)) == got


@pytest.mark.parametrize("sent", ["ab", "ap"])
@pytest.mark.parametrize("asynchronous", [False, True])
def test_an_error_is_met_after_everything_that_came_before_it(
    application: Application, sent: str, asynchronous: bool
) -> None:
    assert read(application, failing(sent), asynchronous=asynchronous) == [*sent, "!"]
    assert (application.last.attributes or {})["costspan.outcome"] == "aborted"


def test_a_stream_read_to_its_end_is_not_aborted_and_a_dropped_one_says_what_came(application: Application) -> None:
    watch = StreamWatch(started(application))
    stream = watched(iter("abcdef"), pieces(watch), watch)
    assert [next(stream), next(stream), next(stream)] == ["a", "b", "c"]
    watch.span.end()
    said = application.last.attributes or {}
    assert (said["costspan.usage.lower_bound.output_tokens"], said["costspan.outcome"]) == (3, "aborted")

    whole = StreamWatch(started(application))
    assert list(watched(iter("ab"), pieces(whole), whole)) == ["a", "b"]
    whole.span.end()
    said = application.last.attributes or {}
    assert said["costspan.usage.lower_bound.output_tokens"] == 2
    assert said.get("costspan.outcome") != "aborted"


def test_who_looks_and_fails_lets_the_chunk_pass(application: Application) -> None:
    def broken(_: Any) -> None:
        raise ValueError("no such chunk")

    watch = StreamWatch(started(application))
    assert list(watched(iter("ab"), broken, watch)) == ["a", "b"]


def test_what_is_to_be_done_before_a_span_ends_is_done_once_and_cannot_keep_it_from_ending(
    application: Application,
) -> None:
    span, done = started(application), []
    before_end(span, lambda ending: done.append(ending.is_recording()))
    before_end(span, lambda _: 1 / 0)
    span.end()
    assert (done, span.is_recording()) == ([True], False)
    span.end()
    assert done == [True]
