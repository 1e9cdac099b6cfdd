"""What must hold for every usage: money is additive, exact and blind to order."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as some

from costspan.core.units import Unit
from costspan.core.usage import Usage
from costspan.pricing.load import load_rate_card
from costspan.pricing.price_call import price_usage

CARD = load_rate_card()
AT = datetime(2026, 11, 20, tzinfo=UTC)
UNITS = (Unit.INPUT, Unit.CACHE_READ, Unit.CACHE_WRITE_5M, Unit.CACHE_WRITE_1H, Unit.OUTPUT, Unit.REASONING)
MODELS = some.sampled_from(
    [("openai", "gpt-4o"), ("openai", "gpt-5-mini"), ("anthropic", "claude-haiku-4-5"), ("google", "gemini-2.5-pro")]
)
# Six units of at most 30,000 tokens stay below every context threshold, also when two usages are added.
SMALL = some.dictionaries(some.sampled_from(UNITS), some.integers(0, 15_000)).map(Usage)


def cost(model: tuple[str, str], usage: Usage) -> int:
    found = price_usage(CARD, usage, provider=model[0], models=(model[1],), at=AT)
    assert found.cost is not None
    return found.cost


@given(MODELS, SMALL, SMALL)
def test_two_usages_cost_together_what_they_cost_apart(model: tuple[str, str], one: Usage, other: Usage) -> None:
    assert cost(model, one + other) == cost(model, one) + cost(model, other)


@given(MODELS, SMALL)
def test_the_units_of_a_usage_cost_what_the_usage_costs(model: tuple[str, str], usage: Usage) -> None:
    assert cost(model, usage) == sum(cost(model, Usage({unit: quantity})) for unit, quantity in usage)


@given(MODELS, SMALL, some.permutations(UNITS))
def test_the_order_of_units_does_not_matter(model: tuple[str, str], usage: Usage, order: list[Unit]) -> None:
    assert cost(model, Usage({unit: usage[unit] for unit in order})) == cost(model, usage)


@given(some.sampled_from(["gpt-9", "claude-sonnet-4-600", "zz"]), SMALL)
def test_an_unknown_model_never_has_a_cost(model: str, usage: Usage) -> None:
    assert price_usage(CARD, usage, provider="openai", models=(model,), at=AT).cost is None
