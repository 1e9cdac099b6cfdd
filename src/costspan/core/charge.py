"""`Charge`: quantity x rate = cost, one line of the ledger; and the verdict a priced call carries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from costspan.core.frozen import quickly_made
from costspan.core.money import PicoUsd, usd_from_pico
from costspan.core.units import Unit


class PriceStatus(StrEnum):
    """What a call's cost rests on (accounting rule 4.7)."""

    PRICED = "priced"
    FREE = "free"
    REPORTED = "reported"
    ASSUMED = "assumed"
    PARTIAL = "partial"
    UNPRICED = "unpriced"
    INVALID_USAGE = "invalid_usage"
    USAGE_MISSING = "usage_missing"

    @property
    def has_cost(self) -> bool:
        """True when the call has a figure, 0 included. The others have none: unknown is not zero."""
        return self in _WITH_COST


_WITH_COST = frozenset(
    {PriceStatus.PRICED, PriceStatus.FREE, PriceStatus.REPORTED, PriceStatus.ASSUMED, PriceStatus.PARTIAL}
)


class Charge(NamedTuple):
    """One ledger line. `price` is what the list says for `per` units; `list_cost` the published price of the
    quantity and `cost` what is owed after contract overlays, both in pico-dollars."""

    unit: Unit
    quantity: int
    price: Decimal
    per: int
    list_cost: PicoUsd
    cost: PicoUsd


@dataclass(frozen=True, slots=True, kw_only=True)
class RateReference:
    """Which line of which price list was used, and why it was chosen."""

    rate_id: str
    provider: str
    model: str
    mode: str
    matched_by: str
    valid_from: datetime | None
    valid_to: datetime | None
    source: str
    checked: str
    layer: str = "built-in"


@quickly_made
@dataclass(frozen=True, slots=True, kw_only=True)
class PricedUsage:
    """The verdict on one call: its charges, the rate behind them, or why there is none.

    `cost`, `list_cost` and `cache_savings` are None when unknown, never 0. `provider` and `model` are the price
    list's names, or None when no list claims the model. `reason` says in words what is missing.
    """

    status: PriceStatus
    charges: tuple[Charge, ...] = ()
    rate: RateReference | None = None
    provider: str | None = None
    model: str | None = None
    unpriced_units: tuple[Unit, ...] = ()
    cache_savings: PicoUsd | None = None
    reason: str | None = None

    @property
    def cost(self) -> PicoUsd | None:
        """The effective cost, or None where there is no figure."""
        return PicoUsd(sum([charge.cost for charge in self.charges])) if self.status in _WITH_COST else None

    @property
    def cost_usd(self) -> Decimal | None:
        """The effective cost as an exact decimal of US dollars, or None where there is no figure."""
        cost = self.cost
        return None if cost is None else usd_from_pico(cost)

    @property
    def list_cost(self) -> PicoUsd | None:
        """The cost at published prices, or None where there is no figure."""
        return PicoUsd(sum([charge.list_cost for charge in self.charges])) if self.status in _WITH_COST else None
