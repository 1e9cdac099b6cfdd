"""Bills read with the real clients from servers that keep to the published contracts, errors included."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from costspan.core.errors import Unreachable
from costspan.core.period import Period
from costspan.core.units import Unit
from costspan.server.reconciliation.bill import Bill, Kind
from costspan.server.reconciliation.collect import FROM_API, bill_of, collect
from costspan.server.reconciliation.reconciler import reader_of
from costspan.server.reconciliation.settings import BillSettings
from costspan.server.reconciliation.sources import API_SOURCES
from costspan.server.reconciliation.sources.base import unpacked
from costspan.server.reconciliation.sources.openai import completion_quantities
from costspan.server.reconciliation.sources.openai_lines import named
from costspan.server.store.memory_reconciliations import MemoryReconciliations
from costspan.testing.bill_month import OCTOBER, faulty_month
from costspan.testing.stub_bills import StubBills

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
WEEK = Period(OCTOBER.since, OCTOBER.since + timedelta(days=7))
TRUTH = faulty_month(["tool_fees", "contract_discount"]).bill
OF_WEEK = tuple(cell for cell in TRUTH.cells if cell.day < WEEK.until.date())


def read(stub: StubBills, provider: str, period: Period = WEEK, shelf: MemoryReconciliations | None = None) -> Bill:
    shelf = shelf or MemoryReconciliations()
    with reader_of(provider, BillSettings(provider=provider), stub.environment()) as fetch:
        collect(API_SOURCES[provider], fetch, shelf, period, NOW)
    return bill_of(provider, shelf.sheets(provider, period), period)


def used(bill: Bill) -> dict[tuple[object, ...], int]:
    return {
        (cell.day, cell.project, cell.api_key, cell.model, cell.mode, cell.unit): cell.quantity or cell.requests or 0
        for cell in bill.cells
        if cell.kind is Kind.USAGE
    }


def charged(bill: Bill, *, listed: bool = False) -> dict[tuple[object, ...], int | None]:
    return {
        (cell.day, cell.project, cell.model, cell.mode or "standard", cell.unit): cell.list_amount
        if listed
        else cell.billed_amount
        for cell in bill.cells
        if cell.kind is Kind.CHARGE
    }


OURS = Bill(provider="openai", cells=OF_WEEK, tells_apart=TRUTH.tells_apart)


@pytest.mark.parametrize("as_text", [False, True])
def test_openais_reports_are_read_page_by_page_to_the_nanodollar(as_text: bool) -> None:
    with StubBills(cells=OF_WEEK, amounts_as_text=as_text) as stub:
        bill = read(stub, "openai")
    assert used(bill) == used(OURS)
    found = charged(bill)
    assert found.keys() == charged(OURS).keys()
    # A double holds 15 digits: amounts come back to a nano-dollar.
    assert all(abs((found[key] or 0) - (amount or 0)) < 1000 for key, amount in charged(OURS).items())
    fees = [cell for cell in bill.cells if cell.kind is Kind.FEE]
    assert [(cell.day, cell.unit, cell.billed_amount) for cell in fees] == [
        (WEEK.since.date() + timedelta(days=day), Unit.WEB_SEARCH, 12 * 10**12) for day in range(7)
    ]
    assert len([path for path in stub.asked if path.endswith("/costs")]) == 3


@pytest.mark.parametrize("classic", [False, True])
def test_anthropics_cents_are_read_exactly_from_either_api(classic: bool) -> None:
    with StubBills(cells=OF_WEEK, classic=classic) as stub:
        bill = read(stub, "anthropic")
    assert charged(bill) == charged(OURS)
    if not classic:
        assert charged(bill, listed=True) == charged(OURS, listed=True)
        assert used(bill) == used(OURS)


def test_openrouters_activity_is_read_a_day_at_a_time() -> None:
    with StubBills(cells=OF_WEEK) as stub:
        bill = read(stub, "openrouter")
    assert stub.asked == ["/api/v1/activity"] * 7
    spent = sum(cell.billed_amount or 0 for cell in bill.cells)
    billed = sum(cell.billed_amount or 0 for cell in OF_WEEK if cell.kind is Kind.CHARGE)
    assert abs(spent - billed) < 1_000_000
    assert sum(cell.requests or 0 for cell in bill.cells) == sum(cell.requests or 0 for cell in OF_WEEK)


@pytest.mark.parametrize("provider", ["openai", "anthropic", "openrouter"])
def test_a_provider_that_asks_for_a_pause_or_fails_is_asked_again(provider: str) -> None:
    with StubBills(cells=OF_WEEK, refusals=[(429, "0.01"), (500, "0.01"), (503, "0.01")]) as stub:
        again = read(stub, provider)
    with StubBills(cells=OF_WEEK) as stub:
        assert again.cells == read(stub, provider).cells


@pytest.mark.parametrize("provider", ["openai", "anthropic", "openrouter"])
@pytest.mark.parametrize("status", [401, 403])
def test_a_key_without_rights_is_named_and_never_shown(provider: str, status: int) -> None:
    with (
        StubBills(cells=OF_WEEK, refusals=[status] * 9) as stub,
        pytest.raises(Unreachable, match="refuses the key") as e,
    ):
        read(stub, provider)
    assert "stub" not in str(e.value)


@pytest.mark.parametrize("provider", ["openai", "anthropic", "openrouter"])
def test_a_provider_that_stays_down_is_unreachable(provider: str) -> None:
    with StubBills(cells=OF_WEEK, refusals=[(500, "0.01")] * 99) as stub, pytest.raises(Unreachable, match="500"):
        read(stub, provider)


def test_without_a_key_nothing_is_asked_and_the_variable_is_named() -> None:
    with pytest.raises(Unreachable, match="not configured: set OPENAI_ADMIN_KEY"):
        reader_of("openai", BillSettings(provider="openai"), {})
    with pytest.raises(Unreachable, match="--bill FILE"):
        reader_of("aws", BillSettings(provider="aws"), {})


def test_rows_of_an_unknown_kind_and_names_that_are_not_known_are_shown_not_dropped() -> None:
    strange = {"object": "organization.costs.result", "line_item": "gpt-9 telepathy, thoughts", "project_id": None,
               "amount": {"value": 1.25, "currency": "usd"}, "quantity": 3.0, "quantity_unit": None}  # fmt: skip
    with StubBills(extra={"costs": [strange], "usage/completions": [{"object": "organization.usage.dreams"}]}) as stub:
        bill = read(stub, "openai")
    unmapped = {cell.line_item: cell.billed_amount for cell in bill.cells if cell.kind is Kind.UNMAPPED}
    assert unmapped == {"gpt-9 telepathy, thoughts": 1_250_000_000_000, "completions: organization.usage.dreams": 0}


def test_a_bill_that_was_cut_off_goes_on_where_it_was() -> None:
    shelf = MemoryReconciliations()
    with StubBills(cells=TRUTH.cells) as stub:
        whole = read(stub, "openai", OCTOBER)
        asked = len(stub.asked)
    with (
        StubBills(cells=TRUTH.cells) as stub,
        reader_of("openai", BillSettings(provider="openai"), stub.environment()) as fetch,
    ):

        def cut(report: str, period: Period):  # type: ignore[no-untyped-def]
            if report == "embeddings":
                raise Unreachable("cut off")
            return fetch(report, period)

        with pytest.raises(Unreachable):
            collect(API_SOURCES["openai"], cut, shelf, OCTOBER, NOW)
        before = len(stub.asked)
        assert read(stub, "openai", OCTOBER, shelf).cells == whole.cells
        # The last stretch ends less than a week before it was read, so it is read again.
        assert asked - before <= len(stub.asked) - before < asked


def test_what_has_not_changed_is_not_kept_twice_and_what_has_stands() -> None:
    shelf = MemoryReconciliations()
    with StubBills(cells=OF_WEEK) as stub:
        first = read(stub, "openai", WEEK, shelf)
        marks = shelf.sheet_marks("openai", WEEK)
        assert read(stub, "openai", WEEK, shelf).cells == first.cells
    assert [mark.report for mark in marks] == [mark.report for mark in shelf.sheet_marks("openai", WEEK)]
    with reader_of("openai", BillSettings(provider="openai"), {"OPENAI_ADMIN_KEY": "k"}) as fetch:
        assert collect(API_SOURCES["openai"], fetch, shelf, WEEK, NOW) == 0


def test_the_pages_are_kept_as_they_came() -> None:
    shelf = MemoryReconciliations()
    with StubBills(cells=OF_WEEK, amounts_as_text=True) as stub:
        read(stub, "openai", WEEK, shelf)
    [costs] = [sheet for sheet in shelf.sheets("openai", WEEK) if sheet.report == "costs"]
    assert (costs.source, costs.fetched_at) == (FROM_API, NOW)
    assert [page["object"] for page in unpacked(costs)] == ["page"] * 3


def test_openais_input_is_taken_apart_into_what_it_includes() -> None:
    row = {"input_tokens": 1000, "input_cached_tokens": 300, "input_cache_write_tokens": 150,
           "input_cache_write_12h_tokens": 50, "input_audio_tokens": 20, "output_tokens": 90,
           "output_audio_tokens": 40}  # fmt: skip
    found = {unit: n for unit, n in completion_quantities(row).items() if n}
    assert found == {
        Unit.INPUT: 530, Unit.CACHE_READ: 300, Unit.CACHE_WRITE_30M: 100, Unit.CACHE_WRITE_12H: 50,
        Unit.INPUT_AUDIO: 20, Unit.OUTPUT: 50, Unit.OUTPUT_AUDIO: 40,
    }  # fmt: skip
    assert sum(found.values()) == 1000 + 90


@pytest.mark.parametrize(
    ("line_item", "expected"),
    [
        ("gpt-6-astra, input_tokens", (Kind.CHARGE, "gpt-6-astra", None, Unit.INPUT)),
        ("gpt-4o-2024-08-06, cached input", (Kind.CHARGE, "gpt-4o-2024-08-06", None, Unit.CACHE_READ)),
        ("gpt-5 batch, output", (Kind.CHARGE, "gpt-5", "batch", Unit.OUTPUT)),
        ("gpt-5, flex_output_tokens", (Kind.CHARGE, "gpt-5", "flex", Unit.OUTPUT)),
        ("web search tool calls", (Kind.FEE, None, None, Unit.WEB_SEARCH)),
        ("Code Interpreter sessions", (Kind.FEE, None, None, Unit.CODE_EXECUTION)),
        ("scale tier, gpt-5", (Kind.APART, None, None, None)),
        ("o3", (Kind.CHARGE, "o3", None, None)),
        ("something new", (Kind.UNMAPPED, None, None, None)),
    ],
)
def test_line_items_say_model_mode_and_unit(line_item: str, expected: tuple[object, ...]) -> None:
    found = named(line_item)
    assert (found.kind, found.model, found.mode, found.unit) == expected


def test_the_priority_tier_of_the_classic_api_is_kept_apart() -> None:
    cells = tuple(replace(cell, mode="priority") for cell in OF_WEEK if cell.kind is Kind.USAGE)
    with StubBills(cells=cells, classic=True) as stub:
        bill = read(stub, "anthropic")
    assert {(cell.kind, cell.mode, cell.billed_amount) for cell in bill.cells} == {(Kind.APART, "priority", None)}
    assert min(cell.day for cell in bill.cells) == date(2026, 10, 1)
