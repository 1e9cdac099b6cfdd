"""Streams seen on their way to the caller, chunk by chunk, and what is said of one that was cut off."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from enum import Enum, auto
from typing import Any, Generic, TypeVar

from opentelemetry.sdk.trace import Span

from costspan.sdk import attribute_names as names
from costspan.sdk.before_end import before_end
from costspan.sdk.safety import never_raise

Chunk = TypeVar("Chunk")


class Pass(Enum):
    """What happens to a chunk."""

    ON = auto()
    """The caller gets it."""
    KEEP = auto()
    """It was asked for by us: the caller does not see it."""
    PEEK = auto()
    """The caller gets it, and may stop there: what comes behind it is looked at first."""


class StreamWatch:
    """What has been seen of one streamed answer. As the span ends it says what a cut-off stream left unsaid."""

    def __init__(self, span: Span) -> None:
        self.span = span
        self.pieces = 0
        """How many chunks held output: each holds a token at least."""
        self.whole = False
        """True once the provider, or the end of the stream, said that there is no more."""
        self.usage_known = False
        self.response_id: str | None = None
        before_end(span, self._say)

    def _say(self, span: Span) -> None:
        if self.response_id and names.RESPONSE_ID not in (span.attributes or {}):
            span.set_attribute(names.RESPONSE_ID, self.response_id)
        if not self.usage_known and self.pieces:
            span.set_attribute(names.AT_LEAST_OUTPUT, self.pieces)
        if not self.whole:
            span.set_attribute(names.OUTCOME, "aborted")


Look = Callable[[Any], Pass]
"""Sees every chunk and says what happens to it."""


class WatchedStream(Generic[Chunk]):
    """An iterator over `chunks` as `look` lets them pass."""

    def __init__(self, chunks: Iterator[Chunk], look: Look, watch: StreamWatch) -> None:
        self._chunks = chunks
        self._look = never_raise(Pass.ON)(look)
        self._watch = watch
        self._waiting: list[Chunk] = []
        self._failed: Exception | None = None

    def __iter__(self) -> Iterator[Chunk]:
        return self

    def __next__(self) -> Chunk:
        if self._waiting:
            return self._waiting.pop()
        if self._failed:
            raise self._failed
        while True:
            try:
                chunk = next(self._chunks)
            except StopIteration:
                self._watch.whole = True
                raise
            passes = self._look(chunk)
            if passes is Pass.PEEK:
                self._peek()
            if passes is not Pass.KEEP:
                return chunk

    def _peek(self) -> None:
        try:
            following = next(self._chunks)
        except StopIteration:
            self._watch.whole = True
        except Exception as error:  # noqa: BLE001 - the caller meets it where it would have met it
            self._failed = error
        else:
            if self._look(following) is not Pass.KEEP:
                self._waiting.append(following)


class AsyncWatchedStream(Generic[Chunk]):
    """The same over an asynchronous iterator."""

    def __init__(self, chunks: AsyncIterator[Chunk], look: Look, watch: StreamWatch) -> None:
        self._chunks = chunks
        self._look = never_raise(Pass.ON)(look)
        self._watch = watch
        self._waiting: list[Chunk] = []
        self._failed: Exception | None = None

    def __aiter__(self) -> AsyncIterator[Chunk]:
        return self

    async def __anext__(self) -> Chunk:
        if self._waiting:
            return self._waiting.pop()
        if self._failed:
            raise self._failed
        while True:
            try:
                chunk = await anext(self._chunks)
            except StopAsyncIteration:
                self._watch.whole = True
                raise
            passes = self._look(chunk)
            if passes is Pass.PEEK:
                await self._peek()
            if passes is not Pass.KEEP:
                return chunk

    async def _peek(self) -> None:
        try:
            following = await anext(self._chunks)
        except StopAsyncIteration:
            self._watch.whole = True
        except Exception as error:  # noqa: BLE001 - the caller meets it where it would have met it
            self._failed = error
        else:
            if self._look(following) is not Pass.KEEP:
                self._waiting.append(following)
