"""What a user says about prices stands above the published lists, and a wrong entry is refused with its place."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from costspan.core.charge import PricedUsage, PriceStatus
from costspan.core.errors import ConfigError
from costspan.core.money import usd_text
from costspan.core.units import Unit
from costspan.core.usage import Usage
from costspan.pricing.load import load_rate_card
from costspan.pricing.price_call import price_usage

Entry = dict[str, object]
MILLION = Usage({Unit.INPUT: 1_000_000})


def priced(
    overlays: list[Entry], provider: str, *models: str, mode: str = "standard", usage: Usage = MILLION, day: int = 20
) -> PricedUsage:
    at = datetime(2026, 11, day, tzinfo=UTC)
    return price_usage(load_rate_card(overlays), usage, provider=provider, models=models, mode=mode, at=at)


def test_a_contract_price_replaces_the_list_price_and_both_are_kept() -> None:
    found = priced([{"provider": "openai", "model": "gpt-5", "input": "1.00", "output": "8.00"}], "openai", "gpt-5")
    assert (usd_text(found.cost or 0), usd_text(found.list_cost or 0)) == ("1", "1.25")
    assert found.charges[0].price == Decimal("1.00")
    assert found.rate is not None
    assert (found.rate.layer, found.rate.matched_by) == ("organisation", "overlay literal gpt-5")


def test_a_contract_holds_for_every_name_of_the_model() -> None:
    overlays: list[Entry] = [{"provider": "openai", "model": "gpt-5", "input": "1.00", "output": "8.00"}]
    assert usd_text(priced(overlays, "openai", "gpt-5-2025-08-07").cost or 0) == "1"


def test_a_contract_begins_and_ends_on_its_days() -> None:
    overlays: list[Entry] = [
        {"provider": "openai", "model": "gpt-5", "from": date(2026, 11, 10), "to": "2026-11-20", "input": "1.00"}
    ]
    costs = [usd_text(priced(overlays, "openai", "gpt-5", day=day).cost or 0) for day in (9, 10, 19, 20)]
    assert costs == ["1.25", "1", "1", "1.25"]


def test_a_contract_does_not_take_over_a_published_batch_price_unless_it_says_so() -> None:
    plain: Entry = {"provider": "openai", "model": "gpt-5", "input": "1.00", "output": "8.00"}
    silent = priced([plain], "openai", "gpt-5", mode="batch")
    assert (silent.status, usd_text(silent.cost or 0)) == (PriceStatus.ASSUMED, "1")
    said = priced([{**plain, "modes": {"batch": "x0.5"}}], "openai", "gpt-5", mode="batch")
    assert (said.status, usd_text(said.cost or 0)) == (PriceStatus.PRICED, "0.5")
    priced_out = priced([{**plain, "modes": {"batch": {"input": "0.40"}}}], "openai", "gpt-5", mode="batch")
    assert usd_text(priced_out.cost or 0) == "0.4"


def test_a_contract_without_a_cache_price_leaves_cached_tokens_visible_and_unpriced() -> None:
    overlays: list[Entry] = [{"provider": "openai", "model": "gpt-5", "input": "1.00", "output": "8.00"}]
    usage = Usage({Unit.INPUT: 1_000_000, Unit.CACHE_READ: 10})
    found = priced(overlays, "openai", "gpt-5", usage=usage)
    assert (found.status, found.unpriced_units) == (PriceStatus.PARTIAL, (Unit.CACHE_READ,))


def test_a_discount_on_everything_multiplies_the_list_price_of_the_day() -> None:
    overlays: list[Entry] = [{"provider": "anthropic", "model": "*", "multiply": "0.90", "from": "2026-11-10"}]
    assert usd_text(priced(overlays, "anthropic", "claude-haiku-4-5", day=9).cost or 0) == "1"
    found = priced(overlays, "anthropic", "claude-haiku-4-5")
    assert (usd_text(found.cost or 0), usd_text(found.list_cost or 0), found.model) == ("0.9", "1", "claude-haiku-4-5")
    assert usd_text(priced(overlays, "anthropic", "claude-haiku-4-5", mode="batch").cost or 0) == "0.45"


def test_a_deployment_takes_the_price_of_the_model_behind_it() -> None:
    overlays: list[Entry] = [
        {"provider": "azure", "model": "my-deployment", "alias_of": "openai/gpt-5", "multiply": "1.10"}
    ]
    found = priced(overlays, "azure.ai.openai", "my-deployment")
    assert (found.provider, found.model, usd_text(found.cost or 0)) == ("azure", "gpt-5", "1.375")


def test_the_name_of_the_deployment_wins_over_the_model_that_answered() -> None:
    overlays: list[Entry] = [{"provider": "azure", "model": "ptu-east", "input": "0", "output": "0"}]
    found = priced(overlays, "azure", "gpt-4o-2024-08-06", "ptu-east")
    assert (found.status, usd_text(found.cost or 0), usd_text(found.list_cost or 0)) == (PriceStatus.FREE, "0", "2.5")


def test_a_free_model_costs_nothing_and_says_free() -> None:
    found = priced([{"provider": "vllm", "model": "*", "free": True}], "vllm", "llama-3.3-70b")
    assert (found.status, found.cost, found.provider, found.model) == (PriceStatus.FREE, 0, "vllm", "llama-3.3-70b")


def test_a_private_model_needs_no_published_list() -> None:
    overlays: list[Entry] = [{"provider": "in-house", "model": "writer-1", "input": "0.50", "output": "2.00"}]
    found = priced(overlays, "in-house", "Writer-1")
    assert (found.status, usd_text(found.cost or 0)) == (PriceStatus.PRICED, "0.5")


def test_a_project_stands_above_its_organisation() -> None:
    overlays: list[Entry] = [
        {"layer": "project", "provider": "openai", "model": "gpt-5", "input": "0.80"},
        {"layer": "organisation", "provider": "openai", "model": "gpt-5", "input": "1.00"},
    ]
    assert usd_text(priced(overlays, "openai", "gpt-5").cost or 0) == "0.8"


def test_the_version_names_the_content() -> None:
    overlay: Entry = {"provider": "openai", "model": "gpt-5", "input": "1.00"}
    assert load_rate_card().version == load_rate_card().version
    assert load_rate_card().version != load_rate_card([overlay]).version
    assert load_rate_card([overlay]).version != load_rate_card([{**overlay, "input": "1.01"}]).version


@pytest.mark.parametrize(
    ("entry", "complaint"),
    [
        ({"inptu": "1"}, r"prices\[0\] \(openai/gpt-5\): unknown key inptu; known are alias_of, "),
        ({"input": 1.25}, r'input: write the price as text, for instance "1.25", not 1.25'),
        ({"input": "-1"}, "input: a price is not negative"),
        ({"input": "cheap"}, "input: 'cheap' is not a decimal number"),
        ({}, "say one of prices"),
        ({"input": "1", "free": True}, "say one of prices"),
        ({"input": "1", "from": "2026-11-02", "to": "2026-11-01"}, "from 2026-11-02 is not before to 2026-11-01"),
        ({"input": "1", "from": "tomorrow"}, "from: 'tomorrow' is not an ISO 8601 date"),
        ({"alias_of": "gpt-5"}, "alias_of: 'gpt-5' is not provider/model of a price list"),
        ({"input": "1", "layer": "me"}, "layer: 'me' is neither organisation nor project"),
        ({"input": "1", "modes": {"batch": "half"}}, "modes: batch: 'half' is neither a table of prices nor a factor"),
        ({"input": "1", "model": ""}, "model is missing"),
    ],
)  # fmt: skip
def test_a_wrong_entry_is_refused_with_its_place(entry: Entry, complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        load_rate_card([{"provider": "openai", "model": "gpt-5", **entry}])


def test_two_entries_may_not_hold_at_the_same_time() -> None:
    first: Entry = {"provider": "openai", "model": "gpt-5", "from": "2026-01-01", "input": "1"}
    second: Entry = {"provider": "OpenAI", "model": "gpt-5", "from": "2026-06-01", "input": "2"}
    with pytest.raises(ConfigError, match=r"prices\[1\] \(OpenAI/gpt-5\): from/to overlap another entry"):
        load_rate_card([first, second])
    load_rate_card([{**first, "to": "2026-06-01"}, second])
