"""The `budgets:` list of a costspan.yaml: what is accepted, and what is refused because it could never fire."""

from __future__ import annotations

import pytest
import yaml

from costspan.core.budget import Budget, BudgetPeriod, OnUnpriced
from costspan.core.errors import ConfigError
from costspan.core.money import PicoUsd
from costspan.server.analytics.budget_settings import parse_budgets


def test_a_budget_is_read_as_it_was_written() -> None:
    text = """
- {name: search-monthly, scope: {team: search, env: prod, tag.plan: 7}, amount_usd: 3000, notify: [slack]}
- {name: all, amount_usd: 0.1, period: 30d, on_unpriced: block}
"""
    search, everything = parse_budgets(yaml.safe_load(text))

    assert dict(search.scope) == {"team": "search", "environment": "prod", "tag.plan": "7"}
    assert (search.amount, search.period, search.notify) == (3_000 * 10**12, BudgetPeriod("month"), ("slack",))
    assert everything == Budget(
        name="all", amount=PicoUsd(10**11), period=BudgetPeriod("30d"), on_unpriced=OnUnpriced.BLOCK
    )


@pytest.mark.parametrize("said", [None, []])
def test_no_budgets_are_none(said: object) -> None:
    assert parse_budgets(said) == ()


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ("{name: b, amount_usd: 0}", "amount_usd: US dollars above 0 and up to 9,000,000, found 0"),
        ("{name: b, amount_usd: -5}", "amount_usd: US dollars above 0"),
        ("{name: b, amount_usd: .inf}", "amount_usd: US dollars above 0"),
        ("{name: b}", "amount_usd: US dollars above 0 and up to 9,000,000, found None"),
        ("{amount_usd: 5}", "name: the name of the budget"),
        ("{name: a, amount_usd: 5}", "name: 'a' is taken already"),
        ("{name: b, amount_usd: 5, scope: {taem: search}}", "scope: unknown key 'taem'; known: model, provider,"),
        ("{name: b, amount_usd: 5, scope: {error_type: timeout}}", "scope: unknown key 'error_type'"),
        ("{name: b, amount_usd: 5, scope: {team: }}", "scope: team: one value, found None"),
        ("{name: b, amount_usd: 5, period: quarter}", "period 'quarter' is not month, week, day"),
        ("{name: b, amount_usd: 5, on_unpriced: stop}", "on_unpriced: warn, block, ignore, found 'stop'"),
        ("{name: b, amount_usd: 5, notify: slack}", "notify: a list of names of notifiers"),
        ("{name: b, amount_usd: 5, limit: 3}", "unknown key 'limit'; known: name, scope, amount_usd"),
        ("search", "a mapping with name:, amount_usd: and period:"),
    ],
)
def test_a_budget_that_can_never_fire_is_refused_by_entry_and_key(entry: str, says: str) -> None:
    entries = [{"name": "a", "amount_usd": 1}, yaml.safe_load(entry)]

    with pytest.raises(ConfigError) as refused:
        parse_budgets(entries, "my.yaml")

    assert str(refused.value).startswith(f"my.yaml: budgets entry 2: {says}")


def test_anything_but_a_list_is_refused() -> None:
    with pytest.raises(ConfigError, match="budgets: a list of entries"):
        parse_budgets({"name": "a"})
