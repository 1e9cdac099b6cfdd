"""The page of reconciliation: the waterfall is the API's causes, and what it proposes is what the server takes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect
from test_access import violations
from test_figures import fetch

from costspan.cli.main import main
from costspan.server.config import read_settings
from costspan.server.store.duckdb.store import DuckDBStore
from costspan.server.store.entry import Batch, Posting
from costspan.testing.bill_month import entries_of, faulty_month
from costspan.testing.stub_bills import StubBills
from serving import Server

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def server_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server that compared October with a bill that has most kinds of drift."""
    data = tmp_path_factory.mktemp("reconciled") / "data"
    month = faulty_month(["not_instrumented", "price_table", "tier_mix", "cache_split", "tool_fees"])
    entries = list(entries_of(month))
    store = DuckDBStore(data)
    store.commit(Posting(Batch([entry.call for entry in entries]), (), entries))
    store.close()
    with pytest.MonkeyPatch.context() as patch, StubBills(cells=month.bill.cells, page_days=31) as stub:
        for name, value in stub.environment().items():
            patch.setenv(name, value)
        assert main(["reconcile", "openai", "--month", "2026-10", "--data", str(data), "--json"]) == 1
    server = Server(data)
    yield f"http://{server.url}"
    server.stop()


def test_the_waterfall_and_the_causes_are_those_of_the_api(open_page, server_url):
    opened = open_page("reconcile")
    page = opened.page
    [short] = fetch(f"{server_url}/api/v1/reconciliations")["reconciliations"]
    said = fetch(f"{server_url}/api/v1/reconciliations/{short['id']}")
    steps = page.locator(".bridge li")
    expect(steps).to_have_count(len(said["causes"]) + 2)
    names = [step.locator(".cut").inner_text() for step in steps.all()]
    assert names == ["ledger", *(each["cause"].replace("_", " ") for each in said["causes"]), "bill"]
    rows = page.get_by_role("region", name="Causes, rows").locator("tbody tr")
    amounts = [row.locator("td.num").first.get_attribute("title") for row in rows.all()]
    assert amounts == [f"${each['amount_usd']}" for each in said["causes"]]
    expect(page.locator(".listed li")).to_have_text("$55.68 shadow key_shadow")
    opened.keep_picture("reconcile-drift")
    assert opened.complaints == []
    assert violations(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_a_phone(open_page, scheme):
    opened = open_page("reconcile", viewport={"width": 390, "height": 844}, color_scheme=scheme)
    page = opened.page
    expect(page.locator(".bridge li").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert violations(page) == []


def test_the_proposed_prices_are_what_the_server_takes(open_page, tmp_path: Path):
    page = open_page("reconcile").page
    settings = tmp_path / "costspan.yaml"
    settings.write_text(page.locator("pre").inner_text(), encoding="utf-8")
    assert [price["model"] for price in read_settings(settings).prices] == ["gpt-5-mini"]
    page.get_by_role("link", name="openai, 2026-10").click()
    expect(page).to_have_url(re.compile(r"/reconcile/[0-9a-f]{12}$"))
    expect(page.locator(".bridge li").first).to_be_visible()


def test_without_a_bill_the_page_shows_settings_that_the_server_takes(open_page, tmp_path: Path):
    nothing = {"currency": "USD", "reconciliations": [], "configured": [], "providers": ["openai"]}
    only_list = re.compile(r"/api/v1/reconciliations$")
    page = open_page(
        "reconcile", prepare=lambda page: page.route(only_list, lambda route: route.fulfill(json=nothing))
    ).page
    expect(page.get_by_role("heading", name="No bill was compared yet")).to_be_visible()
    settings = tmp_path / "costspan.yaml"
    settings.write_text(page.locator("pre").first.inner_text(), encoding="utf-8")
    assert [each.provider for each in read_settings(settings).reconcile] == ["openai"]
    assert violations(page) == []
