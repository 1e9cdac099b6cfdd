"""The page of budgets, and the pace of one on the overview."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import pytest
from playwright.sync_api import Route, expect
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


def test_each_budget_shows_how_it_will_end_and_the_days_it_is_made_of(open_page, server_url):
    opened = open_page("budgets")
    page = opened.page
    said = fetch(f"{server_url}/api/v1/budgets/outlook")["budgets"]
    for each in said:
        chart = page.get_by_role("region", name=f"Burn-down: {each['name']}", exact=True)
        expect(chart).to_contain_text(f"expected by {each['forecast_until'][:10]}")
        expect(chart.locator("path.expected")).to_have_count(1)
        expect(chart.locator("line.level")).to_have_count(1)
        # The words add up: what is spent and what is to come.
        expect(chart).to_contain_text("for the rest of today")
    assert violations(page) == []
    assert opened.complaints == []
    opened.keep_picture("budgets")


def test_the_overview_says_what_this_month_will_come_to_of_what_is_shown(open_page, server_url):
    opened = open_page("?f.team=support")
    panel = opened.page.get_by_role("region", name="Cost over time", exact=True)
    expect(panel).to_contain_text(re.compile(r"This month: \$[\d.,]+ expected \(\$[\d.,]+ to \$[\d.,]+\)"))
    assert "filter=team%3Asupport" in opened.asked("/api/v1/forecast")


def test_the_overview_shows_the_pace_of_the_budget_for_exactly_what_is_shown(open_page, server_url):
    def a_tenth(route: Route) -> None:
        said = route.fetch().json()
        for each in said["budgets"]:
            each["amount_usd"] = f"{Decimal(each['amount_usd']) / 10}"
        route.fulfill(json=said)

    page = open_page(prepare=lambda page: page.route(re.compile("/api/v1/budgets$"), a_tenth)).page
    panel = page.get_by_role("region", name="Cost over time", exact=True)
    expect(panel).to_contain_text("$40.00 is the pace of budget everything")
    expect(panel.locator("line.level")).to_have_count(1)
    page = open_page("?f.team=support").page
    expect(page.get_by_role("region", name="Total LLM Cost", exact=True)).to_be_visible()
    expect(page.locator("line.level")).to_have_count(0)


def test_a_pace_far_above_the_bars_is_said_and_makes_them_no_lower(open_page):
    panel = open_page().page.get_by_role("region", name="Cost over time", exact=True)
    expect(panel).to_contain_text("is the pace of budget everything, far above")
    expect(panel.locator("line.level")).to_have_count(0)


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
