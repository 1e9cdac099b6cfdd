"""Differences that users of other tools reported with their figures, and the cause they turned out to have."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal

from costspan.core.money import pico_from_usd
from costspan.core.period import Period
from costspan.core.units import Unit
from costspan.pricing.load import load_rate_card
from costspan.server.reconciliation.bill import Bill, BillCell, Kind
from costspan.server.reconciliation.causes import Cause
from costspan.server.reconciliation.drift import Drift, drift_of
from costspan.server.store.cells import LedgerCell, LedgerLine

DAY = date(2026, 10, 14)
MONTH = Period(datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC))
Side = Mapping[Unit, tuple[int, str]]
"""Unit -> quantity and dollars for a million."""


def dollars(quantity: int, price: str) -> int:
    return pico_from_usd(Decimal(price) / 1_000_000 * quantity)


def compare(
    billed: Side, recorded: Side, *, requests: int, modes: tuple[str, str] = ("standard", "standard"), calls: int = 0
) -> Drift:
    """Return the drift of one model on one day; `modes` are the bill's and the ledger's."""
    cells = [BillCell(day=DAY, provider="test", kind=Kind.USAGE, model="m", mode=modes[0], requests=requests)]
    for unit, (quantity, price) in billed.items():
        line = {"day": DAY, "provider": "test", "model": "m", "mode": modes[0], "unit": unit}
        cells.append(BillCell(kind=Kind.USAGE, quantity=quantity, **line))
        cells.append(BillCell(kind=Kind.CHARGE, billed_amount=dollars(quantity, price), **line))
    lines = {unit: LedgerLine(n, dollars(n, price), dollars(n, price)) for unit, (n, price) in recorded.items()}
    hour = datetime(2026, 10, 14, 9, tzinfo=UTC)
    cell = LedgerCell(
        hour=hour, provider="test", model="m", mode=modes[1], scope=None, calls=calls or requests, lines=lines
    )
    overlay = {"provider": "test", "model": "m", **{unit.value: price for unit, (_, price) in recorded.items()}}
    prices = {unit.value: price for unit, (_, price) in billed.items()}
    if modes[0] != "standard":
        overlay["modes"] = {modes[0]: prices}
    else:
        overlay = {**prices, **overlay}
    return drift_of(
        Bill(provider="test", cells=tuple(cells), tells_apart=frozenset(billed)), [cell], MONTH,
        settled_until=MONTH.until, card=load_rate_card([overlay]),
    )  # fmt: skip


def shares(drift: Drift) -> dict[Cause, float]:
    assert sum(part.amount for part in drift.parts) == drift.net
    return {cause: amount / drift.net for cause, amount in drift.by_cause().items()}


def test_forty_requests_with_equal_totals_and_another_division_are_a_cache_split() -> None:
    """LiteLLM 34801: input 73,550 and output 20,480 on both sides, cached 49,563 recorded and 65,304 billed."""
    prices = {"input": "5.20", "cached": "0.52", "output": "38.00"}
    found = compare(
        {
            Unit.INPUT: (73_550 - 65_304, prices["input"]),
            Unit.CACHE_READ: (65_304, prices["cached"]),
            Unit.OUTPUT: (20_480, prices["output"]),
        },
        {
            Unit.INPUT: (73_550 - 49_563, prices["input"]),
            Unit.CACHE_READ: (49_563, prices["cached"]),
            Unit.OUTPUT: (20_480, prices["output"]),
        },
        requests=40,
    )
    assert shares(found) == {Cause.CACHE_SPLIT: 1.0}
    assert found.net == -pico_from_usd(Decimal(15741) * Decimal("4.68") / 1_000_000)


def test_a_wrong_list_dropped_cache_and_wrong_counts_are_told_apart() -> None:
    """OpenHands 4817: $0.028269 recorded, $0.084937 billed; a wrong price, cache left out, and tokens not counted."""
    found = compare(
        {
            Unit.INPUT: (3_000, "3.00"),
            Unit.CACHE_READ: (40_000, "0.30"),
            Unit.CACHE_WRITE_5M: (10_000, "3.75"),
            Unit.OUTPUT: (1_762, "15.00"),
        },
        {Unit.INPUT: (20_000, "1.00"), Unit.OUTPUT: (1_102, "7.50")},
        requests=6,
    )
    causes = found.by_cause()
    assert sum(causes.values()) == found.net > 0
    assert {Cause.TOKEN_COUNT, Cause.CACHE_SPLIT, Cause.PRICE_TABLE} == causes.keys()
    assert Cause.UNEXPLAINED not in causes


def test_reasoning_that_is_left_out_is_a_token_count() -> None:
    """OpenAnt 211: 14.6 % too little, with reasoning models alone."""
    found = compare(
        {Unit.INPUT: (1_000_000, "1.25"), Unit.OUTPUT: (400_000, "10.00")},
        {Unit.INPUT: (1_000_000, "1.25"), Unit.OUTPUT: (323_350, "10.00")},
        requests=900,
    )
    assert shares(found) == {Cause.TOKEN_COUNT: 1.0}
    assert round(found.net / found.settled.billed, 3) == 0.146


def test_a_flex_call_priced_as_standard_is_a_tier_mix() -> None:
    """LiteLLM 27588: $0.0000171 recorded and $0.0000139 billed for one call."""
    found = compare(
        {Unit.INPUT: (20, "0.125"), Unit.OUTPUT: (11, "1.00")},
        {Unit.INPUT: (20, "0.25"), Unit.OUTPUT: (11, "2.00")},
        requests=1,
        modes=("flex", "standard"),
    )
    assert shares(found) == {Cause.TIER_MIX: 1.0}
