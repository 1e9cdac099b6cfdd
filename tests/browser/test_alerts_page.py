"""The page of alerts: what fires, the rules with their backtests, silences."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from playwright.sync_api import expect
from test_access import violations
from test_figures import fetch

from costspan.server.config import read_settings

pytestmark = pytest.mark.browser
API = re.compile(r"/api/v1/alerts$")


def rows(page, name):
    return page.get_by_role("region", name=f"{name}, rows", exact=True).locator("tbody tr")


def test_what_fires_is_that_of_the_api_and_leads_to_its_calls(open_page, server_url):
    # The rules were judged while the demo was loaded, and are again at the next full minute.
    deadline = time.monotonic() + 90
    while not (said := fetch(f"{server_url}/api/v1/alerts"))["alerts"] and time.monotonic() < deadline:
        time.sleep(1)
    page = open_page("alerts").page
    assert [rule["name"] for rule in said["rules"]] == ["daily-spend", "rate-limits", "slow-answers", "without-price"]
    expect(rows(page, "Rules")).to_have_count(4)
    expect(rows(page, "Firing and pending")).to_have_count(len(said["alerts"]))
    unpriced = next(alert for alert in said["alerts"] if alert["rule"] == "without-price")
    page.get_by_role("link", name=unpriced["text"], exact=True).first.click()
    expect(page).to_have_url(re.compile(r"/calls\?from=\d{4}-.*&f\.response_model="))
    expect(page.get_by_role("region", name="Calls", exact=True).locator("tbody tr").first).to_be_visible()


def test_a_rule_says_how_often_it_would_have_fired_in_the_range_shown(open_page, server_url):
    opened = open_page("alerts?from=now-30d")
    page = opened.page
    page.get_by_role("button", name="Would rate-limits have fired?").click()
    status = page.get_by_role("status").filter(has_text="fired")
    expect(status).to_contain_text(re.compile("would (not have fired|have fired [0-9]+ times?) from"), timeout=60_000)
    found = fetch(opened.asked("/backtest"))
    expect(status.get_by_role("listitem")).to_have_count(found["fired"])
    assert violations(page) == []


def test_a_silence_is_made_and_ended_by_keyboard_alone(open_page, server_url):
    page = open_page("alerts").page
    expect(page.get_by_role("region", name="Silences", exact=True)).to_contain_text("Nothing is silenced")
    page.get_by_label("Alerts to silence, as key:value").focus()
    page.keyboard.type("team:docs severity:info")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.type("a load test")
    page.keyboard.press("Enter")
    silence = rows(page, "Silences")
    expect(silence).to_contain_text("team:docs and severity:info")
    expect(silence).to_contain_text("a load test")
    assert violations(page) == []
    page.get_by_role("button", name="End the silence of team:docs and severity:info").press("Enter")
    expect(page.get_by_role("region", name="Silences", exact=True)).to_contain_text("Nothing is silenced")
    assert fetch(f"{server_url}/api/v1/alerts")["silences"] == []


def test_a_silence_that_makes_no_sense_is_told_why(open_page):
    page = open_page("alerts").page
    page.get_by_label("Alerts to silence, as key:value").fill("rule:a search")
    page.get_by_role("button", name="Silence", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("matcher 'search' is not key:value")


def test_without_rules_the_page_shows_settings_that_the_server_takes(open_page, tmp_path: Path):
    nothing = {"now": "2026-11-20T08:12:00Z", "rules": [], "alerts": [], "silences": [], "notifiers": []}

    def prepare(page):
        page.route(API, lambda route: route.fulfill(json=nothing | {"dead_letters": 0}))
        page.route(re.compile("/alerts/history"), lambda route: route.fulfill(json={"events": []}))

    page = open_page("alerts", prepare=prepare).page
    expect(page.get_by_role("heading", name="No alert rules yet")).to_be_visible()
    settings = tmp_path / "costspan.yaml"
    settings.write_text(page.locator("pre").first.inner_text())
    assert [rule.name for rule in read_settings(settings).alerts] == ["daily-spend", "rate-limits"]
    assert violations(page) == []


def test_what_could_not_be_delivered_is_listed_with_why(open_page):
    dead = {
        "id": "1f", "notifier": "pager", "rule": "daily-spend", "kind": "firing", "title": "[FIRING] daily-spend: dear",
        "state": "dead", "attempts": 10, "error": "no answer: refused", "created_at": "2026-11-20T08:12:00Z",
        "due_at": "2026-11-20T08:12:00Z",
    }  # fmt: skip
    only_dead = re.compile("/alerts/notifications")
    page = open_page(
        "alerts",
        prepare=lambda page: page.route(only_dead, lambda route: route.fulfill(json={"notifications": [dead]})),
    ).page
    expect(rows(page, "Undelivered")).to_contain_text("no answer: refused")
    assert violations(page) == []
