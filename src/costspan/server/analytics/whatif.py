"""What history would have cost otherwise: under another model, in another mode, with caching. Pure functions.

An alternative is a range, between two readings of what nobody can know; what it takes for granted is written out. A
row that has no price, now or then, has none here: it is counted apart and never guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from fractions import Fraction
from typing import Final

from costspan.core.call import STANDARD_MODE
from costspan.core.charge import PricedUsage, PriceStatus
from costspan.core.units import CACHE_WRITE_UNITS, TOKEN_UNITS, Unit
from costspan.core.usage import Usage
from costspan.pricing.price_call import Names, context_breaks, prepared, price_summed
from costspan.pricing.rate_card import RateCard
from costspan.server.store.usage_history import Repeated, UsageRow

SAME_TOKENS: Final = (Fraction(1), Fraction(1))
OTHER_TOKENS: Final = (Fraction(4, 5), Fraction(5, 4))
"""How many tokens another vendor counts for one of ours: tokenizers differ by up to a quarter either way on prose and
code. Say a measured range with `tokens` where you have one."""

Priced = PricedUsage | str
"""A verdict, or why there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One of: another model (of `to_provider`, or of the one provider that claims it), another mode, caching.

    `tokens` is how many of the other model's tokens are to be expected for one, at least and at most; None takes
    SAME_TOKENS of the same vendor and OTHER_TOKENS of another.
    """

    to_model: str | None = None
    to_provider: str | None = None
    mode: str | None = None
    caches: bool = False
    tokens: tuple[Fraction, Fraction] | None = None


@dataclass(frozen=True, slots=True)
class Otherwise:
    """One row under a change, in pico-dollars: `low` and `high`, or in `why` the reason it has no figure.

    `stays` is true where the change is not for it: it costs what it did. `as_of_now` is true where the price of its day
    is not known and today's stands for it.
    """

    low: int | None = None
    high: int | None = None
    why: str | None = None
    stays: bool = False
    as_of_now: bool = False


@dataclass(frozen=True, slots=True)
class Context:
    """What rows are priced with: the card, today, and the breaks that their bands count."""

    card: RateCard
    now: datetime
    breaks: tuple[int, ...]

    def price(self, row: UsageRow, names: Names, usage: Usage, factor: Fraction = Fraction(1)) -> tuple[Priced, bool]:
        """Return the verdict on a row's calls with another usage and names; and whether today's price stood in."""
        tokens = 0 if not row.band else self.breaks[row.band - 1] + 1
        context_tokens = -(-tokens * factor.numerator // factor.denominator)
        for at in (row.hour, self.now):
            found = price_summed(self.card, names, usage, calls=row.calls, context_tokens=context_tokens, at=at)
            if found.status is not PriceStatus.UNPRICED or prepared(self.card, names).found is None:
                break
        if found.cost is None or found.status is PriceStatus.PARTIAL:
            return found.reason or "no price", False
        return found, at is self.now


def breaks_of(card: RateCard, change: Change, rows: Sequence[UsageRow]) -> tuple[int, ...]:
    """Return where calls are to be told apart by their input, so that a change prices each in its context band."""
    found: set[int] = set()
    for names in {names_of(row) for row in rows}:
        found |= context_breaks(card, names)
        if change.mode is not None:
            found |= context_breaks(card, (names[0], names[1], change.mode))
    if change.to_model is not None:
        factors = {*SAME_TOKENS, *(change.tokens or OTHER_TOKENS)}
        for mode in {row.mode for row in rows}:
            over = context_breaks(card, (change.to_provider, (change.to_model,), mode))
            found |= {each * factor.denominator // factor.numerator for each in over for factor in factors}
    return tuple(sorted(found))


def names_of(row: UsageRow) -> Names:
    """Return what a row is priced under."""
    return row.provider, row.models, row.mode


def otherwise(row: UsageRow, change: Change, within: Context) -> Otherwise:
    """Return what a row with a cost would have cost under a change."""
    if change.to_model is not None:
        return _under_model(row, change, within)
    if change.mode is not None:
        return _in_mode(row, change.mode, within)
    return _cached(row, within)


def _under_model(row: UsageRow, change: Change, within: Context) -> Otherwise:
    names: Names = (change.to_provider, (change.to_model or "",), row.mode)
    ends: list[int] = []
    stood_in = False
    for factor in change.tokens or _factors(row, names, within.card):
        usage = scaled(row.usage, factor)
        found, as_of_now = within.price(row, names, usage, factor)
        if isinstance(found, str) and usage.cache_write_tokens:
            # A provider that bills no writes takes these tokens as input.
            found, as_of_now = within.price(row, names, without_writes(usage), factor)
        if isinstance(found, str):
            return Otherwise(why=found)
        ends.append(found.cost or 0)
        stood_in |= as_of_now
    return Otherwise(min(ends), max(ends), as_of_now=stood_in)


def _factors(row: UsageRow, names: Names, card: RateCard) -> tuple[Fraction, Fraction]:
    own, other = prepared(card, names_of(row)).found, prepared(card, names).found
    is_same = own is not None and other is not None and own.listed_by == other.listed_by
    return SAME_TOKENS if is_same else OTHER_TOKENS


def scaled(usage: Usage, factor: Fraction) -> Usage:
    """Return a usage with its tokens times a factor, to the nearest whole one; what is no token stays."""
    return Usage({unit: round(quantity * factor) if unit in TOKEN_UNITS else quantity for unit, quantity in usage})


def _in_mode(row: UsageRow, mode: str, within: Context) -> Otherwise:
    if (row.mode.strip().lower() or STANDARD_MODE) == mode:
        return Otherwise(row.cost, row.cost, stays=True)
    found, as_of_now = within.price(row, (row.provider, row.models, mode), row.usage)
    if isinstance(found, str):
        return Otherwise(why=found)
    if found.rate is None or found.rate.mode != mode:
        return Otherwise(row.cost, row.cost, why=f"no {mode} price is listed", stays=True)
    cost = found.cost or 0
    # Somebody looked on while it streamed: whether it could have waited is not known.
    ends = (cost, row.cost or 0) if row.streamed else (cost, cost)
    return Otherwise(min(ends), max(ends), as_of_now=as_of_now)


def _cached(row: UsageRow, within: Context) -> Otherwise:
    """Priced by the rates that its own cost rests on, with what was repeated read from the cache and what a later call
    repeats written to it."""
    now, _ = within.price(row, names_of(row), row.usage)
    if isinstance(now, str):
        return Otherwise(why=now)
    ends = []
    for repeated in (row.repeated_least, row.repeated_most):
        found, _ = within.price(row, names_of(row), with_cache(row.usage, repeated))
        if isinstance(found, str):
            # Some providers cache by themselves and bill no writes.
            found, _ = within.price(row, names_of(row), with_cache(row.usage, replace(repeated, written=0)))
        if isinstance(found, str):
            return Otherwise(why=found)
        # The difference, so that a cost which rests on another price keeps what it was.
        ends.append((row.cost or 0) + (found.cost or 0) - (now.cost or 0))
    return Otherwise(min(ends), max(ends), stays=not row.repeated_most.read)


def without_writes(usage: Usage) -> Usage:
    """Return a usage whose tokens written to a cache are plain input."""
    moved: dict[Unit, int] = {unit: quantity for unit, quantity in usage if unit not in CACHE_WRITE_UNITS}
    moved[Unit.INPUT] = usage[Unit.INPUT] + usage.cache_write_tokens
    return Usage(moved)


def with_cache(usage: Usage, repeated: Repeated) -> Usage:
    """Return a usage of which what was repeated is read from a cache, and what it takes for that is written."""
    moved = dict(usage.quantities)
    moved[Unit.INPUT] = usage[Unit.INPUT] - repeated.read - repeated.written
    moved[Unit.CACHE_READ] = usage[Unit.CACHE_READ] + repeated.read
    moved[Unit.CACHE_WRITE_5M] = usage[Unit.CACHE_WRITE_5M] + repeated.written
    return Usage(moved)


@dataclass(frozen=True, slots=True)
class CacheEconomics:
    """What caching did, in pico-dollars: `saved` by reads, `premium` paid for writes over plain input, and of that
    `not_earned_back` for what was never read. Each is None where a price is missing."""

    saved: int | None
    premium: int | None
    not_earned_back: int | None


def cache_economics(row: UsageRow, within: Context) -> CacheEconomics:
    """Return what caching did for a row."""
    names = names_of(row)

    def cost(usage: Usage) -> int | None:
        found, _ = within.price(row, names, usage)
        return None if isinstance(found, str) else found.cost

    found, _ = within.price(row, names, row.usage)
    writes = Usage({unit: row.usage[unit] for unit in CACHE_WRITE_UNITS})
    return CacheEconomics(
        saved=None if isinstance(found, str) else found.cache_savings,
        premium=_premium(writes, cost),
        not_earned_back=_premium(row.unread, cost),
    )


def _premium(writes: Usage, cost: Callable[[Usage], int | None]) -> int | None:
    """Return by how much writing is dearer than plain input: the difference of two usages with the same fees."""
    if not writes:
        return 0
    dear, plain = cost(writes), cost(Usage({Unit.INPUT: writes.cache_write_tokens}))
    return None if dear is None or plain is None else dear - plain
