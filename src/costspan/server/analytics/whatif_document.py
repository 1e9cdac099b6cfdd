"""The what-if document: parameters in, history priced otherwise out, with what that takes for granted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any, Final

from costspan.core.errors import UsageError
from costspan.core.money import usd_text
from costspan.core.period import Period, iso, parse_period
from costspan.pricing.match import match
from costspan.pricing.rate_card import RateCard
from costspan.server.analytics.spend import completeness, parse_filter
from costspan.server.analytics.whatif import (
    OTHER_TOKENS,
    CacheEconomics,
    Change,
    Context,
    Otherwise,
    breaks_of,
    cache_economics,
    otherwise,
)
from costspan.server.store.ports import LedgerReader
from costspan.server.store.question import SUMS, Filter, SpendQuestion, known_key
from costspan.server.store.usage_history import UsageQuestion, UsageRow

PARAMETERS: Final = ("from", "to", "to_provider", "mode", "cache", "tokens", "group_by", "since", "until", "filter")
MODES: Final = ("standard", "batch", "flex", "priority")


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIf:
    """What is asked: a change of the calls of a period that pass the filters."""

    period: Period
    change: Change
    now: datetime
    model: str | None = None
    filters: tuple[Filter, ...] = ()
    group_by: tuple[str, ...] = ()


def parse_whatif(parameters: Sequence[tuple[str, str]], now: datetime) -> WhatIf:
    """Return what a query string asks. Raise UsageError, naming what is accepted, where it makes no sense."""
    unknown = [name for name, _ in parameters if name not in PARAMETERS]
    if unknown:
        raise UsageError(f"unknown parameter {unknown[0]!r}; known: {', '.join(PARAMETERS)}")
    given = {name: value for name, value in parameters if value}
    keys = (key.strip() for key in given.get("group_by", "feature").split(","))
    filters = [parse_filter(value) for name, value in parameters if name == "filter"]
    return WhatIf(
        period=parse_period(given.get("since"), given.get("until"), now),
        change=_change(given),
        now=now,
        model=given.get("from"),
        filters=(*filters, *([Filter("model", given["from"])] if "from" in given else [])),
        group_by=tuple(dict.fromkeys(known_key(key) for key in keys if key)),
    )


def _change(given: dict[str, str]) -> Change:
    said = [name for name in ("to", "mode", "cache") if name in given]
    if len(said) > 1:
        raise UsageError(f"one change at a time: to (another model), mode (another mode) or cache=1, not {said}")
    if "to" in given:
        if "from" not in given:
            raise UsageError("name the model whose calls are meant: from")
        return Change(to_model=given["to"], to_provider=given.get("to_provider"), tokens=_tokens(given.get("tokens")))
    if "mode" in given:
        if given["mode"] not in MODES:
            raise UsageError(f"unknown mode {given['mode'][:20]!r}; known: {', '.join(MODES)}")
        return Change(mode=given["mode"])
    return Change(caches=True)


def _tokens(text: str | None) -> tuple[Fraction, Fraction] | None:
    if text is None:
        return None
    parts = text.split("-")
    try:
        least, most = (Decimal(part) for part in (parts if len(parts) == 2 else parts * 2))
    except (InvalidOperation, ValueError):
        least = most = Decimal(0)
    if not Decimal("0.1") <= least <= most <= 10:
        raise UsageError(f"tokens {text[:20]!r} is not a range of factors from 0.1 to 10, such as 0.9-1.2")
    return Fraction(least), Fraction(most)


@dataclass(slots=True)
class _Sum:
    """What rows of one group add up to; amounts in pico-dollars of the calls that have all three figures."""

    calls: int = 0
    actual: int = 0
    low: int = 0
    high: int = 0
    changed_calls: int = 0
    saved: int = 0
    premium: int = 0
    not_earned_back: int = 0
    economics_unknown_calls: int = 0
    as_of_now_calls: int = 0
    unpriced: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    stays: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def add(self, row: UsageRow, found: Otherwise, economics: CacheEconomics | None) -> None:
        """Add one row."""
        self.calls += row.calls
        if economics is not None:
            self.saved += economics.saved or 0
            self.premium += economics.premium or 0
            self.not_earned_back += economics.not_earned_back or 0
            self.economics_unknown_calls += row.calls if None in (economics.saved, economics.premium) else 0
        if found.why is not None and found.stays:
            self.stays[found.why] += row.calls
        if found.low is None or found.high is None:
            self.unpriced[found.why or "no price"] += row.calls
            return
        self.actual += row.cost or 0
        self.low += found.low
        self.high += found.high
        self.changed_calls += 0 if found.stays else row.calls
        self.as_of_now_calls += row.calls if found.as_of_now else 0


def whatif_document(reader: LedgerReader, ask: WhatIf, card: RateCard) -> dict[str, Any]:
    """Return the answer as `/api/v1/whatif` sends it. Raise UsageError for a model that has no price list."""
    if ask.change.to_model is not None:
        listed = match(card, ask.change.to_provider, (ask.change.to_model,))
        if isinstance(listed, str):
            raise UsageError(f"to: {listed}; name its provider with to_provider, or see: costspan prices list")
    question = UsageQuestion(ask.period, ask.filters)
    breaks = breaks_of(card, ask.change, reader.usage_history(question))
    rows = reader.usage_history(replace(question, group_by=ask.group_by, breaks=breaks))
    total, groups = _Sum(), defaultdict[tuple[str | None, ...], _Sum](_Sum)
    for row, found, economics in _priced(rows, ask, Context(card, ask.now, breaks)):
        for into in (total, groups[row.key]):
            into.add(row, found, economics)
    spend = reader.spend(SpendQuestion(ask.period, filters=ask.filters, measures=SUMS))
    ordered = sorted(groups.items(), key=lambda item: (-item[1].actual, str(item[0])))
    return {
        "since": iso(ask.period.since),
        "until": iso(ask.period.until),
        "currency": "USD",
        "change": _change_document(ask),
        "group_by": list(ask.group_by),
        "rows": [dict(zip(ask.group_by, key, strict=True)) | _document(ask, each) for key, each in ordered],
        "total": _document(ask, total),
        "assumptions": list(_assumptions(ask, total)),
        "completeness": completeness(spend.total) | {"keys_since": iso(spend.keys_since) if spend.keys_since else None},
    }


def _priced(
    rows: Iterable[UsageRow], ask: WhatIf, within: Context
) -> Iterator[tuple[UsageRow, Otherwise, CacheEconomics | None]]:
    for row in rows:
        if not row.usage:
            continue  # failed, or its usage is unknown: it has nothing to price, and completeness has it
        economics = cache_economics(row, within) if ask.change.caches else None
        found = Otherwise(why="no price today") if row.cost is None else otherwise(row, ask.change, within)
        yield row, found, economics


def _change_document(ask: WhatIf) -> dict[str, Any]:
    change = ask.change
    return {
        "from": ask.model,
        "to": change.to_model,
        "to_provider": change.to_provider,
        "mode": change.mode,
        "cache": change.caches,
    }


def _document(ask: WhatIf, each: _Sum) -> dict[str, Any]:
    document: dict[str, Any] = {
        "calls": each.calls,
        "changed_calls": each.changed_calls,
        "unpriced_calls": sum(each.unpriced.values()),
        "actual_cost_usd": usd_text(each.actual),
        "alternative_cost_usd": {"low": usd_text(each.low), "high": usd_text(each.high)},
        "difference_usd": {"low": usd_text(each.low - each.actual), "high": usd_text(each.high - each.actual)},
        "difference_share": {
            "low": (each.low - each.actual) / each.actual if each.actual else None,
            "high": (each.high - each.actual) / each.actual if each.actual else None,
        },
        "unpriced": [{"reason": why, "calls": calls} for why, calls in sorted(each.unpriced.items())],
    }
    if ask.change.caches:
        document["cache"] = {
            "saved_usd": usd_text(each.saved),
            "write_premium_usd": usd_text(each.premium),
            "not_earned_back_usd": usd_text(each.not_earned_back),
            "missed_usd": {
                "low": usd_text(max(0, each.actual - each.high)),
                "high": usd_text(max(0, each.actual - each.low)),
            },
            "unknown_calls": each.economics_unknown_calls,
        }
    return document


def _assumptions(ask: WhatIf, total: _Sum) -> Iterator[str]:
    change = ask.change
    if change.to_model is not None:
        least, most = change.tokens or OTHER_TOKENS
        said = f"{float(least):g} to {float(most):g} tokens for each one"
        where = "" if change.tokens else " of another vendor's model, the same number within one vendor"
        yield f"{change.to_model} counts {said}{where}; tokenizers differ, your text decides"
        yield "answers are as long, prompts and retries the same, and as many tokens come from the cache"
        yield "what was written to a cache is plain input where the other model has no price for writing"
    if change.mode is not None:
        yield f"at least: every call could be made in mode {change.mode}; at most: only those that were not streamed"
        yield "what a delay of up to a day does to a product is not priced"
    if change.caches:
        yield "at most: a call reads from the cache what it has in common with the one before of its session, or trace"
        yield "at least: the one before had ended, less than five minutes ago, and the prompt only grew"
        yield "beginnings of 1,024 tokens or more are cached for five minutes; what a later call repeats is written"
        yield "prompts that different sessions have in common are not seen in telemetry, and are in no figure"
        yield "a write counts as read when any later call of its model and feature read as many tokens in its life"
    yield "each call at the rate of its own day, mode and context band; rounded once for the calls of an hour"
    if total.as_of_now_calls:
        yield f"{total.as_of_now_calls:,} calls are from before that price is listed: today's stands for it"
    for why, calls in total.stays.items():
        yield f"{calls:,} calls keep their cost: {why}"
    for why, calls in total.unpriced.items():
        yield f"{calls:,} calls are in no figure: {why}"
