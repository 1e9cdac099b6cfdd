"""The page that prices history otherwise: figures of the API, what they take for granted, the address as its state."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect
from test_access import violations
from test_figures import fetch

pytestmark = pytest.mark.browser


def shown_total(page) -> list[str | None]:
    return [cell.get_attribute("title") for cell in page.locator("tfoot td.num").all()[:3]]


@pytest.mark.parametrize(("path", "asks"), [("whatif", "cache=1"), ("whatif/batch", "mode=batch")])
def test_the_figures_are_those_of_the_api_with_what_they_take_for_granted(open_page, path, asks):
    opened = open_page(path)
    page = opened.page
    expect(page.get_by_role("region", name="What if, rows")).to_be_visible()
    address = opened.asked("/api/v1/whatif")
    assert asks in address
    said = fetch(address)
    total = said["total"]
    assert shown_total(page) == [
        f"${total['actual_cost_usd']}",
        f"${total['alternative_cost_usd']['low']} to ${total['alternative_cost_usd']['high']}",
        f"${total['difference_usd']['low']} to ${total['difference_usd']['high']}",
    ]
    assumed = page.get_by_role("region", name="What this takes for granted").locator("li")
    assert assumed.all_inner_texts() == said["assumptions"]
    assert violations(page) == []
    assert opened.complaints == []
    opened.keep_picture(path.replace("/", "-"))


def test_another_model_is_chosen_in_a_form_and_kept_in_the_address(open_page):
    opened = open_page("whatif")
    page = opened.page
    page.get_by_role("button", name="Another model").click()
    page.get_by_role("combobox", name="Calls of").select_option("claude-sonnet-4-6")
    page.get_by_role("textbox", name="as calls of").fill("claude-haiku-4-5")
    page.get_by_role("button", name="Price them").click()
    expect(page).to_have_url(re.compile(r"/whatif/model/claude-sonnet-4-6/claude-haiku-4-5$"))
    expect(page.get_by_role("region", name="What if, rows")).to_be_visible()
    assert "from=claude-sonnet-4-6&to=claude-haiku-4-5" in opened.asked("/api/v1/whatif")
    page.go_back()
    expect(page.get_by_role("button", name="Price them")).to_be_visible()


def test_a_model_that_nobody_sells_is_said_to_be_unknown(open_page):
    page = open_page("whatif/model/claude-sonnet-4-6/gpt-99").page
    expect(page.get_by_role("alert")).to_contain_text("has a model 'gpt-99'")
