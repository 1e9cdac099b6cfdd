"""Rules every row of the catalogue and the patches must obey; behind `costspan prices check` and the tests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Final

from costspan.core.call import STANDARD_MODE
from costspan.core.units import TOKEN_UNITS, Unit
from costspan.pricing.load import CATALOGUE, built_in, patched, profiles
from costspan.pricing.rate_card import PriceEntry, RateRow
from costspan.pricing.timeline import piece

_TOKEN_RANGE: Final = (Decimal("0.0005"), Decimal(1000))
_FEE_RANGE: Final = (Decimal("0.001"), Decimal(250))
"""USD per million tokens, and per thousand (an hour, an image): three zeros too many or too few fall outside."""

_AS_PUBLISHED: Final = {
    "anthropic/claude-3-haiku": "published as 0.30 and 0.50 before the fixed multiples of the input price",
    "openrouter/~deepseek/deepseek-pro-latest": "a moving route: each price is that of the host it picks",
}
"""Rows that break a rule because the provider does, and why that is known."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to look at. An error breaks a rule; a note is worth knowing, such as a price that starts in future."""

    error: bool
    place: str
    text: str


def check_catalogue(now: datetime, catalogue: Path = CATALOGUE) -> list[Finding]:
    """Return every finding in a catalogue (default: the built-in one) and the patches, errors first."""
    found: list[Finding] = []
    for provider in sorted(profiles(catalogue)):
        for listed in (built_in(provider, catalogue), patched(provider, catalogue)):
            for entry in listed.entries if listed else ():
                found += check_entry(entry, now)
    return sorted(found, key=lambda each: (not each.error, each.place))


def check_entry(entry: PriceEntry, now: datetime) -> Iterator[Finding]:
    """Yield what is wrong or notable with one entry."""
    place = f"{entry.provider}/{entry.model} ({entry.layer})"
    for row in entry.rows:
        if not row.source or not row.checked:
            yield Finding(True, place, "a rate without source or without the date it was checked")
        if row.absolute and not row.prices and not row.free:
            yield Finding(True, place, "a rate without prices")
        if row.valid_from is not None and row.valid_from > now:
            yield Finding(False, place, f"{row.mode} price starts in future, on {row.valid_from:%Y-%m-%d}")
        yield from _sizes(row, place)
        yield from _relations(entry, row, place)
    yield from _overlaps(entry, place)


def _sizes(row: RateRow, place: str) -> Iterator[Finding]:
    for unit, prices in row.prices.items():
        least, most = _TOKEN_RANGE if unit in TOKEN_UNITS else _FEE_RANGE
        for price in prices:
            if price and not least <= price <= most:
                yield Finding(True, place, f"{unit} price {price} is outside {least} to {most}: a slip of unit?")


def _relations(entry: PriceEntry, row: RateRow, place: str) -> Iterator[Finding]:
    as_published = f"{entry.provider}/{entry.model}" in _AS_PUBLISHED
    for band, full in enumerate(() if as_published else row.prices.get(Unit.INPUT, ())):
        read = _of(row, Unit.CACHE_READ, band)
        if read is not None and read > full:
            yield Finding(True, place, f"cached input {read} costs more than input {full}")
        if entry.provider == "anthropic":
            for unit, times in ((Unit.CACHE_WRITE_5M, Decimal("1.25")), (Unit.CACHE_WRITE_1H, Decimal(2))):
                write = _of(row, unit, band)
                if write is not None and write != full * times:
                    yield Finding(True, place, f"{unit} {write} is not {times} x input {full}")
    if row.mode == "batch":
        yield from _batch(entry, row, place)


def _batch(entry: PriceEntry, row: RateRow, place: str) -> Iterator[Finding]:
    for other in entry.rows:
        if other.mode == STANDARD_MODE and other.absolute and _meet(row, other):
            for unit, prices in row.prices.items():
                standard = other.prices.get(unit)
                if standard and prices[0] > standard[0]:
                    yield Finding(True, place, f"batch {unit} {prices[0]} costs more than standard {standard[0]}")


def _overlaps(entry: PriceEntry, place: str) -> Iterator[Finding]:
    for mode in dict.fromkeys(row.mode for row in entry.rows):
        spans = [piece(row.valid_from, row.valid_to, row) for row in entry.rows if row.mode == mode and not row.window]
        for first, second in pairwise(sorted(spans, key=lambda each: each.start_ns)):
            if second.start_ns < first.end_ns:
                yield Finding(True, place, f"two {mode} rates hold at the same time")


def _of(row: RateRow, unit: Unit, band: int) -> Decimal | None:
    prices: Sequence[Decimal] = row.prices.get(unit, ())
    return prices[band] if band < len(prices) else None


def _meet(first: RateRow, second: RateRow) -> bool:
    one, other = piece(first.valid_from, first.valid_to, first), piece(second.valid_from, second.valid_to, second)
    return one.start_ns < other.end_ns and other.start_ns < one.end_ns
