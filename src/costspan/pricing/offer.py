"""What a price list offers for a model over time in one mode: rows of all layers painted into one timeline.

Published lists first (built-in, then patches), then what is owed after overlays. `compiled` turns it into numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from costspan.core.call import STANDARD_MODE
from costspan.core.units import Unit
from costspan.pricing.match import Match, match
from costspan.pricing.rate_card import PriceEntry, RateCard, RateRow, Window
from costspan.pricing.timeline import Piece, Timeline, clipped, crossed, paint, piece

Steps = tuple[tuple[int, Decimal], ...]
"""A price as steps: from more than so many input tokens on, this price. The first step is over 0 tokens."""

_MAX_ALIAS_DEPTH: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """The prices of one moment: `mode` is the one the list has, standard where it has none of the asked name.

    `overlay` offers are whole: a cache rate they do not name is not taken from input.
    """

    entry: PriceEntry
    row: RateRow
    mode: str
    prices: Mapping[Unit, Steps]
    windows: tuple[tuple[Window, Offer], ...] = ()
    overlay: bool = False
    free: bool = False


def published(card: RateCard, entries: Sequence[PriceEntry], mode: str, depth: int = 0) -> Timeline[Offer]:
    """Return what the published lists say; a mode the list does not have at a moment is offered as standard."""
    standard = _painted(card, entries, STANDARD_MODE, depth)
    if mode == STANDARD_MODE:
        return standard
    return crossed(standard, _painted(card, entries, mode, depth), _mode_over_standard)


def effective(card: RateCard, found: Match, mode: str, listed: Timeline[Offer]) -> Timeline[Offer]:
    """Return what is owed after overlays: `listed` with every overlay row laid over its interval."""
    result = listed
    for entry in found.overlays:
        for row in (*_of_mode(entry, STANDARD_MODE), *(_of_mode(entry, mode) if mode != STANDARD_MODE else ())):
            place = piece(row.valid_from, row.valid_to, row)
            for part in _overlaid(card, entry, row, mode, clipped(listed, place)):
                result = paint(result, part)
    return result


def _of_mode(entry: PriceEntry, mode: str) -> tuple[RateRow, ...]:
    return tuple(row for row in entry.rows if row.mode == mode)


def _overlaid(
    card: RateCard, entry: PriceEntry, row: RateRow, mode: str, listed: Timeline[Offer]
) -> Sequence[Piece[Offer]]:
    if row.absolute:
        offer = replace(_offer(entry, row), overlay=True)
        return [piece(row.valid_from, row.valid_to, offer)]
    source = _target(card, entry, row, mode, depth=0) if row.alias_of else listed
    factor = Decimal(1) if row.multiply is None else row.multiply
    return [Piece(each.start_ns, each.end_ns, _scaled(each.held, factor, entry, row)) for each in source]


def _painted(card: RateCard, entries: Sequence[PriceEntry], mode: str, depth: int) -> Timeline[Offer]:
    result: Timeline[Offer] = ()
    for entry in entries:
        for row in entry.rows:
            if row.alias_of:
                for part in _target(card, entry, row, mode, depth):
                    moved = replace(part.held, entry=replace(part.held.entry, layer=entry.layer))
                    result = paint(result, Piece(part.start_ns, part.end_ns, moved))
            elif row.mode == mode and row.window is None:
                result = paint(result, piece(row.valid_from, row.valid_to, _offer(entry, row)))
        for row in entry.rows:
            if row.mode == mode and row.window is not None:
                place = piece(row.valid_from, row.valid_to, _offer(entry, row))
                for part in clipped(result, place):
                    within = replace(part.held, windows=(*part.held.windows, (row.window, place.held)))
                    result = paint(result, Piece(part.start_ns, part.end_ns, within))
    return result


def _target(card: RateCard, entry: PriceEntry, row: RateRow, mode: str, depth: int) -> Timeline[Offer]:
    if row.alias_of is None or depth >= _MAX_ALIAS_DEPTH:
        return ()
    found = match(card, row.alias_of.provider, (row.alias_of.model,))
    if isinstance(found, str):
        return ()
    others = tuple(each for each in found.published if each is not entry)
    return clipped(published(card, others, mode, depth + 1), piece(row.valid_from, row.valid_to, row))


def _offer(entry: PriceEntry, row: RateRow) -> Offer:
    edges = (0, *row.over_input_tokens)
    steps = {unit: tuple(zip(edges, prices, strict=False)) for unit, prices in row.prices.items()}
    return Offer(entry=entry, row=row, mode=row.mode, prices=MappingProxyType(steps), free=row.free)


def _mode_over_standard(standard: Offer | None, special: Offer | None) -> Offer | None:
    if special is None or standard is None or special.mode == STANDARD_MODE:
        return special if standard is None else standard
    windows = tuple((window, _with_mode(offer, special)) for window, offer in standard.windows)
    return replace(_with_mode(standard, special), windows=windows)


def _with_mode(standard: Offer, special: Offer) -> Offer:
    return replace(special, prices=MappingProxyType({**standard.prices, **special.prices}))


def _scaled(offer: Offer, factor: Decimal, entry: PriceEntry, row: RateRow) -> Offer:
    prices = {unit: tuple((over, price * factor) for over, price in steps) for unit, steps in offer.prices.items()}
    windows = tuple((window, _scaled(each, factor, entry, row)) for window, each in offer.windows)
    said = replace(offer.row, basis=row.basis, source=row.source, checked=row.checked)
    held = replace(offer.entry, layer=entry.layer)
    return replace(offer, entry=held, row=said, prices=MappingProxyType(prices), windows=windows)
