"""Prices the bill shows and our lists have not, as entries for `prices:` of a costspan.yaml. A person decides."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from costspan.core.call import STANDARD_MODE
from costspan.core.money import PICO_PER_USD
from costspan.core.units import PRICED_AS, TOKEN_UNITS, Unit
from costspan.pricing.rate_card import PER
from costspan.server.reconciliation.price_gap import BilledPrice
from costspan.server.reconciliation.rates import CardRates

FEWEST_DAYS: Final = 3
"""Days a price must hold before it is proposed."""
_WORTH: Final = Fraction(1, 100)
"""The part of a model's bill that a wrong price must make."""
_SPREAD: Final = 0.005
_EXACT_ENOUGH: Final = Fraction(5, 10_000)
_MODES: Final = ("batch", "flex", "priority")


@dataclass(frozen=True, slots=True)
class Proposal:
    """One entry of `prices:`, and what it changes in the period, in pico-dollars."""

    entry: Mapping[str, Any]
    amount: int


def proposals(
    provider: str, prices: Iterable[BilledPrice], billed: Mapping[str, int], card: CardRates
) -> list[Proposal]:
    """Return entries for the models whose price was another one for days; `billed` is what each model cost.

    An entry replaces a model's whole price, so it names the units that were right, too.
    """
    by_model: dict[str, list[BilledPrice]] = defaultdict(list)
    for price in prices:
        is_steady = price.days >= FEWEST_DAYS and price.spread <= _SPREAD
        if is_steady and price.billed_price > 0 and price.unit in PER:
            by_model[price.model].append(price)
    found = []
    for model, steady in sorted(by_model.items()):
        amount = sum(price.amount for price in steady)
        if abs(amount) > _WORTH * abs(billed.get(model, 0)):
            since = min(price.since for price in steady)
            found.append(Proposal(dict(_entry(provider, model, steady, since, card)), amount))
    return found


def yaml_of(found: Iterable[Proposal]) -> str:
    """Return the entries as they are written in a costspan.yaml; each line is YAML's flow style."""
    lines = [f"  - {_flow(each.entry)}" for each in found]
    return "\n".join(["prices:", *lines]) + "\n" if lines else ""


def _entry(
    provider: str, model: str, steady: list[BilledPrice], since: date, card: CardRates
) -> Iterator[tuple[str, Any]]:
    changed = {(price.mode or STANDARD_MODE, price.unit): price.billed_price for price in steady}
    yield "provider", provider
    yield "model", model
    yield "from", since.isoformat()
    yield from _prices(model, STANDARD_MODE, since, changed, card).items()
    modes = {mode: _prices(model, mode, since, changed, card) for mode in _MODES}
    if said := {mode: prices for mode, prices in modes.items() if prices and _is_own(model, mode, since, card)}:
        yield "modes", said
    yield "basis", "published" if all(price.is_list for price in steady) else "contract"
    yield "source", f"{provider}'s bill, {since:%Y-%m}"


def _prices(
    model: str, mode: str, day: date, changed: Mapping[tuple[str, Unit], Fraction], card: CardRates
) -> dict[str, str]:
    found = {}
    for unit in TOKEN_UNITS:
        listed = card.rate(model, mode, unit, day)
        price = changed.get((mode, unit), listed.list_price if listed else None)
        if price is not None and ((mode, unit) in changed or _is_named(model, mode, unit, day, card)):
            found[unit.value] = _text(price * PER[unit] / PICO_PER_USD)
    return found


def _is_named(model: str, mode: str, unit: Unit, day: date, card: CardRates) -> bool:
    """Return whether a rate is worth a place of its own: not just that of the unit it is a part of."""
    parent = PRICED_AS.get(unit)
    return parent is None or card.rate(model, mode, unit, day) != card.rate(model, mode, parent, day)


def _is_own(model: str, mode: str, day: date, card: CardRates) -> bool:
    """Return whether a mode has prices of its own, and not the standard ones."""
    return card.rate(model, mode, Unit.OUTPUT, day) != card.rate(model, STANDARD_MODE, Unit.OUTPUT, day)


def _text(price: Fraction) -> str:
    """Return the shortest decimal that is the price within what amounts of a bill are rounded by."""
    for places in range(13):
        rounded = round(price * 10**places)
        if rounded and abs(Fraction(rounded, 10**places) - price) <= price * _EXACT_ENOUGH:
            return f"{Decimal(rounded).scaleb(-places):f}"
    return f"{Decimal(price.numerator) / Decimal(price.denominator):f}"


def _flow(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_flow(each)}" for key, each in value.items()) + "}"
    return json.dumps(value, ensure_ascii=False)
