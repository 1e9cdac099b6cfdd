"""What one catalogue says otherwise than another, model by model, and which of it a person has to look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Final

from costspan.pricing.load import built_in, profiles
from costspan.pricing.rate_card import RateRow

LARGEST_FACTOR: Final = 3
"""A published price rarely triples or falls to a third: beyond that it is a slip of unit until somebody approves it."""

Place = tuple[str, str, str, str, str, int]
"""Mode, from, to, hours, unit, context band."""


@dataclass(frozen=True, slots=True)
class ModelDifference:
    """One model, `provider/model`: added, removed or changed; `prices` are (place, old, new), None where not listed."""

    model: str
    kind: str
    prices: tuple[tuple[str, Decimal | None, Decimal | None], ...] = ()
    alarm: str | None = None
    """Why it needs approval; None where it needs none."""


def differences(old: Path, new: Path) -> list[ModelDifference]:
    """Return the models that differ between two catalogue folders, in order of their names."""
    before, after = _models(old), _models(new)
    found = []
    for model in sorted(before.keys() | after.keys()):
        if model not in before:
            found.append(ModelDifference(model, "added"))
        elif model not in after:
            found.append(ModelDifference(model, "removed", alarm="the model is gone"))
        elif before[model] != after[model]:
            found.append(_changed(model, before[model], after[model]))
    return found


def _changed(model: str, before: Mapping[Place, Decimal], after: Mapping[Place, Decimal]) -> ModelDifference:
    places = [place for place in {**before, **after} if before.get(place) != after.get(place)]
    prices = tuple((_said(place), before.get(place), after.get(place)) for place in places)
    return ModelDifference(model, "changed", prices, _alarm(before, after))


def _alarm(before: Mapping[Place, Decimal], after: Mapping[Place, Decimal]) -> str | None:
    old, new = _latest(before), _latest(after)
    pairs = [(_said(place), before[place], after[place]) for place in before if place in after]
    pairs += [(" ".join(map(str, key)), old[key], new[key]) for key in old if key in new]
    for place, was, now in pairs:
        if was != now and not was * LARGEST_FACTOR >= now >= was / LARGEST_FACTOR:
            return f"{place}: {was:f} to {now:f}, more than {LARGEST_FACTOR} times"
    gone = [key for key in old if key not in new]
    return f"{' '.join(map(str, gone[0]))}: no price any more" if gone else None


def _latest(prices: Mapping[Place, Decimal]) -> dict[tuple[str, str, int], Decimal]:
    """Return the price that holds last, by mode, unit and band."""
    ordered = sorted(prices, key=lambda place: place[1])
    return {
        (mode, unit, band): prices[mode, start, end, hours, unit, band]
        for mode, start, end, hours, unit, band in ordered
    }


def _models(catalogue: Path) -> dict[str, dict[Place, Decimal]]:
    return {
        f"{provider}/{entry.model}": {place: price for row in entry.rows for place, price in _prices(row)}
        for provider in profiles(catalogue)
        if (listed := built_in(provider, catalogue))
        for entry in listed.entries
    }


def _prices(row: RateRow) -> list[tuple[Place, Decimal]]:
    start, end = (f"{moment:%Y-%m-%d}" if moment else "" for moment in (row.valid_from, row.valid_to))
    hours = f"{row.window.starts}-{row.window.ends}" if row.window else ""
    edges = (0, *row.over_input_tokens)
    return [
        ((row.mode, start, end, hours, str(unit), edge), price)
        for unit, steps in row.prices.items()
        for edge, price in zip(edges, steps, strict=False)
    ]


def _said(place: Place) -> str:
    mode, start, end, hours, unit, band = place
    parts = [
        mode,
        unit,
        f"from {start}" if start else "",
        f"to {end}" if end else "",
        hours,
        f"over {band}" if band else "",
    ]
    return " ".join(part for part in parts if part)
