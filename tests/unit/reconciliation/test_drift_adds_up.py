"""Whatever two sides say, the causes add up to the difference, in whole pico-dollars, wherever the host is."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from costspan.core.period import Period
from costspan.core.units import Unit
from costspan.pricing.load import load_rate_card
from costspan.server.reconciliation.bill import Bill, BillCell, Kind
from costspan.server.reconciliation.drift import drift_of
from costspan.server.reconciliation.match import Scopes
from costspan.server.store.cells import LedgerCell, LedgerLine

SINCE = datetime(2026, 10, 1, tzinfo=UTC)
WEEK = Period(SINCE, SINCE + timedelta(days=7))
CARD = load_rate_card([])
MODELS = ("gpt-5", "gpt-5-2025-08-07", "gpt-5-mini", "nobody-knows", None)
UNITS = (Unit.INPUT, Unit.CACHE_READ, Unit.OUTPUT, Unit.REASONING, Unit.WEB_SEARCH, Unit.SECOND, None)
LINES = tuple(map(LedgerLine, (0, 1, 1000, 123_456_789), (5, 0, 10**9, 7), (5, 0, 9 * 10**8, 10**13)))
PROGRAM = """
from costspan.testing.bill_month import OCTOBER, faulty_month
from costspan.server.reconciliation.drift import drift_of
from costspan.server.reconciliation.match import Scopes
from datetime import UTC, datetime
month = faulty_month(["tier_mix", "cache_split", "missing_traffic", "tool_fees"])
found = drift_of(month.bill, month.ledger, OCTOBER, settled_until=datetime(2026, 11, 4, tzinfo=UTC), card=month.card,
                 scopes=Scopes("tag.project"))
print(sorted((part.cause.value, part.scope or "", part.model or "", part.amount) for part in found.parts))
"""


def random_bill(random: Random, count: int) -> Bill:
    def some(*values: object) -> object:
        return random.choice((*values, None))

    cells = []
    for _ in range(count):
        kind = random.choice(tuple(Kind))
        amount = None if kind is Kind.USAGE else random.choice((0, 1, 10**10, 333_333_333_333, -(10**12)))
        cells.append(
            BillCell(
                day=date(2026, 10, random.randint(1, 7)),
                provider="openai",
                kind=kind,
                project=some("web", "ops"),
                api_key=some("k1", "k2"),
                model=random.choice(MODELS),
                mode=some("standard", "batch"),
                unit=random.choice(UNITS),
                quantity=some(0, 1, 1000, 123_456_789),
                list_amount=some(0, amount or 0, 10**12) if kind is Kind.CHARGE else None,
                billed_amount=amount,
                line_item=random.choice(("a", "b")),
                requests=some(0, 1, 40) if kind is Kind.USAGE else None,
            )
        )
    return Bill(provider="openai", cells=tuple(cells), tells_apart=frozenset(Unit) - {Unit.REASONING})


def random_ledger(random: Random, count: int) -> list[LedgerCell]:
    return [
        LedgerCell(
            hour=SINCE + timedelta(hours=random.randint(-24, 24 * 8)),
            provider="openai",
            model=random.choice(("gpt-5", "gpt-5-mini", "nobody-knows", None)),
            mode=random.choice(("standard", "batch")),
            scope=random.choice(("web", "ops", None)),
            calls=random.choice((0, 1, 40)),
            lines={
                unit: random.choice(LINES)
                for unit in random.sample([unit for unit in UNITS if unit], random.randint(0, 4))
            },
        )
        for _ in range(count)
    ]


@settings(max_examples=300, deadline=None)
@given(random=st.integers(0, 2**32).map(Random), lines=st.integers(0, 40), cells=st.integers(0, 40))
def test_the_parts_add_up_to_the_difference_exactly(random: Random, lines: int, cells: int) -> None:
    bill, ledger = random_bill(random, lines), random_ledger(random, cells)
    scopes = random.choice((Scopes(), Scopes("tag.project"), Scopes("tag.project", {"k1": "web"})))
    until = SINCE + timedelta(days=random.randint(0, 9))
    found = drift_of(bill, ledger, WEEK, settled_until=until, card=CARD, scopes=scopes)
    assert sum(part.amount for part in found.parts) == found.net == found.settled.billed - found.settled.ledger
    billed = sum(cell.billed_amount or 0 for cell in bill.cells if cell.kind not in (Kind.USAGE, Kind.APART))
    assert found.settled.billed + found.provisional.billed == billed


def test_the_verdict_is_the_same_wherever_the_host_is() -> None:
    answers = {zone: _run_in(zone) for zone in ("UTC", "America/Los_Angeles", "Asia/Kolkata")}
    assert len(set(answers.values())) == 1
    assert "tier_mix" in answers["UTC"]


def _run_in(zone: str) -> str:
    sources = Path(__file__).parents[3] / "src"
    found = subprocess.run(
        [sys.executable, "-c", PROGRAM], env={**os.environ, "TZ": zone, "PYTHONPATH": str(sources)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return found.stdout


def test_causes_that_cancel_are_seen_in_the_gross_drift() -> None:
    usage = {"day": date(2026, 10, 2), "provider": "openai", "kind": Kind.CHARGE, "unit": None, "mode": None}
    bill = Bill(
        provider="openai",
        cells=(
            BillCell(model="gpt-5", billed_amount=11 * 10**12, **usage),
            BillCell(model="gpt-5-mini", billed_amount=10**12, **usage),
        ),
        tells_apart=frozenset(Unit),
    )
    cell = {"hour": SINCE + timedelta(days=1), "provider": "openai", "mode": "standard", "scope": None, "calls": 1}
    ledger = [
        LedgerCell(model="gpt-5", lines={Unit.INPUT: LedgerLine(1000, 10**13, 10**13)}, **cell),
        LedgerCell(model="gpt-5-mini", lines={Unit.INPUT: LedgerLine(1000, 2 * 10**12, 2 * 10**12)}, **cell),
    ]
    found = drift_of(bill, ledger, WEEK, settled_until=WEEK.until, card=CARD)
    assert found.net == 0
    assert found.gross > 10**12
