"""`/api/v1/live`: word of new telemetry as server-sent events, so that a page need not ask whether there is any.

The format: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any, Final

import msgspec
from fastapi import APIRouter, HTTPException
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from costspan.core.period import iso
from costspan.server.pipeline.counters import IngestCounters, IngestCounts
from costspan.server.web.problem import Problem

MAX_STREAMS: Final = 100
LASTS_S: Final = 900
"""A browser comes again by itself; a key that was taken away does not get in again."""
HEARTBEAT_S: Final = 15
_LOOK_EVERY_S: Final = 1.0
_RECONNECT_AFTER_MS: Final = 5_000
_HEADERS: Final = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
_ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}, "description": "events named ledger"},
    503: {"model": Problem},
}


class LiveFeed:
    """The open streams of one server; `stop` ends them all."""

    def __init__(self, counters: IngestCounters, max_streams: int = MAX_STREAMS) -> None:
        self._counters = counters
        self._free = max_streams
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """End every stream, and each that is opened from now on."""
        self._stopping.set()

    def open(self) -> StreamingResponse:
        """Return a stream. Raise HTTPException 503 when there are too many."""
        if not self._free:
            raise HTTPException(503, "too many live streams are open", {"Retry-After": "60"})
        self._free -= 1
        return _Stream(self._events(), self)

    def ended(self) -> None:
        """Make room for another stream."""
        self._free += 1

    async def _events(self) -> AsyncIterator[str]:
        """Yield how things stand now and whenever telemetry was committed since; a comment where nothing was."""
        yield f"retry: {_RECONNECT_AFTER_MS}\n\n"
        told, silent = None, 0
        for _ in range(LASTS_S):
            if self._stopping.is_set():
                return
            counts = self._counters.read()
            if counts.received_spans != told:
                told, silent = counts.received_spans, 0
                yield _event(counts)
            elif silent >= HEARTBEAT_S:
                silent = 0
                yield ": nothing new\n\n"
            silent += 1
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), _LOOK_EVERY_S)


class _Stream(StreamingResponse):
    """Gives its place back however it ends, also before its first event."""

    def __init__(self, events: AsyncIterator[str], feed: LiveFeed) -> None:
        super().__init__(events, media_type="text/event-stream", headers=_HEADERS)
        self._feed = feed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._feed.ended()


def _event(counts: IngestCounts) -> str:
    last = counts.last_received_at
    data = {
        "received_spans": counts.received_spans,
        "new_calls": counts.calls,
        "last_received_at": iso(last) if last else None,
    }
    return f"event: ledger\ndata: {msgspec.json.encode(data).decode()}\n\n"


def live_routes(feed: LiveFeed) -> APIRouter:
    """Return the route of the feed."""
    routes = APIRouter(prefix="/api/v1")

    @routes.get("/live", response_class=StreamingResponse, responses=_ANSWERS)
    async def live() -> StreamingResponse:
        """Counts of `/api/v1/ingest`, now and after each commit, at most once a second, as server-sent events."""
        return feed.open()

    return routes
