"""The key of everything but OTLP, whose doors ask for it themselves and refuse in OTLP's words."""

from __future__ import annotations

from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from costspan.server.receiver.gate import CHALLENGE, Gate, Unauthenticated
from costspan.server.web.problem import problem

_OPEN_PATHS: Final = frozenset({"/healthz", "/readyz"})
"""What load balancers ask without a key; neither says anything about the ledger."""
_OTLP: Final = "/v1/"


class RequireKey:
    """ASGI middleware that answers 401 to whoever does not present the key."""

    def __init__(self, app: ASGIApp, gate: Gate) -> None:
        self._app = app
        self._gate = gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] == "http" and scope["path"] not in _OPEN_PATHS and not scope["path"].startswith(_OTLP):
            try:
                self._gate.admit(next((value for name, value in scope["headers"] if name == b"authorization"), b""))
            except Unauthenticated as error:
                await problem(401, str(error), {"WWW-Authenticate": CHALLENGE})(scope, receive, send)
                return
        await self._app(scope, receive, send)
