"""The dashboard's built files, served with strict headers from memory; called once by the application factory."""

from __future__ import annotations

import hashlib
import mimetypes
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Final

from fastapi import FastAPI, HTTPException, Request, Response

from costspan.server.web.paths import NOT_PAGES

STATIC: Final = Path(__file__).parent / "static"
BASE: Final = b'<base href="/" />'
"""What `ui/index.html` carries where the server writes the path that it is served under."""

_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
        "base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}
_IMMUTABLE: Final = "public, max-age=31536000, immutable"
_REVALIDATE: Final = "no-cache"
_NOT_BUILT: Final = """<!doctype html><html lang="en"><meta charset="utf-8"><title>costspan</title>
<h1>The dashboard was not built</h1>
<p>This costspan was installed without its dashboard (<code>COSTSPAN_SKIP_UI</code> was set, or its files are missing).
Receiving, pricing and the API work. To get the dashboard, install a released wheel, or run
<code>pip install ".[server]"</code> in a checkout without that variable.</p>
<p><a href="healthz">healthz</a> <a href="openapi.json">openapi.json</a></p></html>
"""


@dataclass(frozen=True, slots=True)
class _Asset:
    body: bytes
    gzipped: bytes | None
    media_type: str
    etag: str
    cache: str


def mount_dashboard(app: FastAPI, static: Path = STATIC) -> None:
    """Serve the dashboard at every path that nothing else answers. Call it after all other routes are there.

    The path prefix of a proxy comes from the application's `root_path`. Where the dashboard was not built, a short
    page says so.
    """
    assets = _load(static)
    index = assets.pop("index.html", None)

    @app.api_route("/{path:path}", methods=["GET", "HEAD"], include_in_schema=False)
    def dashboard(path: str, request: Request) -> Response:
        if path.partition("/")[0] in NOT_PAGES:
            raise HTTPException(404, f"There is nothing at /{path}.")
        if asset := assets.get(path):
            return _answer(asset, request)
        if path.startswith("assets/"):
            raise HTTPException(404, f"This version of the dashboard has no file {path}.")
        if index is None:
            return Response(_NOT_BUILT, media_type="text/html", headers={**_HEADERS, "Cache-Control": _REVALIDATE})
        return _answer(_with_base(index, str(request.scope.get("root_path", ""))), request)


def _load(static: Path) -> dict[str, _Asset]:
    """Read all built files: under 300 KB, and no request path ever reaches the file system."""
    files = {file.relative_to(static).as_posix(): file for file in static.rglob("*") if file.is_file()}
    return {
        name: _asset(name, file.read_bytes(), files[f"{name}.gz"].read_bytes() if f"{name}.gz" in files else None)
        for name, file in files.items()
        if file.suffix != ".gz" and not file.name.startswith(".")
    }


def _asset(name: str, body: bytes, gzipped: bytes | None) -> _Asset:
    kind = "font/woff2" if name.endswith(".woff2") else mimetypes.guess_type(name)[0] or "application/octet-stream"
    # Vite writes a content hash into every name under assets/, so such a file never changes.
    cache = _IMMUTABLE if name.startswith("assets/") else _REVALIDATE
    return _Asset(body, gzipped, kind, f'"{hashlib.sha256(body).hexdigest()[:24]}"', cache)


def _with_base(index: _Asset, root_path: str) -> _Asset:
    if not root_path.strip("/"):
        return index
    base = f'<base href="/{escape(root_path.strip("/"))}/" />'.encode()
    return _asset("index.html", index.body.replace(BASE, base), None)


def _answer(asset: _Asset, request: Request) -> Response:
    headers = {**_HEADERS, "Cache-Control": asset.cache, "ETag": asset.etag}
    if asset.gzipped is not None:
        headers["Vary"] = "Accept-Encoding"
    if asset.etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    if asset.gzipped is not None and "gzip" in request.headers.get("accept-encoding", ""):
        return Response(asset.gzipped, media_type=asset.media_type, headers={**headers, "Content-Encoding": "gzip"})
    return Response(asset.body, media_type=asset.media_type, headers=headers)
