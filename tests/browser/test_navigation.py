"""Filters, ranges, keys and links: the address bar is the state."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

pytestmark = pytest.mark.browser


def cost(page: Page) -> Locator:
    return page.get_by_role("region", name="Total LLM Cost", exact=True).locator("strong")


def model_rows(page: Page) -> Locator:
    return page.get_by_role("region", name="Cost by model", exact=True).locator("tbody tr")


def drag(page: Page, start: float, end: float) -> None:
    box = page.locator(".chart").first.bounding_box()
    assert box
    y = box["y"] + 120
    page.mouse.move(box["x"] + box["width"] * start, y)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * (start + end) / 2, y)
    page.mouse.move(box["x"] + box["width"] * end, y)
    page.mouse.up()


def test_a_click_on_a_model_filters_every_panel_and_back_undoes_it(open_page):
    page = open_page().page
    whole = cost(page).get_attribute("title")
    row = model_rows(page).first
    amount = row.locator("td.strong").get_attribute("title") or ""
    name = row.get_by_role("button").inner_text()
    row.click()
    expect(page).to_have_url(re.compile(rf"\?f\.model={re.escape(name)}$"))
    expect(cost(page)).to_have_attribute("title", amount)
    expect(page.locator("g[data-series]").first).to_have_attribute("data-series", name)
    expect(model_rows(page).nth(1)).to_have_class("faint")
    page.go_back()
    expect(cost(page)).to_have_attribute("title", whole or "")
    expect(page).to_have_url(re.compile(r"/$"))


def test_shift_adds_a_value_and_alt_leaves_one_out(open_page):
    page = open_page().page
    names = [row.get_by_role("button").inner_text() for row in model_rows(page).all()[:2]]
    model_rows(page).nth(0).click()
    model_rows(page).nth(1).click(modifiers=["Shift"])
    for name in names:
        expect(page.get_by_role("button", name=f"Remove filter: model is {name}")).to_be_visible()
    page.get_by_role("button", name=f"Remove filter: model is {names[0]}").click()
    page.get_by_role("button", name=f"Remove filter: model is {names[1]}").click()
    model_rows(page).nth(0).click(modifiers=["Alt"])
    expect(page).to_have_url(re.compile(r"f\.model=%21"))
    expect(page.locator(f'g[data-series="{names[0]}"]')).to_have_count(0)


def test_dragging_over_the_bars_sets_the_range_and_escape_undoes_it(open_page):
    page = open_page().page
    whole = cost(page).get_attribute("title") or ""
    drag(page, 0.4, 0.6)
    expect(page).to_have_url(re.compile(r"from=\d{4}-\d\d-\d\dT00:00:00Z&to=\d{4}-\d\d-\d\dT00:00:00Z$"))
    expect(cost(page)).not_to_have_attribute("title", whole)
    page.keyboard.press("Escape")
    expect(page).to_have_url(re.compile(r"/$"))
    expect(page.get_by_role("button", name="Time range: Last 30 days")).to_be_visible()


def test_a_link_opens_the_same_view_and_a_relative_range_stays_relative(open_page):
    page = open_page("?from=now-7d&by=provider&who=team").page
    expect(page.get_by_role("button", name="Time range: Last 7 days")).to_be_visible()
    expect(page.get_by_role("button", name="Provider", pressed=True)).to_be_visible()
    expect(page.get_by_role("button", name="Team", pressed=True)).to_be_visible()
    expect(page).to_have_url(re.compile(r"\?from=now-7d&by=provider&who=team$"))
    page.get_by_role("button", name="Copy link").click()
    expect(page.get_by_role("button", name="Link to exactly these dates")).to_be_visible()


def test_the_range_menu_offers_presets_and_free_times(open_page):
    page = open_page().page
    page.get_by_role("button", name="Time range").click()
    page.get_by_role("button", name="Last 24 hours").click()
    expect(page).to_have_url(re.compile(r"\?from=now-24h$"))
    expect(page.get_by_role("region", name="Cost over time", exact=True)).to_contain_text("USD per hour")
    page.get_by_role("button", name="Time range").click()
    page.get_by_label("From", exact=True).fill("2026-01-05 00:00")
    page.get_by_label("To", exact=True).fill("2026-01-04 00:00")
    expect(page.get_by_role("button", name="The start must come before the end")).to_be_disabled()
    page.get_by_label("To", exact=True).fill("2026-01-09 00:00")
    page.get_by_role("button", name="Apply range").click()
    expect(page).to_have_url(re.compile(r"\?from=2026-01-05T00:00:00Z&to=2026-01-09T00:00:00Z$"))


def test_the_filter_menu_ranks_values_by_cost_and_filters_on_enter(open_page):
    page = open_page().page
    page.keyboard.press("/")
    page.get_by_role("group", name="Dimension").get_by_role("button", name="Provider").click()
    values = page.locator(".filter-values .option .cut")
    expect(values.first).to_be_visible()
    first = values.first.inner_text()
    page.get_by_label("Search provider values").fill(first)
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name=f"Remove filter: provider is {first}")).to_be_visible()


def test_single_keys_work_and_can_be_switched_off(open_page):
    page = open_page().page
    page.keyboard.press("[")
    expect(page).to_have_url(re.compile(r"\?from=\d{4}-"))
    page.keyboard.press("Escape")
    expect(page).to_have_url(re.compile(r"/$"))
    page.keyboard.press("t")
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(dialog).to_be_visible()
    dialog.get_by_label("Single-key shortcuts").uncheck()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.keyboard.press("t")
    expect(page.locator("html")).to_have_attribute("data-theme", "light")


def test_r_asks_again_without_blanking_the_page(open_page):
    opened = open_page()
    before = len(opened.requests)
    with opened.page.expect_response("**/api/v1/spend?group_by=&*"):
        opened.page.keyboard.press("r")
    expect(opened.page.locator(".skeleton")).to_have_count(0)
    assert len(opened.requests) > before


def test_arrow_keys_read_a_chart_bar_by_bar_and_enter_zooms_in(open_page):
    page = open_page().page
    chart = page.get_by_role("group", name=re.compile("Cost over time by model"))
    chart.focus()
    page.keyboard.press("ArrowLeft")
    expect(chart.get_by_role("status")).to_contain_text(", in part: $")
    page.keyboard.press("ArrowLeft")
    expect(chart.get_by_role("status")).to_have_text(re.compile(r"^\w{3}, \w{3} \d+: \$"))
    expect(page.locator(".tooltip")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="Cost over time", exact=True)).to_contain_text("USD per hour")


def test_a_heading_sorts_the_spenders_and_the_link_remembers(open_page):
    page = open_page().page
    panel = page.get_by_role("region", name="Who is spending", exact=True)
    panel.get_by_role("button", name="Feature", exact=True).last.click()
    expect(page).to_have_url(re.compile(r"\?sort=name$"))
    names = panel.locator("tbody th").all_inner_texts()
    known = [name for name in names if name != "(not set)"]
    assert known == sorted(known)
