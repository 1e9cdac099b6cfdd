"""From the ledger's quantities to the bill's, a step for each cause, every step valued at what our books charge.

The order is fixed: requests first, then tokens, then how input divides into cached and uncached, then modes. Each step
changes the actual quantities of a day, so what two causes do together falls to the later one in the ledger's making,
and the amounts of all steps add up to the whole difference.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Final

from costspan.core.units import CACHE_WRITE_UNITS, OUTPUT_UNITS, Unit
from costspan.server.reconciliation.causes import Cause
from costspan.server.reconciliation.rates import Cell, GroupRates
from costspan.server.reconciliation.sides import BillDay, Group, LedgerDay

_CACHE_FAMILY: Final = frozenset({Unit.INPUT, Unit.CACHE_READ, *CACHE_WRITE_UNITS})
_OUTPUT: Final = frozenset(OUTPUT_UNITS)
_NO_LEDGER: Final = LedgerDay()
_NO_BILL: Final = BillDay()
_SAME: Final = 200
"""Counts that differ by less than a 200th are those of the same calls, some of them on the other side of midnight."""
_SAME_FACTOR: Final = 100
"""Without requests: input and output that differ by factors within one per cent of each other lack whole calls."""
_EDGE_MINUTES: Final = 15
"""How long before the period's edge a call may end and still be counted after it."""

Cells = dict[Cell, int]
Modes = frozenset[str]


def walk(group: Group, rates: GroupRates) -> dict[Cause, int]:
    """Return what each step adds for one group that both sides have, in pico-dollars."""
    causes: dict[Cause, int] = defaultdict(int)
    traffic: dict[date, list[tuple[int, int]]] = defaultdict(list)
    for day, modes in _days_and_modes(group):
        ledger, bill = group.ledger.get(day, _NO_LEDGER), group.bill.get(day, _NO_BILL)
        ours, theirs = _of_modes(ledger.quantities, modes), _of_modes(bill.quantities, modes)
        steps = _Valued(rates, day, ours)
        gap, scaled = _same_requests(ours, theirs, _count(ledger.calls, modes), _requests(bill, modes))
        traffic[day].append((gap, steps.to(scaled)))
        counted = _same_tokens(scaled, theirs)
        causes[Cause.TOKEN_COUNT] += steps.to(counted)
        divided = _same_division(counted, theirs)
        causes[Cause.CACHE_SPLIT] += steps.to(divided)
        causes[Cause.TIER_MIX] += steps.to(theirs)
    for cause, amount in _traffic_causes(group, traffic).items():
        causes[cause] += amount
    return dict(causes)


class _Valued:
    """Quantities of one day at our prices; each step says by how much it changes their value."""

    def __init__(self, rates: GroupRates, day: date, cells: Cells) -> None:
        self._rates = rates
        self._day = day
        self._value = self._of(cells)

    def to(self, cells: Cells) -> int:
        before, self._value = self._value, self._of(cells)
        return self._value - before

    def _of(self, cells: Cells) -> int:
        return sum(round(quantity * self._rates.at(self._day, cell).price) for cell, quantity in cells.items())


def _days_and_modes(group: Group) -> Iterable[tuple[date, Modes]]:
    together = _modes_together(group)
    for day in group.days:
        for modes in together:
            yield day, modes


def _modes_together(group: Group) -> list[Modes]:
    """Return the modes in sets: those that lack calls which others have too many of are one set, others stand alone.

    Told from the whole period: on a single day a call may be on the other side of midnight.
    """
    ours, theirs = _volume(group)
    gaps = {mode: theirs.get(mode, 0) - ours.get(mode, 0) for mode in sorted(ours.keys() | theirs.keys())}
    is_off = {mode: abs(gap) * _SAME > max(ours.get(mode, 0), theirs.get(mode, 0)) for mode, gap in gaps.items()}
    short = {mode for mode, gap in gaps.items() if gap > 0 and is_off[mode]}
    over = {mode for mode, gap in gaps.items() if gap < 0 and is_off[mode]}
    if not (short and over):
        return [frozenset({mode}) for mode in gaps]
    return [frozenset(short | over), *(frozenset({mode}) for mode in gaps if mode not in short | over)]


def _volume(group: Group) -> tuple[dict[str, int], dict[str, int]]:
    """Return requests by mode on both sides, or tokens where one side does not count requests."""
    ours: dict[str, int] = defaultdict(int)
    theirs: dict[str, int] = defaultdict(int)
    for ledger in group.ledger.values():
        for mode, count in ledger.calls.items():
            ours[mode] += count
    for bill in group.bill.values():
        for mode, count in (bill.requests or {}).items():
            theirs[mode] += count
    if not sum(ours.values()) or not sum(theirs.values()):
        ours, theirs = defaultdict(int), defaultdict(int)
        for days, total in ((group.ledger, ours), (group.bill, theirs)):
            for day in days.values():
                for (mode, _), quantity in day.quantities.items():
                    total[mode] += quantity
    return ours, theirs


def _of_modes(cells: Mapping[Cell, int], modes: Modes) -> Cells:
    return {cell: quantity for cell, quantity in cells.items() if cell[0] in modes}


def _count(calls: Mapping[str, int], modes: Modes) -> int:
    return sum(count for mode, count in calls.items() if mode in modes)


def _requests(bill: BillDay, modes: Modes) -> int | None:
    return None if bill.requests is None else _count(bill.requests, modes)


def _same_requests(ours: Cells, theirs: Cells, calls: int, requests: int | None) -> tuple[int, Cells]:
    """Return by how many requests the bill is ahead, and our quantities as they are with its number of requests."""
    if not theirs and not ours:
        return 0, ours
    if not ours:
        return requests or 1, theirs
    if not theirs:
        return -(calls or 1), {}
    if requests and calls:
        return requests - calls, ours if requests == calls else _scaled(ours, requests, calls)
    numerator, denominator = _common_factor(ours, theirs)
    return numerator - denominator, ours if numerator == denominator else _scaled(ours, numerator, denominator)


def _common_factor(ours: Cells, theirs: Cells) -> tuple[int, int]:
    """Return the factor that all sides of the usage differ by, as a fraction; 1 where they differ by several."""
    pairs = [(sum(theirs.get(c, 0) for c in side), sum(ours.get(c, 0) for c in side)) for side in _sides(ours, theirs)]
    whole = sum(pair[0] for pair in pairs), sum(pair[1] for pair in pairs)
    differ = any(abs(t * whole[1] - o * whole[0]) * _SAME_FACTOR > t * whole[1] for t, o in pairs)
    return (1, 1) if differ or len(pairs) < 2 else whole


def _same_tokens(ours: Cells, theirs: Cells) -> Cells:
    """Return our quantities with the bill's totals of input, output and each counted unit."""
    found = dict(ours)
    for side in _sides(ours, theirs):
        here, there = sum(ours.get(cell, 0) for cell in side), sum(theirs.get(cell, 0) for cell in side)
        if here == there:
            continue
        for cell in side:
            found[cell] = _times(ours.get(cell, 0), there, here) if here else theirs.get(cell, 0)
    return found


def _same_division(ours: Cells, theirs: Cells) -> Cells:
    """Return our quantities with the bill's division of input into uncached, read and written, whatever their mode."""
    family = [cell for cell in ours.keys() | theirs.keys() if cell[1] in _CACHE_FAMILY]
    share: dict[str, int] = defaultdict(int)
    for mode, unit in family:
        share[mode] += ours.get((mode, unit), 0)
    whole, found = sum(share.values()), dict(ours)
    for unit in sorted({unit for _, unit in family}):
        here = sum(ours.get((mode, unit), 0) for mode in share)
        there = sum(theirs.get((mode, unit), 0) for mode in share)
        if here != there and whole:
            for mode, all_units in share.items():
                part = (ours.get((mode, unit), 0), here) if here else (all_units, whole)
                found[mode, unit] = _times(there, *part)
    return found


def _sides(ours: Cells, theirs: Cells) -> list[list[Cell]]:
    """Return the cells of input, of output, and of each other unit, which are counted apart."""
    sides: dict[str, list[Cell]] = defaultdict(list)
    for cell in sorted(ours.keys() | theirs.keys()):
        unit = cell[1]
        sides["input" if unit in _CACHE_FAMILY else "output" if unit in _OUTPUT else unit].append(cell)
    return list(sides.values())


def _scaled(cells: Cells, numerator: int, denominator: int) -> Cells:
    return {cell: _times(quantity, numerator, denominator) for cell, quantity in cells.items()}


def _times(quantity: int, numerator: int, denominator: int) -> int:
    return (2 * quantity * numerator + denominator) // (2 * denominator)


def _traffic_causes(group: Group, traffic: Mapping[date, list[tuple[int, int]]]) -> dict[Cause, int]:
    """Return whose the amounts of missing and surplus requests are: the period's edge, telemetry, or records."""
    causes: dict[Cause, int] = defaultdict(int)
    gaps = {day: sum(gap for gap, _ in parts) for day, parts in traffic.items()}
    near, near_gap = 0, 0
    for day, parts in traffic.items():
        amount = sum(amount for _, amount in parts)
        if _is_at_edge(group, day, gaps):
            causes[Cause.BOUNDARY] += amount
        elif abs(gaps[day]) * _SAME <= sum(_day(group, day).calls.values()):
            near, near_gap = near + amount, near_gap + gaps[day]
        else:
            causes[_traffic_cause(gaps[day], amount)] += amount
    causes[_traffic_cause(near_gap, near) if near_gap else Cause.BOUNDARY] += near
    return causes


def _traffic_cause(gap: int, amount: int) -> Cause:
    return Cause.MISSING_TRAFFIC if (gap or amount) > 0 else Cause.DUPLICATE_RECORDS


def _is_at_edge(group: Group, day: date, gaps: Mapping[date, int]) -> bool:
    """Return whether a gap is of calls that ended within minutes of the period's edge, and no other day has one."""
    days = group.days
    if day not in (days[0], days[-1]) or not gaps[day] or len(days) < 2:
        return False
    inner = sum(abs(gap) for each, gap in gaps.items() if each not in (days[0], days[-1]))
    if inner * _SAME > sum(sum(each.calls.values()) for each in group.ledger.values()):
        return False
    ledger = _day(group, day)
    last_hour = ledger.first_hour_calls if day == days[0] else ledger.last_hour_calls
    return abs(gaps[day]) * 60 <= last_hour * _EDGE_MINUTES


def _day(group: Group, day: date) -> LedgerDay:
    return group.ledger.get(day, _NO_LEDGER)
