"""What one unit costs in our books: as the ledger charged it that day, else on the nearest day, else by the card."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from fractions import Fraction
from types import MappingProxyType
from typing import Final

from costspan.core.call import STANDARD_MODE
from costspan.core.units import PRICED_AS, Unit
from costspan.core.usage import Usage
from costspan.pricing.price_call import price_usage
from costspan.pricing.rate_card import RateCard

_SAMPLE: Final = 100_000
"""Units that are priced to find out a rate: below the context bands of every provider, and exact in pico-dollars."""
_SAMPLE_MODEL: Final = Usage({Unit.INPUT: 1})


@dataclass(frozen=True, slots=True)
class Rate:
    """Pico-dollars for one unit: as published, and after contract overlays."""

    list_price: Fraction
    price: Fraction


FREE: Final = Rate(Fraction(0), Fraction(0))
Cell = tuple[str, Unit]
"""Mode and unit."""


class CardRates:
    """A price card asked for single rates; answers are remembered."""

    def __init__(self, card: RateCard, provider: str, models: Mapping[str, str] = MappingProxyType({})) -> None:
        """`models` says which model of the ledger a billed name is, where no list knows it."""
        self._models = models
        self._card = card
        self._provider = provider
        self._known: dict[tuple[str, str, Unit, date], Rate | None] = {}
        self._names: dict[str, str] = {}

    def listed_name(self, model: str, day: date) -> str:
        """Return the name under which the ledger books a billed model; the name itself where no list has it."""
        if model in self._models:
            return self._models[model]
        if model not in self._names:
            found = price_usage(self._card, _SAMPLE_MODEL, provider=self._provider, models=[model], at=_noon(day))
            self._names[model] = found.model or model
        return self._names[model]

    def rate(self, model: str, mode: str, unit: Unit, day: date) -> Rate | None:
        """Return the rate that holds on a day, None where none is listed."""
        key = model, mode, unit, day
        if key not in self._known:
            self._known[key] = self._ask(model, mode, unit, day)
        return self._known[key]

    def _ask(self, model: str, mode: str, unit: Unit, day: date) -> Rate | None:
        usage = Usage({unit: _SAMPLE})
        priced = price_usage(self._card, usage, provider=self._provider, models=[model], mode=mode, at=_noon(day))
        for charge in priced.charges:
            if charge.unit is unit:
                return Rate(Fraction(charge.list_cost, charge.quantity), Fraction(charge.cost, charge.quantity))
        return None


class GroupRates:
    """The rates of one model in one scope, from what the ledger charged: cell -> quantity, list cost, cost by day."""

    def __init__(
        self, model: str, charged: Mapping[date, Mapping[Cell, tuple[int, int, int]]], card: CardRates
    ) -> None:
        self._model = model
        self._card = card
        self._own: dict[Cell, dict[date, Rate]] = {}
        for day, cells in charged.items():
            for cell, (quantity, list_cost, cost) in cells.items():
                if quantity:
                    rate = Rate(Fraction(list_cost, quantity), Fraction(cost, quantity))
                    self._own.setdefault(cell, {})[day] = rate
        self._found: dict[tuple[date, Cell], Rate] = {}

    def at(self, day: date, cell: Cell) -> Rate:
        """Return what the ledger charges, or would, for one unit on a day."""
        key = day, cell
        if key not in self._found:
            self._found[key] = self._find(day, cell)
        return self._found[key]

    def _find(self, day: date, cell: Cell) -> Rate:
        mode, unit = cell
        own = self._own.get(cell)
        if own:
            return own.get(day) or own[min(own, key=lambda each: abs((each - day).days))]
        if listed := self._card.rate(self._model, mode, unit, day):
            return listed
        for near in ((mode, PRICED_AS.get(unit, unit)), (STANDARD_MODE, unit)):
            if near != cell:
                return self._find(day, near)
        return FREE


def _noon(day: date) -> datetime:
    return datetime.combine(day, time(12), UTC)
