"""Opens a page in a fresh browser profile, several times in turn with others, and reads what Chromium says of it."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from playwright.sync_api import Browser, CDPSession, Page, sync_playwright

from benchmarks.servers import COSTSPAN, PHOENIX, Product, Running, running, takes_part

ARGUMENTS = ("--no-sandbox", "--disable-background-networking", "--disable-component-update", "--no-first-run")
VIEWPORT = {"width": 1440, "height": 900}
OPENS_WITHIN_MS = 120_000
QUIET_MS = 1_500
"""Work that begins later than this after a page is ready is not the page's opening."""


@dataclass(frozen=True, slots=True)
class Opened:
    """One opening of a page."""

    first_paint_ms: float
    main_thread_ms: float
    transferred_bytes: int
    requests: int


@dataclass(frozen=True, slots=True)
class Measured:
    """The median opening of a server's page."""

    server: str
    version: str
    page: str
    opened: Opened


def _costspan_ready(page: Page) -> None:
    page.wait_for_selector("html[data-ready]", state="attached")


def _phoenix_ready(page: Page) -> None:
    page.wait_for_load_state("networkidle")


PAGES: Sequence[tuple[Product, str, str, Callable[[Page], None]]] = (
    (COSTSPAN, "/", "cost overview, 30 days", _costspan_ready),
    (PHOENIX, "/projects", "projects, no data", _phoenix_ready),
)


def chromium() -> str:
    """Return the browser's path. Raises RuntimeError where there is none."""
    found = os.environ.get("COSTSPAN_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        raise RuntimeError("Chromium is missing: sh tools/install_chromium.sh, or name one in COSTSPAN_CHROMIUM")
    return found


def measure_all(rounds: int, calls_per_day: int) -> list[Measured]:
    """Start every server that takes part, fill ours, and open the pages in turn, so that load falls on all alike."""
    with ExitStack() as stack:
        servers = [(stack.enter_context(running(product)), *page) for product, *page in PAGES if takes_part(product)]
        _fill(servers[0][0], calls_per_day)
        browser = stack.enter_context(sync_playwright()).chromium.launch(
            executable_path=chromium(), args=list(ARGUMENTS)
        )
        opened: list[list[Opened]] = [[] for _ in servers]
        for _ in range(rounds):
            for place, (server, path, _, ready) in enumerate(servers):
                opened[place].append(_open(browser, server.url + path, ready))
        browser.close()
    return [
        Measured(server.product.name, server.version, name, _median(each))
        for (server, _, name, _), each in zip(servers, opened, strict=True)
    ]


def _fill(server: Running, calls_per_day: int) -> None:
    words = ["demo", "--once", "--days", "30", "--calls-per-day", str(calls_per_day), "--url", server.url]
    subprocess.run([sys.executable, "-m", "costspan.cli", *words], check=True, capture_output=True)


def _open(browser: Browser, url: str, ready: Callable[[Page], None]) -> Opened:
    context = browser.new_context(viewport=VIEWPORT)
    page = context.new_page()
    page.set_default_timeout(OPENS_WITHIN_MS)
    devtools = context.new_cdp_session(page)
    # Ticks of the thread, not of the wall: what others do on the machine does not count.
    devtools.send("Performance.enable", {"timeDomain": "threadTicks"})
    devtools.send("Network.enable")
    received: list[int] = []
    sent: list[str] = []
    devtools.on("Network.dataReceived", lambda event: received.append(event["encodedDataLength"]))
    devtools.on("Network.responseReceived", lambda event: received.append(event["response"]["encodedDataLength"]))
    devtools.on("Network.requestWillBeSent", lambda event: sent.append(event["request"]["url"]))
    page.goto(url)
    ready(page)
    page.wait_for_timeout(QUIET_MS)
    result = Opened(_first_paint_ms(page), _main_thread_ms(devtools), sum(received), len(sent))
    context.close()
    return result


def _first_paint_ms(page: Page) -> float:
    return float(page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime"))


def _main_thread_ms(devtools: CDPSession) -> float:
    metrics = {each["name"]: each["value"] for each in devtools.send("Performance.getMetrics")["metrics"]}
    return float(metrics["TaskDuration"]) * 1000


def _median(opened: Sequence[Opened]) -> Opened:
    return Opened(
        statistics.median(each.first_paint_ms for each in opened),
        statistics.median(each.main_thread_ms for each in opened),
        int(statistics.median(each.transferred_bytes for each in opened)),
        int(statistics.median(each.requests for each in opened)),
    )
