"""Which rows price a call: the provider, then the model by each name it was sent under, layer by layer.

Accounting rule 4.1 and 4.2. The answer keeps the reason, so that every figure can say why it was chosen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from costspan.pricing.names import NameForms, forms
from costspan.pricing.providers import AGGREGATORS, claimants, provider_id
from costspan.pricing.rate_card import Layer, PriceEntry, RateCard

PUBLISHED: Final = (Layer.PATCH, Layer.BUILT_IN)
OVERLAYS: Final = (Layer.PROJECT, Layer.ORGANISATION)


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """The entries that price a call, lowest layer first, and why.

    `provider` is the one called; `listed_by` the one whose published list is used, another one for a fallback (Azure
    serves OpenAI's models). `approximate` says why the published model is a near one, not the very one.
    """

    provider: str
    model: str
    published: tuple[PriceEntry, ...] = ()
    overlays: tuple[PriceEntry, ...] = ()
    listed_by: str | None = None
    matched_by: str = ""
    approximate: str | None = None


@dataclass(frozen=True, slots=True)
class _Published:
    entries: tuple[PriceEntry, ...]
    matched_by: str
    approximate: str | None = None


def match(card: RateCard, provider: str | None, models: Sequence[str]) -> Match | str:
    """Return what prices a call to `provider` under one of the names `models`, or in words why nothing does."""
    if not models:
        return "no model name"
    called = provider_id(provider, card.profiles, card.overlay_providers)
    inferred = "" if called else ", provider inferred from the model name"
    if called is None:
        called = inferred_provider(card, models)
        if called is None:
            return f"no provider named, and not exactly one provider claims {models[0]!r}"
    if called not in card.profiles and called not in card.overlay_providers:
        return f"no price list of provider {called!r}"
    listed_by, published = _published(card, called, models)
    overlays = tuple(_overlays(card, called, models, published))
    if published is None and not overlays:
        return f"no price list of {called} has a model {models[0]!r}"
    reasons = [reason for _, reason in overlays] + ([published.matched_by] if published else [])
    fallback = f", fallback {called} to {listed_by}" if published and listed_by != called else ""
    return Match(
        provider=called,
        model=_listed_name(published.entries[0] if published else overlays[-1][0], models),
        published=published.entries if published else (),
        overlays=tuple(entry for entry, _ in overlays),
        listed_by=listed_by if published else called,
        matched_by=reasons[0] + fallback + inferred,
        approximate=published.approximate if published else None,
    )


def _listed_name(entry: PriceEntry, models: Sequence[str]) -> str:
    return models[0] if "*" in entry.model else entry.model


def inferred_provider(card: RateCard, models: Sequence[str]) -> str | None:
    """Return whose the first of some model names is that exactly one provider claims; None where none is."""
    for model in models:
        found = _forms(card, "", model)
        if found.vendor and (vendor := provider_id(found.vendor, card.profiles, card.overlay_providers)):
            return vendor if vendor in card.profiles or vendor in card.overlay_providers else None
        claiming = set(claimants(found.exact, card.profiles))
        for private in card.overlay_providers:
            for layer in OVERLAYS:
                listed = card.listed(layer, private)
                if listed and listed.index.literal(found.exact):
                    claiming.add(private)
        if len(claiming) == 1:
            return claiming.pop()
    return None


def _published(card: RateCard, called: str, models: Sequence[str]) -> tuple[str, _Published | None]:
    profile = card.profiles.get(called)
    lists = (called, *(profile.fallbacks if profile else ()))
    for approximate in (False, True):
        for place, model in enumerate(models):
            asked = ", by the requested model" if place else ""
            for listed_by in lists:
                found = _in_list(card, listed_by, _forms(card, listed_by, model), approximate=approximate)
                if found:
                    return listed_by, _Published(found.entries, found.matched_by + asked, found.approximate)
    return called, None


def _in_list(card: RateCard, provider: str, names: NameForms, *, approximate: bool) -> _Published | None:
    if approximate and names.undated is None:
        return None
    tried = NameForms(names.undated, (), None, None) if approximate and names.undated else names
    patched = _in_layer(card, Layer.PATCH, provider, tried)
    built_in = _in_layer(card, Layer.BUILT_IN, provider, tried)
    entries = [built_in[0]] if built_in else []
    extension = card.listed(Layer.PATCH, provider)
    if built_in and extension:
        entries += [each for each in extension.entries if not each.names and each.model == built_in[0].model]
    entries += [patched[0]] if patched else []
    if not entries:
        return None
    reason = (patched or built_in or (None, ""))[1]
    note = f"{names.exact} is not listed: priced as {tried.exact}" if approximate else None
    return _Published(tuple(entries), f"{reason}, without its date" if approximate else reason, note)


def _in_layer(card: RateCard, layer: Layer, provider: str, names: NameForms) -> tuple[PriceEntry, str] | None:
    listed = card.listed(layer, provider)
    if listed is None:
        return None
    index = listed.index
    everything = (names.exact, *names.canonical)
    if found := index.literal(names.exact):
        return listed.entries[found[0]], found[1]
    for form in names.canonical:
        if found := index.literal(form):
            return listed.entries[found[0]], f"canonical {found[1]}"
    for test in (index.pattern, index.piece):
        for form in everything:
            if found := test(form):
                return listed.entries[found[0]], found[1]
    return None


def _overlays(
    card: RateCard, called: str, models: Sequence[str], published: _Published | None
) -> Iterator[tuple[PriceEntry, str]]:
    """Yield overlay entries from the lowest layer and widest pattern to the highest and most exact.

    An entry that names a model of the published list holds for every name that list gives it.
    """
    sent = [_forms(card, called, model) for model in models]
    names = [form for each in sent for form in (each.exact, *each.canonical)]
    if published:
        names.append(published.entries[0].model.lower())
    for layer in reversed(OVERLAYS):
        listed = card.listed(layer, called)
        if listed is None:
            continue
        wide = [entry for entry in listed.entries if any(map(entry.names.pattern, names))]
        for entry in sorted(wide, key=lambda each: len(each.model)):
            yield entry, f"overlay {entry.model}"
        for name in reversed(list(dict.fromkeys(names))):
            if found := listed.index.literal(name):
                yield listed.entries[found[0]], f"overlay {found[1]}"


def _forms(card: RateCard, provider: str, model: str) -> NameForms:
    def is_vendor(head: str) -> bool:
        vendor = provider_id(head, card.profiles, card.overlay_providers, guess=False)
        known = vendor in card.profiles or vendor in card.overlay_providers
        return known and (provider not in AGGREGATORS or vendor == provider)

    return forms(model, is_vendor)
