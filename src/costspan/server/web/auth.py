"""The key of everything but OTLP, whose doors ask for it themselves and refuse in OTLP's words."""

from __future__ import annotations

from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from costspan.server.receiver.gate import CHALLENGE, Forbidden, Gate, Unauthenticated
from costspan.server.receiver.keys import Role
from costspan.server.web.problem import problem

_OPEN_PATHS: Final = frozenset({"/healthz", "/readyz"})
"""What load balancers ask without a key; neither says anything about the ledger."""
_OTLP: Final = "/v1/"
_QUESTIONS: Final = frozenset({"GET", "HEAD"})


class RequireKey:
    """ASGI middleware: 401 to whoever presents no key, 403 where the key may not do what is asked."""

    def __init__(self, app: ASGIApp, gate: Gate) -> None:
        self._app = app
        self._gate = gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] == "http" and scope["path"] not in _OPEN_PATHS and not scope["path"].startswith(_OTLP):
            presented = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
            try:
                self._gate.admit(presented, Role.READ if scope["method"] in _QUESTIONS else Role.ADMIN)
            except Unauthenticated as error:
                await problem(401, str(error), {"WWW-Authenticate": CHALLENGE})(scope, receive, send)
                return
            except Forbidden as error:
                await problem(403, str(error))(scope, receive, send)
                return
        await self._app(scope, receive, send)
