"""The page of budgets, and the pace of one on the overview."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect
from test_access import violations
from test_figures import fetch

from costspan.server.config import read_settings

pytestmark = pytest.mark.browser


def test_the_budgets_are_those_of_the_api_and_lead_to_their_calls(open_page, server_url):
    page = open_page("budgets").page
    said = fetch(f"{server_url}/api/v1/budgets")["budgets"]
    rows = page.get_by_role("region", name="Budgets", exact=True).locator("tbody tr")
    expect(rows).to_have_count(len(said))
    shown = [[cell.get_attribute("title") for cell in row.locator("td.num").all()[:3]] for row in rows.all()]
    assert shown == [[f"${each[key]}" for key in ("spent_usd", "amount_usd", "remaining_usd")] for each in said]

    page.get_by_role("link", name="docs-monthly").click()
    expect(page).to_have_url(re.compile(rf"/calls\?from={said[1]['since']}&f\.team=docs$"))


def test_the_overview_shows_the_pace_of_the_budget_for_exactly_what_is_shown(open_page, server_url):
    page = open_page().page
    panel = page.get_by_role("region", name="Cost over time", exact=True)
    expect(panel).to_contain_text("is the pace of budget everything")
    expect(panel.locator("line.level")).to_have_count(1)
    page = open_page("?f.team=support").page
    expect(page.get_by_role("region", name="Total LLM Cost", exact=True)).to_be_visible()
    expect(page.locator("line.level")).to_have_count(0)


def test_without_budgets_the_page_shows_settings_that_the_server_takes(open_page, tmp_path: Path):
    nothing = {"currency": "USD", "now": "2026-11-20T08:12:00Z", "budgets": []}
    only_api = re.compile(r"/api/v1/budgets")
    page = open_page(
        "budgets", prepare=lambda page: page.route(only_api, lambda route: route.fulfill(json=nothing))
    ).page
    expect(page.get_by_role("heading", name="No budgets yet")).to_be_visible()
    settings = tmp_path / "costspan.yaml"
    settings.write_text(page.locator("pre").inner_text())
    assert [budget.name for budget in read_settings(settings).budgets] == ["search-monthly"]
    assert violations(page) == []


@pytest.mark.parametrize(("keys", "path"), [("gb", "budgets"), ("ga", "alerts")])
def test_two_keys_open_a_page(open_page, keys, path):
    page = open_page().page
    for key in keys:
        page.keyboard.press(key)
    expect(page).to_have_url(re.compile(rf"/{path}$"))
