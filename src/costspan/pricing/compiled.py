"""Offers turned into whole numbers: for one model, mode and moment a unit costs so many pico-dollars.

Built once for each (provider, models, mode) that is met, then only read: `price_call` bisects and multiplies.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Final

from costspan.core.charge import RateReference
from costspan.core.clock import NS_PER_S, utc_from_ns
from costspan.core.money import PICO_PER_USD
from costspan.core.units import PRICED_AS, Unit
from costspan.pricing.match import Match
from costspan.pricing.offer import Offer
from costspan.pricing.rate_card import PER, Layer, Window
from costspan.pricing.timeline import FIRST_NS, LAST_NS, Timeline, crossed

_CACHED: Final = (Unit.CACHE_READ, Unit.CACHE_WRITE_5M)


@dataclass(frozen=True, slots=True)
class UnitRate:
    """One unit's price: published decimal for `per` units, and pico-dollars a unit as an exact fraction.

    `numerator` over `denominator` is what is owed, `list_numerator` over `list_denominator` the published price.
    """

    price: Decimal
    per: int
    numerator: int
    denominator: int
    list_numerator: int
    list_denominator: int
    is_overlaid: bool
    """True where what is owed is not the published price."""


@dataclass(frozen=True, slots=True)
class Band:
    """The rates of one context band at one time, and the reference every charge of it carries.

    `model` is the price list's name of what was called; the reference names the row, which may stand elsewhere.
    """

    model: str
    rates: Mapping[Unit, UnitRate]
    reference: RateReference
    free: bool


@dataclass(frozen=True, slots=True)
class Bands:
    """Bands by the number of input tokens a call must exceed; the first is over none."""

    over: tuple[int, ...]
    bands: tuple[Band, ...]

    def for_context(self, input_tokens: int) -> Band:
        """Return the band of a call: a call with exactly the threshold stays below it (accounting rule 4.4)."""
        place = len(self.over) - 1
        while place and input_tokens <= self.over[place]:
            place -= 1
        return self.bands[place]


@dataclass(frozen=True, slots=True)
class Segment:
    """What holds from `start_ns` to `end_ns`; inside a window of hours its bands stand for the plain ones."""

    end_ns: int
    plain: Bands
    windows: tuple[tuple[Window, Bands], ...]
    mode: str

    def at(self, moment_ns: int) -> Bands:
        """Return the bands of a moment; of two windows the later row wins."""
        # 1970-01-01 was a Thursday, day 3.
        return self.in_week((moment_ns // (60 * NS_PER_S) + 3 * 1440) % (7 * 1440)) if self.windows else self.plain

    def in_week(self, minute_of_week: int) -> Bands:
        """Return the bands of a minute of the week, counted from Monday 00:00 UTC."""
        for window, bands in reversed(self.windows):
            if minute_of_week in window:
                return bands
        return self.plain


@dataclass(frozen=True, slots=True)
class Compiled:
    """All segments of one model in one mode, in order of time."""

    starts: tuple[int, ...]
    segments: tuple[Segment, ...]

    def at(self, moment_ns: int) -> Segment | None:
        """Return the segment a moment falls in, None in a gap."""
        place = bisect_right(self.starts, moment_ns) - 1
        if place < 0 or moment_ns >= self.segments[place].end_ns:
            return None
        return self.segments[place]


def compiled(found: Match, owed: Timeline[Offer], listed: Timeline[Offer]) -> Compiled:
    """Return `owed` as numbers, with the published price of the same moment beside each."""
    pieces = crossed(owed, listed, _beside)
    segments = []
    for each in pieces:
        effective, public = each.held
        span = (each.start_ns, each.end_ns)
        plain = _bands(found, effective, public, span, None)
        published_windows = dict(public.windows) if public else {}
        windows = tuple(
            (window, _bands(found, offer, published_windows.get(window, public), span, window))
            for window, offer in effective.windows
        )
        segments.append(Segment(each.end_ns, plain, windows, effective.mode))
    return Compiled(tuple(each.start_ns for each in pieces), tuple(segments))


def _beside(effective: Offer | None, public: Offer | None) -> tuple[Offer, Offer | None] | None:
    return None if effective is None else (effective, public)


def _bands(found: Match, effective: Offer, public: Offer | None, span: tuple[int, int], window: Window | None) -> Bands:
    offers = [offer for offer in (effective, public) if offer]
    overs = {0, *(over for offer in offers for steps in offer.prices.values() for over, _ in steps)}
    ordered = tuple(sorted(overs))
    bands = []
    for over in ordered:
        owed, listed = _prices(effective, over), _prices(public, over) if public else {}
        rates = {unit: _unit_rate(unit, price, listed.get(unit, price)) for unit, price in owed.items()}
        free = effective.free or (bool(owed) and not any(owed.values()))
        model = found.model if effective.overlay or "*" in effective.entry.model else effective.entry.model
        bands.append(Band(model, rates, _reference(found, effective, span, over, window), free))
    return Bands(ordered, tuple(bands))


def _prices(offer: Offer, over: int) -> dict[Unit, Decimal]:
    """Return a price for every unit the offer covers, its own or that of the nearest unit that covers it."""
    if offer.free:
        return dict.fromkeys(Unit, Decimal(0))
    own = {
        unit: next(price for least, price in reversed(steps) if over >= least) for unit, steps in offer.prices.items()
    }
    covered: dict[Unit, Decimal] = {}
    for unit in Unit:
        nearest = next((own[parent] for parent in _covering(unit, whole=offer.overlay) if parent in own), None)
        if nearest is not None:
            covered[unit] = nearest
    return covered


def _covering(unit: Unit, *, whole: bool) -> Iterable[Unit]:
    """Yield the units whose price covers `unit`, nearest first.

    Published lists bill cached tokens without a rate of their own as input (the rule of genai-prices, whose data they
    are); an overlay that names no cache rate leaves them unpriced. Grounded requests are priced like web searches.
    """
    yield unit
    nearest = unit
    while parent := PRICED_AS.get(nearest):
        yield parent
        nearest = parent
    if nearest in _CACHED and not whole:
        yield from (Unit.INPUT_AUDIO, Unit.INPUT) if unit is Unit.CACHE_READ_AUDIO else (Unit.INPUT,)
    if unit is Unit.GROUNDING:
        yield Unit.WEB_SEARCH


def _unit_rate(unit: Unit, price: Decimal, list_price: Decimal) -> UnitRate:
    per = PER[unit]
    owed = Fraction(price) * PICO_PER_USD / per
    listed = owed if list_price == price else Fraction(list_price) * PICO_PER_USD / per
    return UnitRate(
        price, per, owed.numerator, owed.denominator, listed.numerator, listed.denominator, is_overlaid=owed != listed
    )


def _reference(found: Match, offer: Offer, span: tuple[int, int], over: int, window: Window | None) -> RateReference:
    start = None if span[0] == FIRST_NS else utc_from_ns(span[0])
    end = None if span[1] == LAST_NS else utc_from_ns(span[1])
    entry = offer.entry
    parts = [entry.provider, entry.model, offer.mode, "always" if start is None else f"{start:%Y-%m-%dT%H:%MZ}"]
    parts += [f"over-{over}"] if over else []
    parts += [f"{window.starts // 60:02}:{window.starts % 60:02}"] if window else []
    layer = "" if entry.layer is Layer.BUILT_IN else f"@{entry.layer}"
    return RateReference(
        rate_id="/".join(parts).replace("T00:00Z", "") + layer,
        provider=entry.provider,
        model=entry.model,
        mode=offer.mode,
        matched_by=found.matched_by,
        valid_from=start,
        valid_to=end,
        source=offer.row.source,
        checked=offer.row.checked,
        layer=str(entry.layer),
    )
