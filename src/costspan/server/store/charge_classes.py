"""Sums of a call's charges by the classes people ask for: input, cache, output, fees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from costspan.core.charge import PricedUsage
from costspan.core.units import CACHE_READ_UNITS, CACHE_WRITE_UNITS, INPUT_UNITS, OUTPUT_UNITS


@dataclass(frozen=True, slots=True)
class ChargeClasses:
    """Effective cost by class in pico-dollars; all None where the call has no cost. `input` contains both caches."""

    input: int | None = None
    cache_read: int | None = None
    cache_write: int | None = None
    output: int | None = None
    fee: int | None = None
    total: int | None = None


_NOTHING: Final = ChargeClasses()
_INPUT: Final = frozenset(INPUT_UNITS)
_OUTPUT: Final = frozenset(OUTPUT_UNITS)
_CACHE_READ: Final = frozenset(CACHE_READ_UNITS)
_CACHE_WRITE: Final = frozenset(CACHE_WRITE_UNITS)


def charge_classes(priced: PricedUsage) -> ChargeClasses:
    """Return the call's cost by class. The classes `input`, `output` and `fee` sum to the call's cost."""
    cost = priced.cost
    if cost is None:
        return _NOTHING
    tokens_in = tokens_out = cache_read = cache_write = 0
    for charge in priced.charges:
        unit = charge.unit
        if unit in _INPUT:
            tokens_in += charge.cost
            if unit in _CACHE_READ:
                cache_read += charge.cost
            elif unit in _CACHE_WRITE:
                cache_write += charge.cost
        elif unit in _OUTPUT:
            tokens_out += charge.cost
    return ChargeClasses(
        input=tokens_in,
        cache_read=cache_read,
        cache_write=cache_write,
        output=tokens_out,
        fee=cost - tokens_in - tokens_out,
        total=cost,
    )
