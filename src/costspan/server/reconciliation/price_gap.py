"""What is left once quantities agree: another list price, a contract, rounding, or nothing that explains it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Final

from costspan.core.money import PICO_PER_USD
from costspan.core.units import Unit
from costspan.server.reconciliation.causes import Cause
from costspan.server.reconciliation.rates import Cell, GroupRates
from costspan.server.reconciliation.sides import BillDay, BillLine, Group, LineKey

_STEADY: Final = Fraction(5, 1000)
"""How far the price of one day may be from that of the day before and be the same price."""
_CENT: Final = PICO_PER_USD // 100
_ROUNDED_CALL: Final = PICO_PER_USD // 2_000_000
"""Half of a millionth of a dollar: what rounding each call may come to."""
_ROUNDED_PART: Final = 2_000
"""Rounding is no more than a 2000th of a line, except where the bill is in whole cents."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BilledPrice:
    """A steady price that the bill shows and we have not: pico-dollars for one unit, from the bill and from us."""

    model: str
    mode: str | None
    unit: Unit
    since: date
    until: date
    days: int
    billed_price: Fraction
    our_price: Fraction
    amount: int
    spread: float
    is_list: bool


@dataclass(frozen=True, slots=True)
class PriceGap:
    """The causes, in pico-dollars, and the prices behind them."""

    causes: Mapping[Cause, int]
    prices: tuple[BilledPrice, ...]


@dataclass(frozen=True, slots=True)
class _Priced:
    """One line of the bill on one day beside what our books charge for it. `list_amount` is the bill's list price."""

    day: date
    line: BillLine
    quantity: int
    ours: int
    our_list: int
    requests: int

    @property
    def has_list(self) -> bool:
        return self.line.list_amount is not None

    @property
    def amount(self) -> int:
        """The amount that our price list is held against."""
        return self.line.billed if self.line.list_amount is None else self.line.list_amount

    @property
    def expected(self) -> int:
        return self.our_list if self.has_list else self.ours

    @property
    def gap(self) -> int:
        return self.amount - self.expected

    @property
    def discount(self) -> int:
        """The rest of the way from our price to what is billed."""
        return self.line.billed - self.ours - self.gap

    @property
    def is_rounding(self) -> bool:
        allowed = min(max(1, self.requests) * _ROUNDED_CALL, abs(self.amount) // _ROUNDED_PART)
        return abs(self.gap) <= max(allowed, _CENT // 2 if self.amount % _CENT == 0 else 0)

    @property
    def ratio(self) -> Fraction | None:
        """Billed to expected; where we have no price, billed to quantity; None where there is neither."""
        if self.expected:
            return Fraction(self.amount, self.expected)
        return Fraction(self.amount, self.quantity) if self.quantity else None


def price_gap(group: Group, rates: GroupRates) -> PriceGap:
    """Return how what is billed differs from the bill's quantities at our prices."""
    causes: dict[Cause, int] = defaultdict(int)
    prices: list[BilledPrice] = []
    series: dict[LineKey, list[_Priced]] = defaultdict(list)
    for day in sorted(group.bill):
        for key, priced, elsewhere in _lines(day, group.bill[day], rates):
            causes[Cause.UNEXPLAINED] += elsewhere
            if priced:
                series[key].append(priced)
    for key, lines in series.items():
        for run, is_steady in _runs(lines):
            for line in run:
                causes[Cause.CONTRACT_DISCOUNT] += line.discount
                cause = Cause.PRICE_TABLE if is_steady else Cause.UNEXPLAINED
                causes[Cause.ROUNDING if line.is_rounding else cause] += line.gap
            if is_steady and (found := _billed_price(group.model, key, run)):
                prices.append(found)
    return PriceGap(dict(causes), tuple(prices))


def _lines(day: date, bill: BillDay, rates: GroupRates) -> Iterator[tuple[LineKey, _Priced | None, int]]:
    """Yield each line with the usage it bills at our prices, and what its own quantity makes of the reported usage.

    Usage that no line bills comes last, as a difference nobody explains.
    """
    billed: dict[LineKey, list[Cell]] = defaultdict(list)
    for cell in bill.quantities:
        billed[_billing(cell, bill.lines)].append(cell)
    requests = sum((bill.requests or {}).values())
    for key, line in bill.lines.items():
        cells = billed.pop(key, [])
        quantity = sum(bill.quantities[cell] for cell in cells)
        ours = sum(round(bill.quantities[cell] * rates.at(day, cell).price) for cell in cells)
        listed = sum(round(bill.quantities[cell] * rates.at(day, cell).list_price) for cell in cells)
        counted, elsewhere = quantity, 0
        if line.quantity is not None and key[1] is not None and line.quantity != quantity:
            counted, elsewhere, listed = line.quantity, ours, _rescaled(listed, line.quantity, quantity)
            ours = _rescaled(ours, line.quantity, quantity)
            if not quantity:
                rate = rates.at(day, (key[0] or "standard", key[1]))
                ours, listed = round(counted * rate.price), round(counted * rate.list_price)
            elsewhere = ours - elsewhere
        yield key, _Priced(day, line, counted, ours, listed, requests), elsewhere
    for key, cells in billed.items():
        yield key, None, -sum(round(bill.quantities[cell] * rates.at(day, cell).price) for cell in cells)


def _rescaled(amount: int, to: int, of: int) -> int:
    return round(Fraction(amount * to, of)) if of else 0


def _billing(cell: Cell, lines: Mapping[LineKey, BillLine]) -> LineKey:
    mode, unit = cell
    for key in ((mode, unit), (None, unit), (mode, None), (None, None)):
        if key in lines:
            return key
    return cell


def _runs(lines: Sequence[_Priced]) -> Iterator[tuple[list[_Priced], bool]]:
    """Yield stretches of one price, and whether each is steady: a lone day between others is none."""
    runs: list[list[_Priced]] = []
    for line in lines:
        before = runs[-1][-1].ratio if runs else None
        ratio = line.ratio
        if before is not None and ratio is not None and abs(ratio - before) <= _STEADY * abs(before):
            runs[-1].append(line)
        else:
            runs.append([line])
    for number, run in enumerate(runs):
        is_alone = len(run) == 1 and 0 < number < len(runs) - 1
        yield run, run[0].ratio is not None and not is_alone


def _billed_price(model: str, key: LineKey, run: Sequence[_Priced]) -> BilledPrice | None:
    mode, unit = key
    quantity, amount = sum(line.quantity for line in run), sum(line.amount for line in run)
    if unit is None or not quantity or all(line.is_rounding for line in run):
        return None
    single = [Fraction(line.amount, line.quantity) for line in run if line.quantity]
    price = Fraction(amount, quantity)
    return BilledPrice(
        model=model,
        mode=mode,
        unit=unit,
        since=run[0].day,
        until=run[-1].day,
        days=len(run),
        billed_price=price,
        our_price=Fraction(sum(line.expected for line in run), quantity),
        amount=sum(line.gap for line in run),
        spread=float(max(abs(each - price) for each in single) / price) if price else 0.0,
        is_list=run[0].has_list,
    )
