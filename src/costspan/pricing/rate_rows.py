"""Compiled rates as flat rows, for whoever prices many calls at once by joining (accounting rule 9).

A row holds for one time, one part of the week and one context band; the rows of one (provider, models, mode) do not
overlap, so a call meets at most one of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from costspan.core.units import Unit
from costspan.pricing.compiled import Bands, Segment, UnitRate
from costspan.pricing.price_call import Names, prepared
from costspan.pricing.rate_card import RateCard

WEEK_MINUTES: Final = 7 * 1440
NO_LIMIT: Final = 2**62
"""Upper end of the last context band: more tokens than any call has."""


@dataclass(frozen=True, slots=True)
class RateBand:
    """What holds from `start_us` up to `end_us` (microseconds since 1970), from minute `week_from` (0 = Monday 00:00
    UTC) up to `week_to`, for more than `over` and at most `up_to` input tokens.

    `model` is the name of a priced call, `plain_model` of one without money. `assumed` prices are those of a near
    model or mode.
    """

    start_us: int
    end_us: int
    week_from: int
    week_to: int
    over: int
    up_to: int
    model: str
    plain_model: str
    free: bool
    assumed: bool
    rates: Mapping[Unit, UnitRate]

    @property
    def whole(self) -> bool:
        """True when every rate is whole pico-dollars a unit, so that cost is a product and nothing is rounded."""
        return all(rate.denominator == rate.list_denominator == 1 for rate in self.rates.values())


@dataclass(frozen=True, slots=True)
class RateBands:
    """All rows of one (provider, models, mode) as sent; `provider` and `model` are None where no list has it."""

    provider: str | None
    model: str | None
    bands: tuple[RateBand, ...]

    @property
    def whole(self) -> bool:
        """True when every row is."""
        return all(band.whole for band in self.bands)


def rate_bands(card: RateCard, names: Names) -> RateBands:
    """Return what `price_call` looks up for calls sent under `names`, all times and contexts at once."""
    known = prepared(card, names)
    if known.found is None or known.rates is None:
        return RateBands(None, None, ())
    rows: list[RateBand] = []
    for start_ns, segment in zip(known.rates.starts, known.rates.segments, strict=True):
        # Interval ends are whole microseconds, the ledger's own resolution; only the open ends are cut here.
        times = (start_ns // 1000, segment.end_ns // 1000)
        assumed = known.found.approximate is not None or segment.mode != known.mode
        for week, bands in _weeks(segment):
            rows += _rows(times, week, bands, segment.plain.bands[0].model, assumed=assumed)
    return RateBands(known.found.provider, known.found.model, tuple(rows))


def _rows(
    times: tuple[int, int], week: tuple[int, int], bands: Bands, plain_model: str, *, assumed: bool
) -> Iterator[RateBand]:
    edges = (-1, *bands.over[1:], NO_LIMIT)
    for (over, up_to), band in zip(pairwise(edges), bands.bands, strict=True):
        yield RateBand(*times, *week, over, up_to, band.model, plain_model, band.free, assumed, band.rates)


def _weeks(segment: Segment) -> Iterator[tuple[tuple[int, int], Bands]]:
    """Yield the parts of the week in which one price holds."""
    edges = {0, WEEK_MINUTES}
    for day in range(0, WEEK_MINUTES, 1440):
        edges |= {day + minute for window, _ in segment.windows for minute in (0, window.starts, window.ends)}
    for start, end in pairwise(sorted(edge for edge in edges if edge <= WEEK_MINUTES)):
        yield (start, end), segment.in_week(start)
