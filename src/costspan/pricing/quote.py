"""`costspan.price`: what one usage costs, asked from a program or a notebook."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from types import MappingProxyType
from typing import Final

from costspan.core.call import STANDARD_MODE
from costspan.core.charge import PricedUsage
from costspan.core.clock import system_clock
from costspan.core.errors import UsageError
from costspan.core.units import Unit
from costspan.core.usage import Usage
from costspan.pricing.load import load_rate_card
from costspan.pricing.price_call import price_usage
from costspan.pricing.rate_card import RateCard

_SPOKEN: Final[Mapping[str, Unit]] = MappingProxyType(
    {
        "input_tokens": Unit.INPUT,
        "cache_read_tokens": Unit.CACHE_READ,
        "cache_write_tokens": Unit.CACHE_WRITE_5M,
        "output_tokens": Unit.OUTPUT,
        "reasoning_tokens": Unit.REASONING,
    }
)
QUANTITIES: Final[Mapping[str, Unit]] = MappingProxyType({**_SPOKEN, **{unit.value: unit for unit in Unit}})
"""The keywords `price` takes. All are disjoint: `input_tokens` are uncached, `output_tokens` without reasoning."""


def price(
    model: str,
    *,
    provider: str | None = None,
    mode: str = STANDARD_MODE,
    at: datetime | None = None,
    **quantities: int,
) -> PricedUsage:
    """Return what a usage of `model` costs at published prices, now or at a past moment, and why.

    Quantities are disjoint: `input_tokens` (not cached), `cache_read_tokens`, `cache_write_tokens` (kept 5 minutes),
    `output_tokens`, `reasoning_tokens`, and the name of every `Unit`. A date without time zone is UTC.
    An unknown model is an answer (`status` unpriced, `cost` None), not an error. Raises UsageError for an unknown
    keyword or a quantity that is no whole number.
    """
    moment = system_clock() if at is None else at
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return price_usage(default_card(), _usage(quantities), provider=provider, models=(model,), mode=mode, at=moment)


@cache
def default_card() -> RateCard:
    """Return the built-in rate card, loaded once."""
    return load_rate_card()


def _usage(quantities: Mapping[str, int]) -> Usage:
    summed: dict[Unit, int] = {}
    for name, quantity in quantities.items():
        if name not in QUANTITIES:
            raise UsageError(f"price() does not know {name!r}; quantities are {', '.join(QUANTITIES)}")
        if isinstance(quantity, bool) or not isinstance(quantity, int) or quantity < 0:
            raise UsageError(f"{name} is a whole number of units, not {quantity!r}")
        unit = QUANTITIES[name]
        summed[unit] = summed.get(unit, 0) + quantity
    return Usage(summed)
