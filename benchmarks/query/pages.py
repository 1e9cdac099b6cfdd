"""The very requests that the dashboard's pages send, each asked again over HTTP of a server on a large ledger."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from playwright.sync_api import sync_playwright

from benchmarks.exchange import get
from benchmarks.ingest.process import cpu_s
from benchmarks.query.measure import SPAN, Timed, timed
from benchmarks.servers import COSTSPAN, Running, running
from benchmarks.ui.measure import ARGUMENTS, VIEWPORT, chromium

PAGES: Final = ("", "?who=user", "tools", "reliability", "calls", "explore", "ingest")
_ANSWERED_WITHIN_MS: Final = 120_000
_LATER_MS: Final = 3_000
"""What a page asks for once it is there."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request of a page and what its answer took."""

    page: str
    path: str
    took: Timed
    size_bytes: int


def measure_pages(folder: Path, rounds: int, pages: Sequence[str] = PAGES) -> list[Asked]:
    """Serve the ledger in `folder`, open each page over its thirty days, and time what it asked for."""
    with serving(folder) as up:
        paths = list(requests_of(up, pages))
        assert up.pid is not None
        used = partial(cpu_s, up.pid)
        return [
            Asked(
                page,
                path,
                timed(lambda path=path: get(up.url + path), rounds, used),
                len(get(up.url + path).body),
            )
            for page, path in paths
        ]


@contextmanager
def serving(folder: Path) -> Iterator[Running]:
    """Yield a server of the ledger in `folder`."""
    serve = ["-m", "costspan.cli", "serve", "--no-grpc", "--data", str(folder)]
    with _without_address(), running(replace(COSTSPAN, arguments=lambda port, _: [*serve, "--port", str(port)])) as up:
        yield up


@contextmanager
def _without_address() -> Iterator[None]:
    named = os.environ.pop(COSTSPAN.url_variable, None)
    try:
        yield
    finally:
        if named is not None:
            os.environ[COSTSPAN.url_variable] = named


def requests_of(server: Running, pages: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield each page with each address that it asks for, once."""
    since, until = (f"{moment:%Y-%m-%dT%H:%M:%SZ}" for moment in SPAN)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(ARGUMENTS))
        seen: set[str] = set()
        for page in pages:
            tab = browser.new_page(viewport=VIEWPORT)
            sent: list[str] = []
            tab.on("request", lambda request, sent=sent: sent.append(request.url))
            joined = "&" if "?" in page else "?"
            tab.goto(f"{server.url}/{page}{joined}from={since}&to={until}")
            tab.wait_for_selector("html[data-ready]", state="attached", timeout=_ANSWERED_WITHIN_MS)
            tab.wait_for_timeout(_LATER_MS)
            tab.close()
            for url in sent:
                path = url.removeprefix(server.url)
                if (
                    urlsplit(url).path.startswith("/api/v1/")
                    and not path.startswith("/api/v1/live")
                    and path not in seen
                ):
                    seen.add(path)
                    yield page or "overview", path
        browser.close()
