"""Budgets that no call could ever use up are found from the price list."""

from __future__ import annotations

from datetime import UTC, datetime
from types import MappingProxyType

import pytest

from costspan.core.budget import Budget, BudgetPeriod, OnUnpriced
from costspan.core.errors import ConfigError
from costspan.core.money import PicoUsd
from costspan.pricing.load import load_rate_card
from costspan.server.analytics.budget_checks import check_budgets

CARD = load_rate_card([{"provider": "ollama", "model": "own-llama", "free": True, "source": "our own machines"}])


def check(on_unpriced: OnUnpriced = OnUnpriced.WARN, **scope: str) -> None:
    budget = Budget(
        name="b",
        amount=PicoUsd(1),
        period=BudgetPeriod("month"),
        scope=MappingProxyType(scope),
        on_unpriced=on_unpriced,
    )
    check_budgets([budget], {"b": "costspan.yaml:7: budgets entry 2"}, CARD, datetime(2026, 11, 20, tzinfo=UTC))


@pytest.mark.parametrize(
    ("scope", "why"),
    [
        ({"model": "gpt-4o-2024-08-06", "provider": "openai"}, "calls of 'gpt-4o-2024-08-06' are kept as 'gpt-4o'"),
        ({"provider": "azure.ai.openai"}, "calls to 'azure.ai.openai' are kept as 'azure'"),
        ({"model": "own-llama", "provider": "ollama"}, "'own-llama' is free"),
    ],
)
def test_a_scope_that_no_call_with_a_cost_is_kept_under_is_refused(scope: dict[str, str], why: str) -> None:
    with pytest.raises(ConfigError) as refused:
        check(**scope)

    assert str(refused.value).startswith("costspan.yaml:7: budgets entry 2: scope: ")
    assert why in str(refused.value)
    assert str(refused.value).endswith("it can never fire")


def test_a_model_nobody_has_a_price_for_is_refused_only_where_it_is_ignored() -> None:
    check(model="acme-70b", provider="openai")
    check(OnUnpriced.BLOCK, model="acme-70b", provider="openai")
    with pytest.raises(ConfigError, match=r"acme-70b.*ignore counts no such call"):
        check(OnUnpriced.IGNORE, model="acme-70b", provider="openai")


@pytest.mark.parametrize("scope", [{}, {"model": "gpt-4o"}, {"model": "claude-sonnet-4-6"}, {"provider": "azure"}])
def test_any_other_scope_is_taken(scope: dict[str, str]) -> None:
    check(**scope)
