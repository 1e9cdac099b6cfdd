"""Price one call: the pure function between a `Call` and its charges (accounting rules 3 and 4).

Called for every call the receiver takes and every span the SDK ends, so names are resolved once and then remembered.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, cast

from costspan.core.call import STANDARD_MODE, Call, Signal, UsageState
from costspan.core.charge import Charge, PricedUsage, PriceStatus
from costspan.core.clock import ns_from_utc
from costspan.core.money import ZERO, PicoUsd
from costspan.core.units import Unit
from costspan.core.usage import Usage
from costspan.pricing.compiled import Band, Compiled, UnitRate, compiled
from costspan.pricing.match import Match, match
from costspan.pricing.offer import effective, published
from costspan.pricing.rate_card import RateCard

FAILED: Final = "failed before it was billed"
CUT_OFF: Final = "cut off while the answer was streaming"
_STANDARD_NAMES: Final = frozenset({"", "auto", "default", "on_demand", "standard", "standard_only"})
_REMEMBERED: Final = 65_536
_UNCACHED: Final = {Unit.CACHE_READ: Unit.INPUT, Unit.CACHE_READ_AUDIO: Unit.INPUT_AUDIO}

# An enumeration looks its members up anew at each mention; these are mentioned for every call.
_METRIC: Final = Signal.METRIC
_REPORTED: Final = UsageState.REPORTED
_PRICED: Final = PriceStatus.PRICED
_UNPRICED: Final = PriceStatus.UNPRICED
_REQUEST: Final = Unit.REQUEST

Names = tuple[str | None, tuple[str, ...], str]


@dataclass(frozen=True, slots=True)
class Prepared:
    """What is known of (provider, models, mode) before a usage is seen. `unknown` says why there is no price list."""

    unknown: str | None
    found: Match | None = None
    rates: Compiled | None = None
    mode: str = STANDARD_MODE


def price_call(call: Call, card: RateCard) -> PricedUsage:
    """Return the verdict on one call at its start time; never raises, never guesses a zero."""
    provider, models, mode = call.provider, call.models, call.mode
    # A metric point sums many requests, so its input says nothing of the context band any of them fell into.
    context_tokens = 0 if call.signal is _METRIC else None
    if call.usage_state is _REPORTED and call.usage.quantities:
        return _priced(card, (provider, models, mode), call.usage, call.started_at_ns, context_tokens)
    known = prepared(card, (provider, models, mode))
    if call.usage_state is UsageState.INVALID:
        return _without_money(PriceStatus.INVALID_USAGE, known, call.started_at_ns, call.usage_note)
    if call.failed and not call.usage:
        # Cut off after the first chunk: the provider may have billed what it had sent (accounting rule 6).
        if call.time_to_first_chunk_s is None:
            return _without_money(PriceStatus.UNPRICED, known, call.started_at_ns, FAILED)
        return _without_money(PriceStatus.USAGE_MISSING, known, call.started_at_ns, CUT_OFF)
    if call.usage_state is UsageState.MISSING:
        return _without_money(PriceStatus.USAGE_MISSING, known, call.started_at_ns, call.usage_note)
    verdict = _priced(card, (provider, models, mode), call.usage, call.started_at_ns, context_tokens)
    if call.usage_state is UsageState.ASSUMED and verdict.status is PriceStatus.PRICED:
        note = call.usage_note or "the emitter's way of counting tokens is not known"
        return replace(verdict, status=PriceStatus.ASSUMED, reason=note)
    return verdict


def price_usage(
    card: RateCard,
    usage: Usage,
    *,
    provider: str | None,
    models: Sequence[str],
    mode: str = STANDARD_MODE,
    at: datetime,
) -> PricedUsage:
    """Return the verdict on a usage at a moment; `models` are tried in order, `at` is aware."""
    return _priced(card, (provider, tuple(models), mode), usage, ns_from_utc(at))


def price_summed(
    card: RateCard, names: Names, usage: Usage, *, calls: int, context_tokens: int, at: datetime
) -> PricedUsage:
    """Return the verdict on the usage of several calls together, each of which has `context_tokens` of input.

    It is rounded once for all of them, where prices are finer than a pico-dollar.
    """
    priced = _priced(card, names, usage, ns_from_utc(at), context_tokens)
    fees = [each for each in priced.charges if each.unit is Unit.REQUEST and not usage[Unit.REQUEST]]
    if not fees:
        return priced
    for_all = [
        each._replace(quantity=calls, cost=PicoUsd(each.cost * calls), list_cost=PicoUsd(each.list_cost * calls))
        for each in fees
    ]
    return replace(priced, charges=(*(each for each in priced.charges if each not in fees), *for_all))


def context_breaks(card: RateCard, names: Names) -> frozenset[int]:
    """Return the numbers of input tokens at which a call passes into another context band."""
    rates = prepared(card, names).rates
    bands = [
        bands
        for segment in (rates.segments if rates else ())
        for bands in (segment.plain, *(inside for _, inside in segment.windows))
    ]
    return frozenset(over for each in bands for over in each.over if over)


def prepared(card: RateCard, names: Names) -> Prepared:
    """Return what `card` says of (provider, models, mode) as sent; resolved once, then remembered."""
    known = card.memory.get(names)
    if known is None:
        if len(card.memory) >= _REMEMBERED:
            card.memory.clear()
        known = card.memory[names] = _prepare(card, names)
    return cast("Prepared", known)


def _prepare(card: RateCard, names: Names) -> Prepared:
    provider, models, mode = names
    found = match(card, provider, models)
    if isinstance(found, str):
        return Prepared(found)
    asked = STANDARD_MODE if mode.strip().lower() in _STANDARD_NAMES else mode.strip().lower()
    # A discount one provider publishes for a mode is not another's: only the standard price is shared.
    listed_mode = asked if found.listed_by == found.provider else STANDARD_MODE
    listed = published(card, found.published, listed_mode)
    return Prepared(None, found, compiled(found, effective(card, found, asked, listed), listed), asked)


def _priced(card: RateCard, names: Names, usage: Usage, at_ns: int, context_tokens: int | None = None) -> PricedUsage:
    known = prepared(card, names)
    found, rates = known.found, known.rates
    if found is None or rates is None:
        return PricedUsage(status=PriceStatus.UNPRICED, reason=known.unknown)
    segment = rates.at(at_ns)
    if segment is None:
        missing = "listed without a price" if not rates.segments else "no price is listed for that date"
        return _without_money(PriceStatus.UNPRICED, known, at_ns, missing)
    bands = segment.at(at_ns)
    band = bands.bands[0]
    if len(bands.over) > 1:
        band = bands.for_context(usage.context_tokens if context_tokens is None else context_tokens)
    charges, unpriced = _charges(band, usage)
    reason = found.approximate
    if segment.mode != known.mode:
        reason = f"no {known.mode} price is listed: priced as {segment.mode}"
    status = _status(band, charges, unpriced, reason)
    if unpriced:
        reason = f"no rate for {', '.join(unpriced)}"
    return PricedUsage(
        status=status,
        charges=charges if status is not _UNPRICED else (),
        rate=band.reference,
        provider=found.provider,
        model=band.model,
        unpriced_units=unpriced,
        cache_savings=_cache_savings(band, usage) if status.has_cost else None,
        reason=reason,
    )


def _status(band: Band, charges: tuple[Charge, ...], unpriced: tuple[Unit, ...], reason: str | None) -> PriceStatus:
    if unpriced:
        return PriceStatus.PARTIAL if charges else _UNPRICED
    if band.free:
        return PriceStatus.FREE
    return PriceStatus.ASSUMED if reason else _PRICED


def _charges(band: Band, usage: Usage) -> tuple[tuple[Charge, ...], tuple[Unit, ...]]:
    charges, unpriced = [], []
    rates, quantities = band.rates, usage.quantities
    for unit, quantity in quantities.items():
        rate = rates.get(unit)
        if rate is None:
            unpriced.append(unit)
        else:
            charges.append(_charge(unit, quantity, rate))
    if _REQUEST in rates and _REQUEST not in quantities and not band.free:
        # A fee for each request is owed whether or not the emitter counts the request it is.
        charges.append(_charge(_REQUEST, 1, rates[_REQUEST]))
    return tuple(charges), tuple(unpriced)


def _charge(unit: Unit, quantity: int, rate: UnitRate) -> Charge:
    cost = _amount(quantity * rate.numerator, rate.denominator)
    listed = _amount(quantity * rate.list_numerator, rate.list_denominator) if rate.is_overlaid else cost
    return Charge(unit, quantity, rate.price, rate.per, listed, cost)


def _amount(numerator: int, denominator: int) -> PicoUsd:
    """Return a fraction of pico-dollars at the nearest whole one, half to even."""
    if denominator == 1:
        return PicoUsd(numerator)
    whole, rest = divmod(numerator, denominator)
    twice = 2 * rest
    return PicoUsd(whole + (twice > denominator or (twice == denominator and whole % 2 == 1)))


def _cache_savings(band: Band, usage: Usage) -> PicoUsd | None:
    saved = 0
    for unit, otherwise in _UNCACHED.items():
        quantity = usage.quantities.get(unit)
        if quantity:
            rate, full = band.rates.get(unit), band.rates.get(otherwise)
            if rate is None or full is None:
                return None
            saved += _amount(quantity * full.numerator, full.denominator)
            saved -= _amount(quantity * rate.numerator, rate.denominator)
    return PicoUsd(saved) if saved else ZERO


def _without_money(status: PriceStatus, known: Prepared, at_ns: int, reason: str | None) -> PricedUsage:
    found, rates = known.found, known.rates
    if found is None:
        return PricedUsage(status=status, reason=reason or known.unknown)
    segment = rates.at(at_ns) if rates else None
    model = segment.plain.bands[0].model if segment else found.model
    return PricedUsage(status=status, provider=found.provider, model=model, reason=reason)
