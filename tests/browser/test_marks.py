"""Anomalies and alerts on the cost chart: marks that open to what it was, why, and the calls behind it."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from test_access import violations

pytestmark = pytest.mark.browser
SOON_MS = 60_000
"""Looking through a month for what is unusual takes a while, more on a busy machine."""


def test_what_was_out_of_the_ordinary_is_marked_and_opens_to_its_reasons(open_page) -> None:
    page = open_page("").page
    marks = page.get_by_role("region", name="Cost over time").get_by_role("button", name="anomal")
    expect(marks.first).to_be_visible(timeout=SOON_MS)
    marks.last.focus()
    page.keyboard.press("Enter")
    opened = page.locator(".marked")
    expect(opened).to_contain_text("expected $")
    expect(opened.locator("li").first).to_be_visible(timeout=SOON_MS)
    assert violations(page) == []
    opened.get_by_role("link", name="Show the calls").first.click()
    expect(page.get_by_role("heading", name="Calls", level=1)).to_be_visible()


def test_marks_come_after_the_page_and_move_nothing(open_page) -> None:
    page = open_page("", prepare=lambda page: page.route("**/api/v1/anomalies*", lambda _: None)).page
    chart = page.get_by_role("region", name="Cost over time")
    before = chart.bounding_box()
    assert chart.get_by_role("button", name="anomal").count() == 0
    page.unroute("**/api/v1/anomalies*")
    page.reload()
    expect(chart.get_by_role("button", name="anomal").first).to_be_visible(timeout=SOON_MS)
    assert chart.bounding_box() == before
