"""Prices known from two independent sources stand in the catalogue as they are, under every name they are sent with."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path

import pytest

from costspan.core.units import Unit
from costspan.core.usage import Usage
from costspan.pricing.load import load_rate_card
from costspan.pricing.price_call import price_usage

CARD = load_rate_card()
GOLDEN = tomllib.loads((Path(__file__).parent / "golden_prices.toml").read_text(encoding="utf-8"))
TABLE = """
openai gpt-4o 2.5 10 1.25
openai gpt-4o-mini 0.15 0.6 0.075
openai o1 15 60 7.5
openai o1-mini 1.1 4.4 0.55
openai o3 2 8 0.5
openai o4-mini 1.1 4.4 0.275
openai gpt-5 1.25 10 0.125
openai gpt-5-mini 0.25 2 0.025
openai gpt-5-nano 0.05 0.4 0.005
openai gpt-5.2 1.75 14 0.175
openai gpt-5.4 2.5 15 0.25
openai gpt-5.4-mini 0.75 4.5 0.075
openai gpt-5.4-nano 0.2 1.25 0.02
openai gpt-5.5 5 30 0.5
openai gpt-3.5-turbo 0.5 1.5 -
openai gpt-4.1 2 8 0.5
openai gpt-4o-2024-05-13 5 15 -
anthropic claude-sonnet-4-6 3 15 0.3
anthropic claude-haiku-4-5 1 5 0.1
anthropic claude-sonnet-4-5 3 15 0.3
anthropic claude-opus-4-5 5 25 0.5
anthropic claude-opus-4-1 15 75 1.5
anthropic claude-3-haiku-20240307 0.25 1.25 0.03
anthropic claude-opus-5 5 25 0.5
google gemini-2.5-pro 1.25 10 0.125
google gemini-2.5-flash 0.3 2.5 0.03
google gemini-2.0-flash 0.1 0.4 0.025
google gemini-3.1-pro-preview 2 12 0.2
aws us.anthropic.claude-sonnet-4-5-20250929-v1:0 3.3 16.5 0.33
aws global.anthropic.claude-haiku-4-5-20251001-v1:0 1 5 0.1
aws amazon.nova-pro-v1:0 0.8 3.2 0.2
azure gpt-4o 2.5 10 1.25
google claude-sonnet-4-5@20250929 3 15 0.3
mistral mistral-large-latest 0.5 1.5 0.05
groq llama-3.3-70b-versatile 0.59 0.79 -
"""


def golden_rates() -> Iterator[tuple[str, str, dict[str, object]]]:
    for model in GOLDEN["models"]:
        for name in model["names"]:
            for rate in model["rates"]:
                yield model["provider"], name, rate


@pytest.mark.parametrize(("provider", "name", "rate"), list(golden_rates()))
def test_a_golden_rate_is_what_the_catalogue_says(provider: str, name: str, rate: dict[str, object]) -> None:
    day, over = rate["at"], rate["over"]
    assert isinstance(day, date)
    assert isinstance(over, int)
    at = datetime.combine(day, time(12), UTC)
    for unit in Unit:
        if unit.value in rate:
            context = Usage({unit: 1_000, Unit.INPUT: over + 1} if over else {unit: 1_000})
            found = price_usage(CARD, context, provider=provider, models=(name,), mode=str(rate["mode"]), at=at)
            charge = next(each for each in found.charges if each.unit is unit)
            assert (unit, charge.price) == (unit, Decimal(str(rate[unit.value])))
            assert found.status == "priced"


@pytest.mark.parametrize("line", TABLE.split("\n")[1:-1])
def test_a_reference_price_is_per_million_tokens(line: str) -> None:
    provider, name, *prices = line.split()
    at = datetime(2026, 11, 20, tzinfo=UTC)
    for unit, price in zip((Unit.INPUT, Unit.OUTPUT, Unit.CACHE_READ), prices, strict=True):
        if price != "-":
            found = price_usage(CARD, Usage({unit: 1_000_000}), provider=provider, models=(name,), at=at)
            # A million tokens in one call would stand in the band above the threshold: ask for the first band.
            small = price_usage(CARD, Usage({unit: 1_000}), provider=provider, models=(name,), at=at)
            assert small.charges[0].price == Decimal(price)
            assert found.charges[0].per == 1_000_000
