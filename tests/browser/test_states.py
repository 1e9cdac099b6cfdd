"""What the page says when there is nothing, something wrong, or something old."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import Page, Route, expect

pytestmark = pytest.mark.browser
NOTHING = {
    "received_spans": 0, "calls": 0, "refused": {}, "dialects": {}, "spans_per_minute": 0, "last_received_at": None,
    "first_call_at": None, "last_call_at": None, "server_time": "2026-11-20T08:12:00Z", "version": "0.1.0",
}  # fmt: skip
SERIES = re.compile(r"/api/v1/spend\?group_by=model&.*interval=1d")


def answer(page: Page, document: dict[str, object]) -> None:
    page.route("**/api/v1/ingest", lambda route: route.fulfill(json=document))


def too_slow(route: Route) -> None:
    body = json.dumps({"title": "The query took longer than 10 s", "detail": "Ask for less", "status": 504})
    route.fulfill(status=504, content_type="application/problem+json", body=body)


def test_before_the_first_call_the_page_says_how_to_send_one(open_page, server_url):
    page = open_page("?f.team=nobody", prepare=lambda page: answer(page, NOTHING)).page
    expect(page.get_by_role("heading", name="No LLM calls received yet")).to_be_visible()
    expect(page.locator("pre").first).to_contain_text(f"export OTEL_EXPORTER_OTLP_ENDPOINT={server_url}")
    expect(page.get_by_text("No spans so far")).to_be_visible()
    expect(page.get_by_text("Total LLM Cost")).to_have_count(0)


def test_spans_without_llm_calls_are_told_apart_from_silence(open_page):
    page = open_page("?f.team=nobody", prepare=lambda page: answer(page, {**NOTHING, "received_spans": 1200})).page
    expect(page.get_by_text("1,200 spans received, but no LLM call among them")).to_be_visible()


def test_filters_that_match_nothing_offer_the_way_out(open_page):
    page = open_page("?f.team=nobody").page
    expect(page.get_by_role("heading", name="No calls match")).to_be_visible()
    page.get_by_role("button", name="Clear filters").click()
    expect(page.get_by_role("region", name="Total LLM Cost", exact=True)).to_be_visible()


def test_a_failed_panel_says_why_and_recovers_while_the_others_live_on(open_page):
    page = open_page(prepare=lambda page: page.route(SERIES, too_slow)).page
    alert = page.get_by_role("region", name="Cost over time", exact=True).get_by_role("alert")
    expect(alert).to_contain_text("The query took longer than 10 s. Ask for less")
    expect(alert).to_contain_text("GET api/v1/spend → 504")
    expect(page.get_by_role("region", name="Cost by model", exact=True).locator("tbody tr").first).to_be_visible()
    page.unroute(SERIES)
    alert.get_by_role("button", name="Try again").click()
    expect(alert).to_have_count(0)
    expect(page.locator("g[data-series]").first).to_be_attached()


def test_a_failed_refresh_keeps_the_old_figures_and_says_so(open_page):
    page = open_page().page
    page.route(SERIES, too_slow)
    page.keyboard.press("r")
    panel = page.get_by_role("region", name="Cost over time", exact=True)
    expect(panel).to_contain_text("could not be refreshed")
    expect(panel.locator("g[data-series]").first).to_be_attached()


def test_silence_of_the_senders_is_shown_with_its_length(open_page):
    old = {**NOTHING, "received_spans": 9, "calls": 9, "last_received_at": "2026-11-20T08:00:00Z"}
    page = open_page(prepare=lambda page: answer(page, old)).page
    expect(page.get_by_role("complementary").get_by_role("status")).to_contain_text("No data for 12 min")


def test_an_unknown_page_leads_back(open_page):
    page = open_page("no/such/page").page
    expect(page.get_by_role("heading", name="There is no page at this address")).to_be_visible()
    page.get_by_role("link", name="Open the cost overview").click()
    expect(page.get_by_role("region", name="Total LLM Cost", exact=True)).to_be_visible()
