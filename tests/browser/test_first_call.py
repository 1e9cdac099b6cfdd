"""From a server with nothing in it to the first call on screen, doing only what the page says."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from serving import Server

pytestmark = pytest.mark.browser


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Server]:
    running = Server(tmp_path / "data")
    yield running
    running.kill()


def test_the_call_that_the_page_says_how_to_send_appears_on_it_with_its_cost(browser: Browser, empty: Server) -> None:
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.goto(f"http://{empty.url}/")
    expect(page.get_by_role("heading", name="No LLM calls received yet")).to_be_visible()
    page.get_by_role("button", name="Copy: 2. Or send one call by hand").click()
    told = page.evaluate("navigator.clipboard.readText()")
    answer = subprocess.run(["sh", "-c", told], capture_output=True, text=True, check=True, timeout=30)
    assert "rejected" not in answer.stdout
    tile = page.get_by_role("region", name="Total LLM Cost", exact=True)
    expect(tile.locator("strong")).to_have_attribute("title", "$0.00175", timeout=15_000)
    expect(page.get_by_role("region", name="Cost by model", exact=True)).to_contain_text("gpt-5")
    context.close()
