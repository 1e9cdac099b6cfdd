"""The reporting zone: its days and hours on every panel, its today, and the link that keeps it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


def local(moment: str, zone: str) -> str:
    return datetime.fromisoformat(moment).astimezone(ZoneInfo(zone)).strftime("%H:%M")


def test_a_chosen_zone_sets_the_days_of_the_bars_and_stays_in_the_link(open_page):
    page = open_page("?from=now-7d").page
    page.get_by_role("button", name="Time range").click()
    with page.expect_response(lambda response: "group_by=model" in response.url and "tz=" in response.url) as asked:
        page.get_by_label("Days and hours of").select_option("Pacific/Auckland")
    expect(page).to_have_url(re.compile(r"\?from=now-7d&tz=Pacific%2FAuckland$"))
    answer = asked.value.json()
    assert {local(row["start"], "Pacific/Auckland") for row in answer["rows"]} == {"00:00"}
    assert local(answer["since"], "Pacific/Auckland") == "00:00"
    chart = page.get_by_role("region", name="Cost over time", exact=True)
    chart.get_by_role("group", name=re.compile("7 bars")).focus()
    page.keyboard.press("End")
    expect(chart.get_by_role("status")).to_contain_text("in part")
    whole = answer["total"]["cost_usd"]
    assert sum(Decimal(row["cost_usd"]) for row in answer["rows"] if row["cost_usd"]) == Decimal(whole)
    tile = page.get_by_role("region", name="Total LLM Cost", exact=True).locator("strong")
    expect(tile).to_have_attribute("title", f"${whole}")


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_today_begins_with_the_day_of_the_zone(open_page, zone):
    opened = open_page(f"?from=now/d&tz={zone}")
    since = parse_qs(urlsplit(opened.asked("group_by=model")).query)["since"][0]
    began = datetime.fromisoformat(since).astimezone(ZoneInfo(zone))
    assert (began.strftime("%H:%M"), began.date()) == ("00:00", datetime.now(UTC).astimezone(ZoneInfo(zone)).date())


@pytest.mark.parametrize("path", ["", "tools", "reliability", "explore"])
def test_every_page_with_bars_draws_the_hours_of_a_zone_that_is_half_an_hour_off(open_page, path):
    opened = open_page(f"{path}?from=now-24h&tz=Asia/Kolkata")
    assert "&tz=Asia%2FKolkata" in opened.asked("interval=1h")
    drawn = opened.page.locator("main svg path").evaluate_all("all => all.map(each => each.getAttribute('d'))")
    assert any(drawn)
    opened.page.get_by_role("button", name="Time range").click()
    expect(opened.page.get_by_label("Days and hours of")).to_have_value("Asia/Kolkata")
