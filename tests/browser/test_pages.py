"""The pages behind the overview: their figures are the API's, their links lead where they say, all can use them."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from playwright.sync_api import Page, expect
from test_access import LOOKS, violations
from test_figures import fetch, tile

pytestmark = pytest.mark.browser
PAGES = ("tools", "reliability", "calls", "explore", "budgets", "prices", "ingest", "alerts", "reconcile")


def panel(page: Page, name: str | re.Pattern[str]):
    return page.get_by_role("region", name=name, exact=isinstance(name, str))


def rows(page: Page, name: str):
    return panel(page, name).locator("tbody tr")


@pytest.mark.parametrize("path", [*PAGES, "traces", "traces/abcdef", "nowhere"])
@pytest.mark.parametrize(("size", "scheme"), LOOKS)
def test_axe_finds_nothing(open_page, scheme, size, path):
    opened = open_page(path, color_scheme=scheme, viewport=size)
    opened.keep_picture(f"{path.replace('/', '-')}-{scheme}-{size['width']}")
    page = opened.page
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]


@pytest.mark.parametrize("path", PAGES)
def test_no_width_scrolls_sideways(open_page, path):
    page = open_page(path, viewport={"width": 320, "height": 800}).page
    for width in (320, 768, 1024, 1920, 320):
        page.set_viewport_size({"width": width, "height": 800})
        page.wait_for_function(
            "width => innerWidth === width && document.documentElement.scrollWidth <= width", arg=width
        )


def test_the_calls_are_those_of_the_api_and_the_dearest_lead_to_their_trace(open_page, server_url):
    opened = open_page("calls?order=cost")
    page = opened.page
    answer = fetch(opened.asked("api/v1/calls"))
    shown = [cell.get_attribute("title") for cell in panel(page, "Calls").locator("td.strong").all()]
    assert shown == [f"${call['cost_usd']}" for call in answer["rows"]]

    rows(page, "Calls").first.click()
    receipt = page.get_by_role("group", name="Receipt")
    charged = [Decimal(cell.inner_text()[1:]) for cell in receipt.locator("tbody td:last-child").all()]
    assert sum(charged) == Decimal(answer["rows"][0]["cost_usd"])

    receipt.get_by_role("link", name=answer["rows"][0]["trace_id"]).click()
    expect(page).to_have_url(re.compile(f"/traces/{answer['rows'][0]['trace_id']}"))
    trace = fetch(f"{server_url}/api/v1/traces/{answer['rows'][0]['trace_id']}")
    total = page.get_by_role("group", name="Total of the trace").locator("b").first
    expect(total).to_have_attribute("title", f"${trace['total']['cost_usd']}")
    page.go_back()
    expect(rows(page, "Calls").first).to_be_visible()


def test_more_calls_are_added_below_without_repeating_any(open_page):
    page = open_page("calls").page
    before = rows(page, "Calls").count()
    page.get_by_role("button", name="Show more").click()
    expect(rows(page, "Calls")).to_have_count(2 * before)
    expect(panel(page, "Calls")).to_contain_text(f"{2 * before} and more")


def test_a_trace_shows_what_counts_and_why_the_rest_does_not(open_page, server_url):
    doubled = fetch(f"{server_url}/api/v1/calls?role=duplicate&limit=1&since=60d")["rows"][0]
    trace = fetch(f"{server_url}/api/v1/traces/{doubled['trace_id']}")
    page = open_page(f"traces/{doubled['trace_id']}").page
    assert rows(page, "Trace").count() == len(trace["spans"])
    row = rows(page, "Trace").filter(has_text="duplicate").first
    row.click()
    expect(page.get_by_role("group", name="Receipt")).to_contain_text(f"no, duplicate: {doubled['reason']}")


def test_a_part_of_a_trace_id_finds_the_trace(open_page, server_url):
    call = fetch(f"{server_url}/api/v1/calls?limit=1")["rows"][0]
    page = open_page("traces").page
    page.get_by_label("Trace id").fill(call["trace_id"][:16])
    page.get_by_role("button", name="Show it").click()
    expect(panel(page, "Trace")).to_contain_text(call["trace_id"])


def test_the_tools_are_those_of_the_api(open_page):
    opened = open_page("tools")
    page = opened.page
    answer = fetch(next(url for url in opened.requests if "api/v1/tools" in url and "interval=total" in url))
    assert tile(page, "Cost of tool turns") == f"${answer['total']['cost_usd']}"
    shown = [cell.get_attribute("title") for cell in panel(page, "Tools").locator("td.strong").all()]
    assert shown == [f"${row['cost_usd']}" for row in answer["rows"]]


def test_reliability_shows_the_quantiles_and_failures_of_the_api(open_page):
    opened = open_page("reliability")
    page = opened.page
    total = fetch(opened.asked("group_by=&"))["total"]
    expect(panel(page, "Errors by type")).to_contain_text(f"{total['errors']:,} of {total['calls']:,} calls failed")
    assert panel(page, "Latency").locator("g[data-series]").count() == 3
    by_model = fetch(next(u for u in opened.requests if "group_by=model&" in u and "interval=total" in u))
    titles = [cell.get_attribute("title") for cell in panel(page, "By model").locator("tbody td:nth-child(2)").all()]
    assert sorted(titles) == sorted(f"{row['calls']:,}" for row in by_model["rows"])


def test_explore_keeps_its_question_in_the_address(open_page):
    page = open_page("explore?measure=calls&across=team&down=provider").page
    expect(page.get_by_role("heading", name="Calls by provider and team")).to_be_visible()
    page.get_by_label("Measure").select_option("errors")
    expect(page).to_have_url(re.compile(r"explore\?measure=errors&across=team&down=provider$"))
    expect(page.get_by_role("heading", name="Errors over time")).to_be_visible()


def test_prices_show_what_is_unpriced_and_what_a_rebate_would_change(open_page, server_url):
    page = open_page("prices").page
    unpriced = fetch(f"{server_url}/api/v1/prices/unpriced")["models"]
    names = [each["model"] for each in unpriced]
    assert [cell.inner_text() for cell in rows(page, "Models without a price").locator("th").all()] == names
    page.get_by_role("button", name="What would change?").click()
    change = page.get_by_role("region", name="What would change").locator("tbody tr")
    expect(change.first).to_contain_text("gemini-2.5-pro")
    page.get_by_label("Model name contains").fill("gpt-5.4")
    expect(rows(page, "Catalogue").first).to_contain_text("gpt-5.4")


def test_ingest_says_what_was_counted_only_once(open_page):
    opened = open_page("ingest")
    total = fetch(opened.asked("group_by=dialect"))["total"]
    assert tile(opened.page, "Counted only once") == f"${total['duplicate_cost_usd']}"


def test_a_link_in_the_side_bar_keeps_the_view_and_loads_no_new_document(open_page):
    opened = open_page("?from=now-7d&f.team=search")
    page = opened.page
    page.evaluate("window.sameDocument = true")
    page.get_by_role("link", name="Reliability").click()
    expect(page).to_have_url(re.compile(r"/reliability\?from=now-7d&f\.team=search$"))
    expect(page).to_have_title("Reliability · costspan")
    page.keyboard.press("g")
    page.keyboard.press("t")
    expect(page).to_have_url(re.compile(r"/tools\?from=now-7d&f\.team=search$"))
    page.go_back()
    expect(page.get_by_role("link", name="Reliability")).to_have_attribute("aria-current", "page")
    assert page.evaluate("window.sameDocument")


def test_a_panel_leads_to_the_rows_behind_it(open_page):
    page = open_page("?f.team=search").page
    page.get_by_role("button", name="Cost by model: table and export").click()
    page.get_by_role("link", name="Show the calls").click()
    expect(page).to_have_url(re.compile(r"/calls\?f\.team=search$"))
    expect(rows(page, "Calls").first).to_be_visible()
