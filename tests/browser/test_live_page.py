"""What arrives while a page is open."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import Browser, Page, expect

from bodies import protobuf, span
from serving import Server

pytestmark = pytest.mark.browser


def send_call(server: Server) -> None:
    now_ns = time.time_ns()
    assert server.send(protobuf([span(start_time_unix_nano=now_ns, end_time_unix_nano=now_ns)])).status == 200


def open_overview(browser: Browser, server: Server) -> Page:
    page = browser.new_page()
    page.goto(f"http://{server.url}/")
    page.wait_for_selector("html[data-ready]", state="attached")
    return page


def shows(page: Page, calls: int, within_s: float = 20) -> None:
    tile = page.get_by_role("region", name="Total LLM Calls", exact=True).locator("strong")
    expect(tile).to_have_text(str(calls), timeout=within_s * 1000)


def test_a_call_that_arrives_is_shown_without_a_reload_or_a_key(browser: Browser, server: Server) -> None:
    send_call(server)
    page = open_overview(browser, server)
    shows(page, 1)
    polled = []
    page.on("request", lambda request: polled.append(request.url))
    send_call(server)
    shows(page, 2)
    assert not [url for url in polled if url.endswith("/live")], "the stream that was open told it"
    page.close()


def test_a_past_range_is_left_as_it_is(browser: Browser, server: Server) -> None:
    send_call(server)
    page = browser.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"http://{server.url}/?from=2026-01-01T00:00:00Z&to=2026-02-01T00:00:00Z")
    page.wait_for_selector("html[data-ready]", state="attached")
    assert not [url for url in asked if url.endswith("/live")]
    page.close()


def test_where_the_stream_is_refused_the_page_asks_by_itself(browser: Browser, server: Server) -> None:
    send_call(server)
    page = browser.new_page()
    page.clock.install()
    page.route("**/api/v1/live", lambda route: route.fulfill(status=503))
    page.goto(f"http://{server.url}/")
    page.wait_for_selector("html[data-ready]", state="attached")
    shows(page, 1)
    send_call(server)
    page.clock.fast_forward(31_000)
    shows(page, 2)
    page.close()
