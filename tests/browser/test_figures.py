"""Every figure on the page is the API's figure, to the last digit."""

from __future__ import annotations

import json
import re
import urllib.request
from decimal import Decimal
from typing import Any

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser
TILES = ("Total LLM Cost", "Total Input Tokens", "Total Output Tokens", "Total LLM Calls")


def tile(page: Page, name: str) -> str:
    return page.get_by_role("region", name=name, exact=True).locator("strong").get_attribute("title") or ""


def fetch(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=60) as response:
        return json.load(response)


def model_costs(page: Page) -> list[str]:
    cells = page.get_by_role("region", name="Cost by model", exact=True).locator("tbody td.strong")
    return [cell.get_attribute("title") or "" for cell in cells.all()]


def test_the_four_tiles_show_the_totals_of_the_api(open_page):
    opened = open_page()
    total = fetch(opened.asked("group_by=&"))["total"]
    page = opened.page
    assert [page.get_by_role("region", name=name, exact=True).count() for name in TILES] == [1, 1, 1, 1]
    assert tile(page, "Total LLM Cost") == f"${total['cost_usd']}"
    every_input = total["input_tokens"] + total["cache_read_tokens"] + total["cache_write_tokens"]
    assert tile(page, "Total Input Tokens") == f"{every_input:,} tokens"
    assert tile(page, "Total Output Tokens") == f"{total['output_tokens']:,} tokens"
    assert tile(page, "Total LLM Calls").startswith(f"{total['calls']:,} calls")


def test_the_rows_of_the_table_and_the_bars_add_up_to_the_tile(open_page):
    opened = open_page()
    page = opened.page
    rows = [Decimal(text.removeprefix("$")) for text in model_costs(page) if text.startswith("$")]
    whole = Decimal(tile(page, "Total LLM Cost").removeprefix("$"))
    bars = fetch(opened.asked("interval=1d"))["rows"]
    assert sum(rows) == whole
    assert sum(Decimal(bar["cost_usd"]) for bar in bars if bar["cost_usd"]) == whole


def test_who_is_spending_adds_up_to_the_tile_with_its_rest(open_page):
    page = open_page("?who=user").page
    cells = page.get_by_role("region", name="Who is spending", exact=True).locator("tbody td.strong").all()
    amounts = [(cell.get_attribute("title") or "").removeprefix("$") for cell in cells]
    assert sum(Decimal(text) for text in amounts if text[:1].isdigit()) == Decimal(tile(page, "Total LLM Cost")[1:])


def test_the_percentiles_of_users_follow_and_are_those_of_the_api(open_page):
    opened = open_page("?who=user")
    panel = opened.page.get_by_role("region", name="Who is spending", exact=True)
    expect(panel.locator("tbody tr").first.locator("td").nth(4)).to_have_text(re.compile(r"\d (ms|s|min)$"))
    panel.get_by_role("button", name="Who is spending: table and export").click()
    opened.page.get_by_role("button", name="View as table").click()
    shown = {row.locator("td,th").first.inner_text(): row for row in panel.locator("tbody tr").all()}
    said = fetch(opened.asked("&measures=latency_ms"))["rows"]
    assert {row["user"] for row in said} == shown.keys()
    top = said[0]
    assert float(shown[top["user"]].locator("td").last.inner_text()) == top["latency_ms"]["p99"]


def test_an_unpriced_model_stands_last_with_a_dash_and_is_counted(open_page):
    page = open_page().page
    costs = model_costs(page)
    unpriced = [text for text in costs if not text.startswith("$")]
    assert costs[len(costs) - len(unpriced) :] == unpriced
    panel = page.get_by_role("region", name="Cost by model", exact=True)
    expect(panel.locator("tbody tr").last.locator("td.strong")).to_have_text("—")
    expect(panel).to_contain_text(f"{len(unpriced)} unpriced model")


def test_the_page_asks_for_at_most_ten_documents_and_after_them_for_its_marks(open_page):
    opened = open_page()
    expect(opened.page.locator(".who svg.spark").first).to_be_visible()
    asked = [url for url in opened.requests if "/api/" in url and not url.endswith("/live")]
    assert len(asked) <= 12
    assert not [url for url in asked[:10] if "/anomalies" in url or "/alerts" in url]


def test_a_panel_shows_its_figures_as_a_table_and_gives_them_as_csv(open_page):
    page = open_page().page
    panel = page.get_by_role("region", name="Cost over time", exact=True)
    menu = panel.get_by_role("button", name="Cost over time: table and export")
    menu.click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download CSV").click()
    lines = download.value.path().read_text().splitlines()
    assert download.value.suggested_filename == "costspan-cost-over-time.csv"
    assert lines[0] == "Start (UTC),model,Cost (USD),Calls"
    menu.click()
    page.get_by_role("button", name="View as table").click()
    expect(panel.locator("tbody tr")).to_have_count(len(lines) - 1)
