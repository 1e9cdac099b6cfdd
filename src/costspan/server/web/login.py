"""The page on which a browser presents its key, and the two requests it sends. Works without scripts."""

from __future__ import annotations

import base64
import hashlib
import re
from html import escape
from typing import Any, Final
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from costspan.server.receiver.gate import Gate
from costspan.server.receiver.keys import Role
from costspan.server.web.session import COOKIE, LASTS_S, Sessions

_STYLE: Final = """
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif }
body { display: grid; place-items: center; min-height: 90vh; margin: 0 }
main { width: 20rem } h1 { font-size: 1.25rem } label, input, button { display: block; width: 100%; font: inherit }
input, button { box-sizing: border-box; margin: .25rem 0 1rem; padding: .5rem }
[hidden] { display: none } .wrong { color: #b3261e }
@media (prefers-color-scheme: dark) { .wrong { color: #f2b8b5 } }
"""
_POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()}'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_PAGE: Final = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Sign in · costspan</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><style>{style}</style></head>
<body><main><h1>costspan</h1>{content}</main></body></html>"""
_FORM: Final = """<form method="post" action="login"><input type="hidden" name="next" value="{next}">{said}
<input name="username" value="costspan" autocomplete="username" hidden>
<label for="key">API key</label>
<input id="key" name="key" type="password" autocomplete="current-password" required autofocus>
<button>Sign in</button></form>"""
_SIGNED_IN: Final = """<p>Signed in with the key {name}.</p><p><a href="./">Dashboard</a></p>
<form method="post" action="logout"><button>Sign out</button></form>"""
_NEXT: Final = re.compile(r"(?:[A-Za-z0-9_-][A-Za-z0-9._/-]*)?(?:\?[A-Za-z0-9._~:,%&=+!-]*)?")
"""A place below the dashboard's own root: nothing that leads to another host."""


def login_routes(gate: Gate, sessions: Sessions) -> list[Route]:
    """Return `GET` and `POST /login` and `POST /logout`."""

    async def show(request: Request) -> Response:
        key = sessions.key(request.headers.get("cookie", ""))
        if key is not None:
            return _page(_SIGNED_IN.format(name=escape(key.name)))
        return _page(_form(request.query_params.get("next", "")))

    async def sign_in(request: Request) -> Response:
        sent = await _fields(request)
        onward, key = _onward(sent.get("next", "")), gate.find(sent.get("key", "").strip().encode())
        if key is None or not key.allows(Role.READ):
            said = "That key is not known." if key is None else f"The key {escape(key.name)} may not read."
            return _page(_form(onward, f'<p class="wrong" role="alert">{said}</p>'), 401 if key is None else 403)
        answer = RedirectResponse(f"{_root(request)}{onward}", 303)
        answer.set_cookie(COOKIE, sessions.issue(key), LASTS_S, **_attributes(request))
        return answer

    async def sign_out(request: Request) -> Response:
        answer = RedirectResponse(f"{_root(request)}login", 303)
        answer.delete_cookie(COOKIE, **_attributes(request))
        return answer

    return [
        Route("/login", show, methods=["GET"]),
        Route("/login", sign_in, methods=["POST"]),
        Route("/logout", sign_out, methods=["POST"]),
    ]


async def _fields(request: Request) -> dict[str, str]:
    try:
        sent = parse_qs((await request.body()).decode("utf-8", "replace"), max_num_fields=8)
    except ValueError:
        return {}
    return {name: values[0] for name, values in sent.items()}


def _form(onward: str, said: str = "") -> str:
    return _FORM.format(next=escape(_onward(onward)), said=said)


def _page(content: str, status: int = 200) -> Response:
    headers = {"Content-Security-Policy": _POLICY, "Cache-Control": "no-store"}
    return Response(_PAGE.format(style=_STYLE, content=content), status, headers, "text/html")


def _onward(sent: str) -> str:
    return sent if _NEXT.fullmatch(sent) and "//" not in sent else ""


def _root(request: Request) -> str:
    return f"{request.scope.get('root_path', '').rstrip('/')}/"


def _attributes(request: Request) -> dict[str, Any]:
    # Behind a proxy that ends TLS only the browser knows of it, and says so in Origin.
    secure = request.url.scheme == "https" or request.headers.get("origin", "").startswith("https:")
    return {"path": _root(request), "httponly": True, "samesite": "strict", "secure": secure}
