"""Streams seen on their way to the caller, chunk by chunk, and what is said of one that was cut off."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from enum import Enum, auto
from typing import Any, Final, TypeVar

from opentelemetry.sdk.trace import Span

from costspan.sdk import attribute_names as names
from costspan.sdk.before_end import before_end
from costspan.sdk.safety import log_once

Chunk = TypeVar("Chunk")


class Pass(Enum):
    """What happens to a chunk that the caller does not simply get."""

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


UNREAD: Final = "costspan: a chunk of a stream could not be read and was passed on"

Look = Callable[[Any], Pass | None]
"""Sees every chunk and says what happens to it; None where the caller gets it, as most do."""


# Generators, and `look` called bare: this runs for every chunk, in the application's thread.
def watched(chunks: Iterator[Chunk], look: Look, watch: StreamWatch) -> Iterator[Chunk]:
    """Yield `chunks` as `look` lets them pass."""
    held: list[Chunk] = []
    try:
        for chunk in chunks:
            try:
                passes = look(chunk)
            except Exception as error:  # noqa: BLE001 - telemetry must never break its host
                passes = None
                log_once(UNREAD, error=error)
            if held:
                yield held.pop()
            if passes is None:
                yield chunk
            elif passes is Pass.PEEK:
                held.append(chunk)
    except Exception:
        yield from held
        raise
    watch.whole = True
    yield from held


async def watched_async(chunks: AsyncIterator[Chunk], look: Look, watch: StreamWatch) -> AsyncIterator[Chunk]:
    """Yield `chunks` as `look` lets them pass."""
    held: list[Chunk] = []
    try:
        async for chunk in chunks:
            try:
                passes = look(chunk)
            except Exception as error:  # noqa: BLE001 - as above
                passes = None
                log_once(UNREAD, error=error)
            if held:
                yield held.pop()
            if passes is None:
                yield chunk
            elif passes is Pass.PEEK:
                held.append(chunk)
    except Exception:
        for chunk in held:
            yield chunk
        raise
    watch.whole = True
    for chunk in held:
        yield chunk
