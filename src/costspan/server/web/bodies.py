"""How large and how slow the body of a question may be. OTLP's doors bound their own."""

from __future__ import annotations

import asyncio
from typing import Final

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from costspan.server.web.paths import is_otlp

MAX_BODY_BYTES: Final = 1024 * 1024


class BoundBodies:
    """ASGI middleware: 413 for a body above the bound, 408 for one that does not come in time."""

    def __init__(self, app: ASGIApp, timeout_s: float) -> None:
        self._app = app
        self._timeout_s = timeout_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with a bound on what it reads."""
        if scope["type"] != "http" or is_otlp(scope):
            await self._app(scope, receive, send)
            return
        until = asyncio.get_running_loop().time() + self._timeout_s
        size, whole = 0, False

        async def bounded() -> Message:
            nonlocal size, whole
            if whole:
                return await receive()  # waits for the sender to go away
            try:
                async with asyncio.timeout_at(until):
                    message = await receive()
            except TimeoutError:
                said = f"the body did not arrive within {self._timeout_s} s"
                raise HTTPException(408, said, {"Connection": "close"}) from None
            size += len(message.get("body", b""))
            whole = not message.get("more_body", False)
            if size > MAX_BODY_BYTES:
                raise HTTPException(413, f"more than {MAX_BODY_BYTES} bytes")
            return message

        await self._app(scope, bounded, send)
