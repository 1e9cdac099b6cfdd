"""Signing in and out in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from serving import Server

pytestmark = pytest.mark.browser
KEY = "open sesame"


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Server]:
    """A server that wants a key."""
    running = Server(tmp_path / "data", COSTSPAN_API_KEY=KEY)
    yield running
    running.kill()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_key_opens_the_page_that_was_asked_for(browser: Browser, guarded: Server, scheme: str) -> None:
    context = browser.new_context(color_scheme=scheme)
    page = context.new_page()
    complaints = []
    page.on("console", lambda message: complaints.append(message.text) if "401" not in message.text else None)
    page.goto(f"http://{guarded.url}/?by=team")
    field = page.get_by_label("API key")
    expect(field).to_be_focused()
    assert [each["id"] for each in Axe().run(page).response["violations"]] == []
    field.fill("guess")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_have_text("That key is not known.")
    page.get_by_label("API key").fill(KEY)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_selector("html[data-ready]", state="attached")
    assert page.url.endswith("/?by=team")
    assert page.evaluate("document.cookie") == ""
    page.goto(f"http://{guarded.url}/login")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("API key")).to_be_visible()
    assert page.request.get(f"http://{guarded.url}/api/v1/spend").status == 401
    assert complaints == []
    context.close()
