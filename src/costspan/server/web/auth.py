"""One key for everything, when one is set: as a bearer token for programs, as a basic password for browsers."""

from __future__ import annotations

import base64
import binascii
import secrets
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from costspan.server.web.problem import problem

_OPEN_PATHS: Final = frozenset({"/healthz", "/readyz"})
"""What load balancers ask without a key; neither says anything about the ledger."""


class RequireKey:
    """ASGI middleware that answers 401 to whoever does not present the key."""

    def __init__(self, app: ASGIApp, key: str) -> None:
        self._app = app
        self._key = key.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] != "http" or scope["path"] in _OPEN_PATHS or self._presents_key(scope):
            await self._app(scope, receive, send)
            return
        refusal = problem(401, "an API key is needed", {"WWW-Authenticate": 'Basic realm="costspan", charset="UTF-8"'})
        await refusal(scope, receive, send)

    def _presents_key(self, scope: Scope) -> bool:
        presented = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
        scheme, _, credential = presented.partition(b" ")
        if scheme.lower() == b"basic":
            try:
                credential = base64.b64decode(credential, validate=True).partition(b":")[2]
            except binascii.Error:
                return False
        elif scheme.lower() != b"bearer":
            return False
        return secrets.compare_digest(credential.strip(), self._key)
