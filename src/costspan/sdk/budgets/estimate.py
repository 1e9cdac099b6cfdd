"""What a call may cost, before it is made: worked out from its tokens, or as calls cost lately."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from costspan.core.clock import system_clock
from costspan.core.errors import UsageError
from costspan.core.money import PICO_PER_USD, PicoUsd, nearest_pico_from_float, pico_from_usd
from costspan.core.units import Unit
from costspan.core.usage import Usage
from costspan.pricing.price_call import price_usage
from costspan.pricing.quote import default_card

ASSUMED_TOKENS: Final = 1_000
"""Input and output of a call of which nothing is said, before any call was made."""
ASSUMED_COST: Final = PicoUsd(PICO_PER_USD // 100)
"""One cent: a call to a model that no price list names, before any call was made."""

Usd = Decimal | str | int | float


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What is known of a call before it is made."""

    model: str | None = None
    provider: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    """The most it may answer."""


def estimate(ask: Ask, recent: int | None) -> int:
    """Return pico-dollars: by tokens where both sides are known, else the `recent` average, else by assumed tokens."""
    if ask.model and ask.input_tokens is not None and ask.output_tokens is not None:
        cost = _priced(ask)
        if cost is not None:
            return cost
    if recent is not None:
        return recent
    cost = _priced(ask) if ask.model else None
    return ASSUMED_COST if cost is None else cost


def pico(amount: Usd, name: str, *, zero: bool = False) -> PicoUsd:
    """Return an amount in US dollars as money. Raise UsageError, naming the argument, unless it is positive."""
    try:
        money = nearest_pico_from_float(amount) if isinstance(amount, float) else pico_from_usd(amount)
    except (ValueError, TypeError, ArithmeticError):
        money = PicoUsd(-1)
    if money < 0 or (money == 0 and not zero):
        raise UsageError(f"{name} is a positive amount of US dollars, not {amount!r}")
    return money


def _priced(ask: Ask) -> int | None:
    quantities = {
        Unit.INPUT: ASSUMED_TOKENS if ask.input_tokens is None else ask.input_tokens,
        Unit.OUTPUT: ASSUMED_TOKENS if ask.output_tokens is None else ask.output_tokens,
    }
    usage = Usage({unit: max(quantity, 0) for unit, quantity in quantities.items()})
    models = (ask.model,) if ask.model else ()
    return price_usage(default_card(), usage, provider=ask.provider, models=models, at=system_clock()).cost
