"""Anomalies and alerts on the cost chart: marks that open to what it was, why, and the calls behind it."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


def test_what_was_out_of_the_ordinary_is_marked_and_opens_to_its_reasons(open_page) -> None:
    page = open_page("").page
    marks = page.get_by_role("region", name="Cost over time").get_by_role("button", name="anomal")
    expect(marks.first).to_be_visible()
    marks.last.focus()
    page.keyboard.press("Enter")
    opened = page.locator(".marked")
    expect(opened).to_contain_text("expected $")
    expect(opened).not_to_contain_text("Looking for the reasons")
    assert opened.locator("li").count() > 0
    opened.get_by_role("link", name="Show the calls").first.click()
    expect(page.get_by_role("heading", name="Calls", level=1)).to_be_visible()


def test_marks_come_after_the_page_and_move_nothing(open_page) -> None:
    page = open_page("", prepare=lambda page: page.route("**/api/v1/anomalies*", lambda _: None)).page
    chart = page.get_by_role("region", name="Cost over time")
    before = chart.bounding_box()
    assert chart.get_by_role("button", name="anomal").count() == 0
    page.unroute("**/api/v1/anomalies*")
    page.reload()
    expect(chart.get_by_role("button", name="anomal").first).to_be_visible()
    assert chart.bounding_box() == before
