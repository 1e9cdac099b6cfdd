"""Every rate of a rate card as plain documents: what `prices list` prints, `prices export` writes and the API sends."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from costspan.core.errors import UsageError
from costspan.core.period import iso
from costspan.core.units import Unit
from costspan.pricing.providers import provider_id
from costspan.pricing.rate_card import PER, Layer, PriceEntry, RateCard, RateRow


def rate_documents(card: RateCard, provider: str | None = None, model: str | None = None) -> list[dict[str, Any]]:
    """Return the rates of one provider or all, of models whose name contains `model`, layer by layer.

    Prices are decimal text for `per` units; several where they depend on the size of the input. Raise UsageError for
    a provider without a price list.
    """
    return [_document(entry, row) for entry, row in _rows(card, provider, model)]


def last_checked(card: RateCard) -> datetime | None:
    """Return the day on which a rate of the card was last checked against its source, None where none says one."""
    days = [row.checked for _, row in _rows(card, None, None) if row.checked]
    return datetime.fromisoformat(max(days)).replace(tzinfo=UTC) if days else None


def _rows(card: RateCard, provider: str | None, model: str | None) -> Iterator[tuple[PriceEntry, RateRow]]:
    known = card.profiles.keys() | card.overlay_providers
    chosen = provider_id(provider, card.profiles, card.overlay_providers) if provider else None
    if provider and chosen not in known:
        raise UsageError(f"no price list of {provider!r}; there are {', '.join(sorted(known))}")
    for each in [chosen] if chosen else sorted(known):
        for layer in Layer:
            listed = card.listed(layer, each)
            for entry in listed.entries if listed else ():
                if not model or model.lower() in entry.model.lower():
                    yield from ((entry, row) for row in entry.rows)


def _document(entry: PriceEntry, row: RateRow) -> dict[str, Any]:
    taken = "free" if row.free else f"as {row.alias_of.provider}/{row.alias_of.model}" if row.alias_of else None
    if row.multiply is not None:
        taken = f"list price x {row.multiply:f}"
    return {
        "provider": entry.provider,
        "model": entry.model,
        "mode": row.mode,
        "valid_from": iso(row.valid_from) if row.valid_from else None,
        "valid_to": iso(row.valid_to) if row.valid_to else None,
        "over_input_tokens": [0, *row.over_input_tokens],
        "prices": {str(unit): [f"{price:f}" for price in steps] for unit, steps in row.prices.items()},
        "per": {str(unit): PER[Unit(unit)] for unit in row.prices},
        "from_model": taken,
        "layer": str(entry.layer),
        "basis": row.basis,
        "source": row.source,
        "checked": row.checked,
        "reason": row.reason,
    }
