"""Sums of a call's charges by the classes people ask for: input, cache, output, fees."""

from __future__ import annotations

from dataclasses import dataclass

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


def charge_classes(priced: PricedUsage) -> ChargeClasses:
    """Return the call's cost by class. The classes `input`, `output` and `fee` sum to the call's cost."""
    if priced.cost is None:
        return ChargeClasses()
    by_unit = {charge.unit: charge.cost for charge in priced.charges}
    tokens_in = sum(by_unit.get(unit, 0) for unit in INPUT_UNITS)
    tokens_out = sum(by_unit.get(unit, 0) for unit in OUTPUT_UNITS)
    return ChargeClasses(
        input=tokens_in,
        cache_read=sum(by_unit.get(unit, 0) for unit in CACHE_READ_UNITS),
        cache_write=sum(by_unit.get(unit, 0) for unit in CACHE_WRITE_UNITS),
        output=tokens_out,
        fee=priced.cost - tokens_in - tokens_out,
    )
