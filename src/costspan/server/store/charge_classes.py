"""Sums of a call's charges by the classes people ask for: input, cache, output, fees."""

from __future__ import annotations

from typing import Final, NamedTuple

from costspan.core.charge import PricedUsage
from costspan.core.units import CACHE_READ_UNITS, CACHE_WRITE_UNITS, INPUT_UNITS, OUTPUT_UNITS


class ChargeClasses(NamedTuple):
    """Effective cost by class in pico-dollars; all None where the call has no cost. `input` contains both caches."""

    input: int | None = None
    cache_read: int | None = None
    cache_write: int | None = None
    output: int | None = None
    fee: int | None = None
    total: int | None = None
    list_total: int | None = None
    """At published prices."""


_NOTHING: Final = ChargeClasses()
_INPUT: Final = frozenset(INPUT_UNITS)
_OUTPUT: Final = frozenset(OUTPUT_UNITS)
_CACHE_READ: Final = frozenset(CACHE_READ_UNITS)
_CACHE_WRITE: Final = frozenset(CACHE_WRITE_UNITS)


def charge_classes(priced: PricedUsage) -> ChargeClasses:
    """Return the call's cost by class. The classes `input`, `output` and `fee` sum to the call's cost."""
    if not priced.status.has_cost:
        return _NOTHING
    tokens_in = tokens_out = cache_read = cache_write = fee = list_total = 0
    for unit, _, _, _, list_cost, cost in priced.charges:
        list_total += list_cost
        if unit in _INPUT:
            tokens_in += cost
            if unit in _CACHE_READ:
                cache_read += cost
            elif unit in _CACHE_WRITE:
                cache_write += cost
        elif unit in _OUTPUT:
            tokens_out += cost
        else:
            fee += cost
    return ChargeClasses(tokens_in, cache_read, cache_write, tokens_out, fee, tokens_in + tokens_out + fee, list_total)
