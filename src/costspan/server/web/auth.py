"""Who asks: a key in the request, or a browser's session. OTLP's doors ask themselves and refuse in OTLP's words."""

from __future__ import annotations

from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from costspan.server.receiver.gate import CHALLENGE, Forbidden, Gate, Unauthenticated, allowed
from costspan.server.receiver.keys import Key, Role
from costspan.server.web.paths import is_open, is_otlp, route_path
from costspan.server.web.problem import problem
from costspan.server.web.session import Sessions
from costspan.server.web.tenant import refuse_beyond_tenant

_QUESTIONS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


class RequireKey:
    """ASGI middleware: 401 to whoever presents no key, 403 where the key, or another site, may not do what is asked.

    Puts the key into the request's state as `key`.
    """

    def __init__(self, app: ASGIApp, gate: Gate, sessions: Sessions) -> None:
        self._app = app
        self._gate = gate
        self._sessions = sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] != "http" or is_otlp(scope):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        try:
            _refuse_other_sites(scope["method"], headers)
            if not is_open(scope):
                key = self._key(scope["method"], headers)
                refuse_beyond_tenant(key, route_path(scope))
                scope.setdefault("state", {})["key"] = key
        except Unauthenticated as error:
            await problem(401, str(error), {"WWW-Authenticate": CHALLENGE})(scope, receive, send)
        except Forbidden as error:
            await problem(403, str(error))(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _key(self, method: str, headers: Headers) -> Key:
        role = Role.READ if method in _QUESTIONS else Role.ADMIN
        if "authorization" not in headers and (key := self._sessions.key(headers.get("cookie", ""))) is not None:
            return allowed(key, role)
        return self._gate.admit(headers.get("authorization", "").encode("latin-1"), role)


def _refuse_other_sites(method: str, headers: Headers) -> None:
    """Raise Forbidden for a change that a page of another site sends, told by what browsers add; programs add neither.

    Source: https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/Sec-Fetch-Site
    """
    if "sec-fetch-site" in headers:
        is_own = headers["sec-fetch-site"] in {"same-origin", "none"}
    else:
        is_own = "origin" not in headers or headers["origin"].partition("://")[2] == headers.get("host")
    if method not in _QUESTIONS and not is_own:
        raise Forbidden("another site may not do this in your name")
