"""Sums of a call's charges by the classes people ask for: input, cache, output, fees."""

from __future__ import annotations

from typing import Final, NamedTuple

from costspan.core.charge import PricedUsage
from costspan.core.units import CACHE_READ_UNITS, CACHE_WRITE_UNITS, FEE_UNITS, INPUT_UNITS, OUTPUT_UNITS, Unit


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
_CLASSES: Final[dict[Unit, int]] = {
    **dict.fromkeys(INPUT_UNITS, 0),
    **dict.fromkeys(CACHE_READ_UNITS, 1),
    **dict.fromkeys(CACHE_WRITE_UNITS, 2),
    **dict.fromkeys(OUTPUT_UNITS, 3),
    **dict.fromkeys(FEE_UNITS, 4),
}


def charge_classes(priced: PricedUsage) -> ChargeClasses:
    """Return the call's cost by class. The classes `input`, `output` and `fee` sum to the call's cost."""
    if not priced.status.has_cost:
        return _NOTHING
    sums, listed = [0, 0, 0, 0, 0], 0
    for unit, _, _, _, list_cost, cost in priced.charges:
        listed += list_cost
        sums[_CLASSES[unit]] += cost
    fresh, cache_read, cache_write, tokens_out, fee = sums
    tokens_in = fresh + cache_read + cache_write
    return ChargeClasses(tokens_in, cache_read, cache_write, tokens_out, fee, tokens_in + tokens_out + fee, listed)
