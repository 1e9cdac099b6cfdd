"""A browser, a server and an opener of pages that are ready to use."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

QUIET = (
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--no-first-run",
)
START_S = 20
LOAD_S = 300
SOURCE = Path(__file__).parents[2] / "src"


@dataclass(frozen=True, slots=True)
class Opened:
    """A ready page, with everything it asked for and complained about since it was opened."""

    page: Page
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def asked(self, part: str) -> str:
        """Return the latest address that contains `part`."""
        return [url for url in self.requests if part in url][-1]

    def keep_picture(self, name: str) -> None:
        """Store what is shown as NAME.png in the folder that COSTSPAN_SCREENSHOTS names, where it names one."""
        if folder := os.environ.get("COSTSPAN_SCREENSHOTS"):
            self.page.screenshot(path=Path(folder) / f"{name}.png", scale="css", animations="disabled")


@pytest.fixture(scope="session")
def server_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real server with the demo's 30 days in its ledger, or the one that COSTSPAN_TEST_URL names."""
    if given := os.environ.get("COSTSPAN_TEST_URL"):
        yield given.rstrip("/")
        return
    data = tmp_path_factory.mktemp("browser") / "demo"
    _costspan("demo", "--once", "--days", "60", "--calls-per-day", "250", "--data", str(data)).wait(timeout=LOAD_S)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with _costspan("serve", "--port", str(port), "--no-grpc", "--data", str(data)) as process:
        try:
            _wait_for(f"http://127.0.0.1:{port}/readyz", process)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def _costspan(*words: str) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    return subprocess.Popen([sys.executable, "-m", "costspan.cli", *words], env=environment)


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except (urllib.error.URLError, TimeoutError):
            time.sleep(0.1)
    pytest.fail(f"no server at {url}")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The distribution's Chromium; nothing is downloaded."""
    path = os.environ.get("COSTSPAN_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.fail("Chromium is missing: apt-get install chromium, or name one in COSTSPAN_CHROMIUM")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=list(QUIET))
        yield chromium
        chromium.close()


@pytest.fixture
def open_page(browser: Browser, server_url: str) -> Iterator[Callable[..., Opened]]:
    """Open a path of the dashboard and wait for its ready mark; `prepare` sees the page before it loads."""
    contexts = []

    def opener(path: str = "", prepare: Callable[[Page], Any] | None = None, **options: Any) -> Opened:
        context = browser.new_context(**{"viewport": {"width": 1440, "height": 900}, **options})
        contexts.append(context)
        opened = Opened(context.new_page())
        page = opened.page
        page.set_default_timeout(30_000)
        page.on("request", lambda request: opened.requests.append(request.url))
        page.on("console", lambda message: opened.complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: opened.complaints.append(str(error)))
        if prepare:
            prepare(page)
        page.goto(f"{server_url}/{path}")
        page.wait_for_selector("html[data-ready]", state="attached")
        return opened

    yield opener
    for context in contexts:
        context.close()
