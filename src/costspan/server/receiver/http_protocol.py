"""uvicorn's HTTP protocol with what it leaves open: the headers of a request are bounded in size and in time."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEADER_BYTES: Final = 64 * 1024


class BoundedHeaders(HttpToolsProtocol):
    """Ends a connection on which a request is begun, or the first one is not, and does not come to its body."""

    timeout_s: ClassVar[float]

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._deadline: asyncio.TimerHandle | None = None
        self._header_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Expect a request."""
        super().connection_made(transport)
        self._expect_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        """Expect nothing more."""
        self._have_headers()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count what comes before the body."""
        super().data_received(data)
        if self._deadline is not None:
            self._header_bytes += len(data)
            if self._header_bytes > MAX_HEADER_BYTES:
                self.transport.close()

    def on_message_begin(self) -> None:
        """Expect the headers of a further request."""
        super().on_message_begin()
        self._expect_headers()

    def on_headers_complete(self) -> None:
        """Expect the body, which its handler bounds."""
        self._have_headers()
        super().on_headers_complete()

    def _expect_headers(self) -> None:
        self._have_headers()
        self._header_bytes = 0
        self._deadline = self.loop.call_later(self.timeout_s, self.transport.close)

    def _have_headers(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def bounded_headers(timeout_s: float) -> type[BoundedHeaders]:
    """Return the protocol for a server that waits so long for the headers of a request."""
    return type("BoundedHeaders", (BoundedHeaders,), {"timeout_s": timeout_s})
