"""Budgets that could never fire, by what the price list says: found when the server starts, not on the invoice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from costspan.core.budget import Budget, OnUnpriced
from costspan.core.charge import PriceStatus
from costspan.core.errors import ConfigError
from costspan.core.units import Unit
from costspan.core.usage import Usage
from costspan.pricing.match import match
from costspan.pricing.price_call import price_usage
from costspan.pricing.providers import provider_id
from costspan.pricing.rate_card import RateCard

_ANY_USAGE = Usage({Unit.INPUT: 1, Unit.OUTPUT: 1})


def check_budgets(budgets: Sequence[Budget], places: Mapping[str, str], card: RateCard, now: datetime) -> None:
    """Raise ConfigError for the first budget that can never fire. `places` says where each stands, by its name."""
    for budget in budgets:
        if why := _never_fires(budget, card, now):
            raise ConfigError(f"{places.get(budget.name, f'budget {budget.name}')}: scope: {why}: it can never fire")


def _never_fires(budget: Budget, card: RateCard, now: datetime) -> str | None:
    provider, model = budget.scope.get("provider"), budget.scope.get("model")
    if provider is not None:
        listed = provider_id(provider, card.profiles, card.overlay_providers, guess=False)
        if listed is not None and listed != provider and listed in card.profiles:
            return f"provider: calls to {provider!r} are kept as {listed!r}"
    return None if model is None else _of_model(budget, model, provider, card, now)


def _of_model(budget: Budget, model: str, provider: str | None, card: RateCard, now: datetime) -> str | None:
    found = match(card, provider, (model,))
    if isinstance(found, str):
        # Without a provider it may be one that several sell: then calls that name theirs have a price.
        is_unknown = provider is not None or found.startswith("no price list")
        ignored = budget.on_unpriced is OnUnpriced.IGNORE
        return f"model: {found}, and on_unpriced: ignore counts no such call" if is_unknown and ignored else None
    priced = price_usage(card, _ANY_USAGE, provider=provider, models=(model,), at=now)
    if priced.model is not None and priced.model != model:
        return f"model: calls of {model!r} are kept as {priced.model!r}; use that, or response_model:"
    return f"model: {model!r} is free" if priced.status is PriceStatus.FREE else None
