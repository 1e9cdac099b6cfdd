"""Models without a price: which, how much went through them, what they may be; and giving one another's price."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from costspan.core.errors import UsageError
from costspan.core.period import iso, parse_period
from costspan.pricing.match import match
from costspan.pricing.nearest import nearest_names
from costspan.pricing.overlay_append import append_overlay
from costspan.pricing.providers import provider_id
from costspan.pricing.rate_card import RateCard
from costspan.server.analytics.repricing import applied_document, scope_words
from costspan.server.pipeline.repricing import Repricing
from costspan.server.store.question import Filter
from costspan.server.store.repricing import ALL_TIME, Scope, UnpricedModel

_MAP_KEYS: Final = frozenset({"model", "to", "provider"})


def unpriced_document(repricing: Repricing, since: str | None, until: str | None, now: datetime) -> dict[str, Any]:
    """Return the models without a full price, the busiest first. Raise UsageError for a period that is none."""
    period = parse_period(since, until, now) if since or until else ALL_TIME
    card = repricing.card
    return {"card_version": card.version, "models": [_model(card, each) for each in repricing.unpriced(period)]}


def map_document(repricing: Repricing, request: Mapping[str, Any]) -> dict[str, Any]:
    """Give a model the price of another: one more overlay in costspan.yaml, then those calls are priced by it.

    Raise UsageError where the target has no price or the provider of the calls has to be named, ConfigError where
    the file cannot take the entry.
    """
    model, target = _text(request, "model"), _text(request, "to")
    unknown = sorted(set(request) - _MAP_KEYS)
    if unknown:
        raise UsageError(f"unknown key {', '.join(unknown)}; known: {', '.join(sorted(_MAP_KEYS))}")
    settings = repricing.settings()
    _refuse_without_price(settings.card, target)
    if settings.file is None:
        raise UsageError("there is no costspan.yaml to write to")
    overlay = {"provider": _provider(repricing, model, request.get("provider")), "model": model, "alias_of": target}
    repricing.refuse_unfinished()
    append_overlay(settings.file, overlay)
    scope = Scope(ALL_TIME, (Filter("model", model),))
    return {"action": "map", "file": str(settings.file), "overlay": overlay} | applied_document(
        repricing.apply(scope, scope_words(scope))
    )


def _model(card: RateCard, found: UnpricedModel) -> dict[str, Any]:
    listed_by = provider_id(found.provider, card.profiles, card.overlay_providers)
    near = nearest_names(found.model, [listed_by]) if found.model and listed_by else []
    near = near or (nearest_names(found.model) if found.model else [])
    return {
        "model": found.model,
        "provider": found.provider,
        "price_status": found.price_status,
        "reason": found.reason,
        "calls": found.calls,
        "tokens": found.tokens,
        "first_seen": iso(found.first_seen),
        "last_seen": iso(found.last_seen),
        "nearest": [f"{provider}/{name}" for provider, name in near],
    }


def _text(request: Mapping[str, Any], key: str) -> str:
    value = request.get(key)
    if not isinstance(value, str) or not value.strip():
        raise UsageError(f"{key} is missing: the model as sent, and to: provider/model")
    return value.strip()


def _refuse_without_price(card: RateCard, target: str) -> None:
    provider, slash, model = target.partition("/")
    if not slash:
        raise UsageError(f"to is provider/model, for instance openai/gpt-5, not {target!r}")
    found = match(card, provider, (model,))
    if isinstance(found, str):
        near = ", ".join(f"{listed_by}/{name}" for listed_by, name in nearest_names(model))
        raise UsageError(f"{target} has no price itself ({found})" + (f"; did you mean {near}?" if near else ""))


def _provider(repricing: Repricing, model: str, named: object) -> str:
    providers = {each.provider for each in repricing.unpriced(ALL_TIME) if each.model == model}
    if not providers:
        raise UsageError(f"no call without a price names the model {model!r}; see costspan prices unpriced")
    if isinstance(named, str) and named.strip():
        return named.strip()
    if len(providers) > 1 or None in providers:
        said = ", ".join(sorted(each or "(none named)" for each in providers))
        raise UsageError(f"say with provider whose calls are meant; calls to {model} name: {said}")
    return str(providers.pop())
