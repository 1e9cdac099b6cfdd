"""Setting the bill beside the ledger: the same names, units and days on both sides, group by group."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, TypeVar

from costspan.core.call import STANDARD_MODE
from costspan.core.units import PRICED_AS, Unit
from costspan.server.reconciliation.bill import MODEL_UNITS, TOOL_FEES, Bill, BillCell, Kind
from costspan.server.reconciliation.rates import CardRates, Cell
from costspan.server.reconciliation.sides import BillDay, BillLine, Group, LedgerDay, LineKey, Origin
from costspan.server.store.cells import LedgerCell

Name = TypeVar("Name")

NO_MODEL: Final = "(no model)"
Key = tuple[str | None, str]
DayOf = Callable[[datetime], date]
"""The provider's day of a UTC hour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Matched:
    """Both sides. Fees are by scope: what is billed beside tokens, and what the ledger charges for tools."""

    groups: tuple[Group, ...]
    billed_fees: Mapping[str | None, int]
    ledger_fees: Mapping[str | None, int]
    unmapped: Mapping[str, int]
    apart: Mapping[str, int]
    ledger_apart: int
    apart_modes: frozenset[str]
    """Modes whose calls are paid for otherwise, which the ledger's side leaves out too."""
    origins: Mapping[Key, Mapping[Origin, Mapping[date, int]]]
    """Requests by whom they came from, for each group."""
    origin_billed: Mapping[Key, Mapping[Origin, int]]
    origin_cost: Mapping[Origin, int]


@dataclass(frozen=True, slots=True)
class Scopes:
    """Which value of the ledger's group key a project or API key of the bill stands for; None: all are one scope."""

    by: str | None = None
    names: Mapping[str, str] | None = None

    def of(self, cell: BillCell) -> str | None:
        """Return the scope of a line of the bill."""
        if self.by is None:
            return None
        names = self.names or {}
        for said in (cell.api_key, cell.project):
            if said is not None and said in names:
                return names[said]
        return cell.project or cell.api_key


def match(
    bill: Bill,
    ledger: Sequence[LedgerCell],
    scopes: Scopes,
    card: CardRates,
    day_of: DayOf,
    unseen: frozenset[tuple[Key, Origin]] = frozenset(),
) -> Matched:
    """Return both sides, by scope, model and the provider's day; what `unseen` names is put in scopes of its own."""
    fold = _Fold(bill.tells_apart)
    priced = [cell for cell in bill.cells if cell.kind in (Kind.USAGE, Kind.CHARGE)]
    sides = _BillSides(scopes, card, fold, unseen)
    for cell in priced:
        sides.add(cell)
    modeless = sides.modeless()
    apart_modes = frozenset(cell.mode for cell in bill.cells if cell.kind is Kind.APART and cell.mode)
    kept = [cell for cell in ledger if cell.mode not in apart_modes]
    ledger_days = _ledger_days(kept, day_of, fold, modeless)
    bill_days = sides.days()
    keys = sorted(ledger_days.keys() | bill_days.keys(), key=lambda key: (key[0] or "", key[1]))
    return Matched(
        groups=tuple(
            Group(scope=key[0], model=key[1], ledger=ledger_days.get(key, {}), bill=bill_days.get(key, {}))
            for key in keys
        ),
        billed_fees=_total(bill.cells, Kind.FEE, scopes.of),
        ledger_fees=_ledger_fees(kept),
        unmapped=_total(bill.cells, Kind.UNMAPPED, lambda cell: cell.line_item),
        apart=_total(bill.cells, Kind.APART, lambda cell: cell.line_item),
        ledger_apart=sum(line.cost for cell in ledger if cell.mode in apart_modes for line in cell.lines.values()),
        apart_modes=apart_modes,
        origins=sides.origins,
        origin_billed=sides.origin_billed,
        origin_cost=_total(
            [cell for cell in bill.cells if cell.kind is not Kind.APART], None, lambda c: Origin(c.project, c.api_key)
        ),
    )


class _Fold:
    """Units as the bill tells them apart: one it does not know is part of the unit whose rate covers it."""

    def __init__(self, known: frozenset[Unit]) -> None:
        self._to = {unit: self._covering(unit, known) for unit in Unit}

    def __call__(self, unit: Unit) -> Unit:
        return self._to[unit]

    @staticmethod
    def _covering(unit: Unit, known: frozenset[Unit]) -> Unit:
        while unit not in known and unit in PRICED_AS:
            unit = PRICED_AS[unit]
        return unit


class _BillSides:
    """Adds the lines of a bill up by group and day."""

    def __init__(self, scopes: Scopes, card: CardRates, fold: _Fold, unseen: frozenset[tuple[Key, Origin]]) -> None:
        self._unseen = unseen
        self._scopes = scopes
        self._card = card
        self._fold = fold
        self._used: dict[Key, dict[date, dict[tuple[str | None, Unit], int]]] = defaultdict(lambda: defaultdict(dict))
        self._billed: dict[Key, dict[date, dict[tuple[str | None, Unit], int]]] = defaultdict(lambda: defaultdict(dict))
        self._requests: dict[Key, dict[date, dict[str | None, int]]] = defaultdict(lambda: defaultdict(dict))
        self._lines: dict[Key, dict[date, dict[LineKey, BillLine]]] = defaultdict(lambda: defaultdict(dict))
        self.origins: dict[Key, dict[Origin, dict[date, int]]] = defaultdict(lambda: defaultdict(dict))
        self.origin_billed: dict[Key, dict[Origin, int]] = defaultdict(dict)

    def add(self, cell: BillCell) -> None:
        """Add one line."""
        model = self._card.listed_name(cell.model, cell.day) if cell.model else NO_MODEL
        origin = Origin(cell.project, cell.api_key)
        key = self._scopes.of(cell), model
        if (key, origin) in self._unseen:
            key = origin.name, model
        unit = self._fold(cell.unit) if cell.unit else None
        if cell.requests is not None:
            _add(self._requests[key][cell.day], cell.mode, cell.requests)
            _add(self.origins[key][origin], cell.day, cell.requests)
        if cell.quantity is not None and unit in MODEL_UNITS and unit is not None:
            amounts = self._used if cell.kind is Kind.USAGE else self._billed
            _add(amounts[key][cell.day], (cell.mode, unit), cell.quantity)
        if cell.kind is Kind.CHARGE and cell.billed_amount is not None:
            lines = self._lines[key][cell.day]
            lines[cell.mode, unit] = _more(lines.get((cell.mode, unit)), cell)
            _add(self.origin_billed[key], origin, cell.billed_amount)

    def modeless(self) -> frozenset[Key]:
        """Return the groups whose usage is not told apart by mode."""
        modes: dict[Key, set[str | None]] = defaultdict(set)
        for told in (self._used, self._billed):
            for key, days in told.items():
                modes[key] |= {mode for cells in days.values() for mode, _ in cells}
        for key, counted in self._requests.items():
            modes[key] |= {mode for day in counted.values() for mode in day}
        return frozenset(key for key, told in modes.items() if told == {None})

    def days(self) -> dict[Key, dict[date, BillDay]]:
        """Return every group's days. What was used is what the usage report says, else what the lines bill."""
        found: dict[Key, dict[date, BillDay]] = {}
        for key in self._used.keys() | self._billed.keys() | self._requests.keys() | self._lines.keys():
            reported = self._used[key] or self._billed[key]
            dates = reported.keys() | self._requests[key].keys() | self._lines[key].keys()
            counts = bool(self._requests[key])
            found[key] = {
                day: BillDay(
                    _standard(reported.get(day, {})),
                    _standard_requests(self._requests[key].get(day, {})) if counts else None,
                    self._lines[key].get(day, {}),
                )
                for day in dates
            }
        return found


def _more(line: BillLine | None, cell: BillCell) -> BillLine:
    billed = cell.billed_amount or 0
    if line is None:
        return BillLine(billed, cell.list_amount, cell.quantity)
    listed = None
    if line.list_amount is not None or cell.list_amount is not None:
        listed = (line.billed if line.list_amount is None else line.list_amount) + (
            billed if cell.list_amount is None else cell.list_amount
        )
    both = line.quantity is not None and cell.quantity is not None
    quantity = (line.quantity or 0) + (cell.quantity or 0) if both else None
    return BillLine(line.billed + billed, listed, quantity)


def _standard(cells: Mapping[tuple[str | None, Unit], int]) -> dict[Cell, int]:
    found: dict[Cell, int] = {}
    for (mode, unit), quantity in cells.items():
        _add(found, (mode or STANDARD_MODE, unit), quantity)
    return found


def _standard_requests(modes: Mapping[str | None, int]) -> dict[str, int]:
    found: dict[str, int] = {}
    for mode, count in modes.items():
        _add(found, mode or STANDARD_MODE, count)
    return found


def _ledger_days(
    cells: Iterable[LedgerCell], day_of: DayOf, fold: _Fold, modeless: frozenset[Key]
) -> dict[Key, dict[date, LedgerDay]]:
    charged: dict[Key, dict[date, dict[Cell, tuple[int, int, int]]]] = defaultdict(lambda: defaultdict(dict))
    calls: dict[Key, dict[date, dict[str, int]]] = defaultdict(lambda: defaultdict(dict))
    hours: dict[Key, dict[date, dict[datetime, int]]] = defaultdict(lambda: defaultdict(dict))
    for cell in cells:
        key, day = (cell.scope, cell.model or NO_MODEL), day_of(cell.hour)
        mode = STANDARD_MODE if key in modeless else cell.mode
        _add(calls[key][day], mode, cell.calls)
        _add(hours[key][day], cell.hour, cell.calls)
        for unit, line in cell.lines.items():
            if unit not in TOOL_FEES:
                place = mode, fold(unit)
                before = charged[key][day].get(place, (0, 0, 0))
                charged[key][day][place] = (
                    before[0] + line.quantity,
                    before[1] + line.list_cost,
                    before[2] + line.cost,
                )
    return {
        key: {
            day: LedgerDay(charged[key][day], by_mode, *_edges(hours[key][day], day_of, day))
            for day, by_mode in days.items()
        }
        for key, days in calls.items()
    }


def _edges(hours: Mapping[datetime, int], day_of: DayOf, day: date) -> tuple[int, int]:
    """Return the calls in the first and in the last hour of a day, 0 where there were none then."""
    first, last = min(hours), max(hours)
    is_first = day_of(_hours_later(first, -1)) != day
    is_last = day_of(_hours_later(last, 1)) != day
    return hours[first] if is_first else 0, hours[last] if is_last else 0


def _hours_later(hour: datetime, hours: int) -> datetime:
    return datetime.fromtimestamp(hour.timestamp() + hours * 3600, hour.tzinfo)


def _ledger_fees(cells: Iterable[LedgerCell]) -> dict[str | None, int]:
    fees: dict[str | None, int] = defaultdict(int)
    for cell in cells:
        for unit in TOOL_FEES & cell.lines.keys():
            fees[cell.scope] += cell.lines[unit].cost
    return dict(fees)


def _total(cells: Iterable[BillCell], kind: Kind | None, key: Callable[[BillCell], Name]) -> dict[Name, int]:
    totals: dict[Name, int] = defaultdict(int)
    for cell in cells:
        if kind is None or cell.kind is kind:
            totals[key(cell)] += cell.billed_amount or 0
    return dict(totals)


def _add(amounts: dict[Name, int], key: Name, amount: int) -> None:
    amounts[key] = amounts.get(key, 0) + amount
