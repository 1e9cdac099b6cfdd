"""The verdict on a call: what it costs, or in which words and states it does not."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from costspan.core.call import Call, UsageState
from costspan.core.charge import PricedUsage, PriceStatus
from costspan.core.clock import ns_from_utc
from costspan.core.money import usd_text
from costspan.core.units import Unit
from costspan.core.usage import Usage
from costspan.pricing.load import load_rate_card
from costspan.pricing.price_call import price_call

CARD = load_rate_card()
STARTED = ns_from_utc(datetime(2026, 11, 20, 12, tzinfo=UTC))


def verdict(
    usage: Usage | None = None,
    *,
    provider: str | None = "openai",
    model: str = "gpt-4o",
    state: UsageState = UsageState.REPORTED,
    mode: str = "standard",
    error: str | None = None,
    first_chunk_s: float | None = None,
    note: str | None = None,
) -> PricedUsage:
    call = Call(
        trace_id="t", span_id="s", parent_span_id=None, started_at_ns=STARTED, ended_at_ns=STARTED, dialect="otel",
        provider=provider, requested_model=model, usage=usage or Usage(), usage_state=state, usage_note=note, mode=mode,
        error_type=error, time_to_first_chunk_s=first_chunk_s,
    )  # fmt: skip
    return price_call(call, CARD)


def test_each_unit_used_is_one_charge_at_the_published_price() -> None:
    found = verdict(Usage({Unit.INPUT: 87, Unit.OUTPUT: 52}), model="gpt-4o-mini")
    assert [(each.unit, each.quantity, str(each.price), each.per, usd_text(each.cost)) for each in found.charges] == [
        (Unit.INPUT, 87, "0.15", 1_000_000, "0.00001305"),
        (Unit.OUTPUT, 52, "0.6", 1_000_000, "0.0000312"),
    ]
    assert usd_text(found.cost or 0) == "0.00004425"


def test_a_price_finer_than_a_pico_dollar_a_unit_is_rounded_once_half_to_even() -> None:
    # 0.111 USD an hour: 7 s are 215833333.33.. pico-dollars, 3 s are 92500000 exactly.
    seven = verdict(Usage({Unit.SECOND: 7}), provider="groq", model="whisper-large-v3")
    three = verdict(Usage({Unit.SECOND: 3}), provider="groq", model="whisper-large-v3")
    assert (seven.cost, three.cost) == (215_833_333, 92_500_000)


def test_cache_savings_are_what_the_same_tokens_would_have_cost_as_input() -> None:
    found = verdict(Usage({Unit.INPUT: 100, Unit.CACHE_READ: 1_000_000}))
    assert usd_text(found.cache_savings or 0) == "1.25"


def test_usage_that_was_not_said_is_missing_and_not_zero() -> None:
    found = verdict(state=UsageState.MISSING, note="stream aborted")
    assert (found.status, found.cost, found.reason) == (PriceStatus.USAGE_MISSING, None, "stream aborted")
    assert (found.provider, found.model) == ("openai", "gpt-4o")


def test_usage_that_contradicts_itself_has_no_cost() -> None:
    found = verdict(state=UsageState.INVALID, note="more cached than input tokens")
    assert (found.status, found.cost) == (PriceStatus.INVALID_USAGE, None)
    assert found.reason == "more cached than input tokens"


def test_usage_read_by_assumption_is_priced_and_says_so() -> None:
    found = verdict(Usage({Unit.INPUT: 1_000}), state=UsageState.ASSUMED, note="inclusive counting assumed")
    assert (found.status, usd_text(found.cost or 0)) == (PriceStatus.ASSUMED, "0.0025")
    assert found.reason == "inclusive counting assumed"


def test_a_call_that_failed_before_the_first_chunk_has_no_charge() -> None:
    found = verdict(error="rate_limit")
    assert (found.status, found.charges) == (PriceStatus.UNPRICED, ())
    assert found.reason == "failed before it was billed"


def test_a_call_that_failed_with_usage_is_priced() -> None:
    assert verdict(Usage({Unit.INPUT: 1_000_000}), error="content_filter").status is PriceStatus.PRICED


def test_a_call_cut_off_after_the_first_chunk_may_have_been_billed() -> None:
    found = verdict(error="timeout", first_chunk_s=0.4, state=UsageState.MISSING)
    assert found.status is PriceStatus.USAGE_MISSING


def test_a_unit_without_a_rate_makes_the_call_partial() -> None:
    found = verdict(Usage({Unit.INPUT: 1_000_000, Unit.WEB_SEARCH: 100}), model="o1")
    assert (found.status, usd_text(found.cost or 0)) == (PriceStatus.PARTIAL, "15")
    assert (found.unpriced_units, found.reason) == ((Unit.WEB_SEARCH,), "no rate for web_search")


def test_a_call_of_which_nothing_has_a_rate_is_unpriced() -> None:
    found = verdict(Usage({Unit.WEB_SEARCH: 100}), model="o1")
    assert (found.status, found.cost) == (PriceStatus.UNPRICED, None)


def test_a_local_model_is_free_by_an_explicit_rate() -> None:
    found = verdict(Usage({Unit.INPUT: 5, Unit.OUTPUT: 5}), provider="ollama", model="llama3.2:3b")
    assert (found.status, found.cost, found.model) == (PriceStatus.FREE, 0, "llama3.2:3b")


def test_a_fee_for_each_request_is_owed_once() -> None:
    implied = verdict(Usage({Unit.INPUT: 1_000}), provider="perplexity", model="sonar")
    counted = verdict(Usage({Unit.INPUT: 1_000, Unit.REQUEST: 1}), provider="perplexity", model="sonar")
    assert (usd_text(implied.cost or 0), usd_text(counted.cost or 0)) == ("0.013", "0.013")


@pytest.mark.parametrize("mode", ["default", "auto", "standard", ""])
def test_the_ordinary_tier_has_many_names(mode: str) -> None:
    assert verdict(Usage({Unit.INPUT: 1}), mode=mode).status is PriceStatus.PRICED


def test_a_mode_without_a_price_is_priced_as_standard_and_says_so() -> None:
    found = verdict(Usage({Unit.INPUT: 1_000_000}), mode="turbo")
    assert (found.status, usd_text(found.cost or 0)) == (PriceStatus.ASSUMED, "2.5")
    assert found.reason == "no turbo price is listed: priced as standard"


def test_a_mode_of_one_provider_is_not_shared_with_another() -> None:
    found = verdict(Usage({Unit.INPUT: 1_000_000}), provider="azure", model="gpt-4.1", mode="priority")
    assert (found.status, usd_text(found.cost or 0)) == (PriceStatus.ASSUMED, "2")


def test_a_discount_written_as_list_of_one_mode_keeps_the_other_prices() -> None:
    # The batch table of gpt-4o names no cached price: cached tokens keep the standard one.
    found = verdict(Usage({Unit.INPUT: 1_000_000, Unit.CACHE_READ: 1_000_000}), mode="batch")
    assert [str(each.price) for each in found.charges] == ["1.25", "1.25"]
