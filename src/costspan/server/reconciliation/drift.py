"""How far the bill is from the ledger, and from which causes, in pico-dollars that add up to the difference."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from costspan.core.period import Period
from costspan.pricing.rate_card import RateCard
from costspan.server.reconciliation.bill import Bill, BillCell, Kind
from costspan.server.reconciliation.causes import Cause
from costspan.server.reconciliation.match import Matched, Scopes, match
from costspan.server.reconciliation.outside import doubled, outside
from costspan.server.reconciliation.price_gap import BilledPrice, price_gap
from costspan.server.reconciliation.rates import CardRates, GroupRates
from costspan.server.reconciliation.sides import Group, Origin
from costspan.server.reconciliation.walk import walk
from costspan.server.reconciliation.zone import UTC_DAYS, DayBreak, day_break
from costspan.server.store.cells import LedgerCell


@dataclass(frozen=True, slots=True)
class Part:
    """What one cause adds in one scope and model; both are None where the cause belongs to neither."""

    cause: Cause
    scope: str | None
    model: str | None
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Amounts:
    """Both sides of a stretch of days, in pico-dollars."""

    billed: int = 0
    ledger: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """The comparison of settled days. `parts` add up to `billed - ledger` exactly.

    `provisional` are days that are too young to be judged; `apart` what is billed beside the use of models;
    `unmapped` names that are not known, with their amounts; `unseen` who spends outside telemetry.
    """

    period: Period
    settled_until: datetime
    settled: Amounts
    provisional: Amounts
    parts: tuple[Part, ...]
    apart: Mapping[str, int]
    ledger_apart: int
    unmapped: Mapping[str, int]
    unseen: Mapping[Origin, int]
    origins: Mapping[Origin, int]
    prices: tuple[BilledPrice, ...]
    days: DayBreak

    @property
    def net(self) -> int:
        """By how much the bill is higher."""
        return self.settled.billed - self.settled.ledger

    @property
    def gross(self) -> int:
        """What is missing either way, so that causes of opposite sign do not hide each other."""
        return sum(abs(part.amount) for part in self.parts if part.cause is not Cause.ROUNDING)

    @property
    def unexplained(self) -> int:
        """What no cause accounts for, either way."""
        unknown = (Cause.NO_QUANTITIES, Cause.UNEXPLAINED)
        return sum(abs(part.amount) for part in self.parts if part.cause in unknown)

    def by_cause(self) -> dict[Cause, int]:
        """Return the amount of each cause that has one, in order."""
        totals: dict[Cause, int] = defaultdict(int)
        for part in self.parts:
            totals[part.cause] += part.amount
        return {cause: totals[cause] for cause in Cause if totals[cause]}


def drift_of(
    bill: Bill,
    ledger: Sequence[LedgerCell],
    period: Period,
    *,
    settled_until: datetime,
    card: RateCard,
    scopes: Scopes | None = None,
    models: Mapping[str, str] | None = None,
) -> Drift:
    """Return how `bill` differs from the ledger over the days of `period` that begin before `settled_until`.

    `ledger` has the hours of the period and those a day around it, so that days may begin in another zone.
    """
    scopes, rates = scopes or Scopes(), CardRates(card, bill.provider, models or {})
    judged = _days(period.since, min(settled_until, period.until))
    young = _days(max(settled_until, period.since), period.until)
    settled = replace(bill, cells=tuple(cell for cell in bill.cells if cell.day in judged))
    breaks = _day_break(settled, ledger, rates, judged)
    here = [cell for cell in ledger if breaks(cell.hour) in judged]
    matched = match(settled, here, scopes, rates, breaks)
    if unseen := outside(matched):
        matched = match(settled, here, scopes, rates, breaks, unseen)
    matched, parts = _counted_once(matched, settled, scopes, rates, breaks)
    more, prices = _parts(matched, rates, frozenset(cell.scope for cell in here))
    parts += more
    parts += _moved(ledger, judged, breaks, matched.apart_modes)
    return Drift(
        period=period,
        settled_until=min(settled_until, period.until),
        settled=Amounts(
            billed=_billed(settled.cells),
            ledger=_cost((cell for cell in ledger if UTC_DAYS(cell.hour) in judged), matched.apart_modes),
        ),
        provisional=Amounts(
            billed=_billed(cell for cell in bill.cells if cell.day in young),
            ledger=_cost((cell for cell in ledger if UTC_DAYS(cell.hour) in young), matched.apart_modes),
        ),
        parts=tuple(part for part in parts if part.amount),
        apart=matched.apart,
        ledger_apart=matched.ledger_apart,
        unmapped=matched.unmapped,
        unseen=_unseen(matched),
        origins=matched.origin_cost,
        prices=tuple(prices),
        days=breaks,
    )


def _days(since: datetime, until: datetime) -> frozenset[date]:
    count = max(0, (until - since).days)
    return frozenset((since + timedelta(days=number)).date() for number in range(count))


def _day_break(bill: Bill, ledger: Iterable[LedgerCell], rates: CardRates, judged: frozenset[date]) -> DayBreak:
    """Return whose days the bill has, told from the models that are on both sides."""
    asked = {cell.model: rates.listed_name(cell.model, cell.day) for cell in bill.cells if cell.model}
    cells = list(ledger)
    both = set(asked.values()) & {cell.model for cell in cells}
    counts = any(cell.requests for cell in bill.cells)
    days: dict[date, int] = dict.fromkeys(judged, 0)
    for each in bill.cells:
        if each.model and asked[each.model] in both and each.kind in (Kind.USAGE, Kind.CHARGE):
            days[each.day] += (each.requests if counts else each.quantity) or 0
    hours: dict[datetime, int] = defaultdict(int)
    for cell in cells:
        if cell.model in both:
            hours[cell.hour] += cell.calls if counts else sum(line.quantity for line in cell.lines.values())
    return day_break(hours, days)


def _counted_once(
    matched: Matched, bill: Bill, scopes: Scopes, rates: CardRates, breaks: DayBreak
) -> tuple[Matched, list[Part]]:
    """Return both sides without the records of keys that the ledger has twice, and what those come to."""
    twice = doubled(matched)
    alone = match(bill, (), scopes, rates, breaks, twice).groups if twice else ()
    by_key = {(each.scope, each.model): each for each in alone}
    groups, parts = [], []
    for group in matched.groups:
        once: Group | None = group
        for (scope, model), origin in twice:
            if once and (scope, model) == (group.scope, group.model):
                once = _without(once, by_key[origin.name, model])
        if once and once is not group:
            parts.append(Part(Cause.DUPLICATE_RECORDS, group.scope, group.model, once.cost - group.cost))
        groups.append(once or group)
    return replace(matched, groups=tuple(groups)), parts


def _without(group: Group, twice: Group) -> Group | None:
    """Return a group whose ledger has every record of `twice` once less, None where it has not as much."""
    days = {}
    for day, ledger in group.ledger.items():
        left = ledger.without(twice.bill[day]) if day in twice.bill else ledger
        if left is None:
            return None
        days[day] = left
    return replace(group, ledger=days)


def _parts(matched: Matched, rates: CardRates, seen: frozenset[str | None]) -> tuple[list[Part], list[BilledPrice]]:
    parts: list[Part] = []
    prices: list[BilledPrice] = []
    for group in matched.groups:
        causes, found = _causes(group, rates)
        parts += [Part(cause, group.scope, group.model, amount) for cause, amount in causes.items()]
        prices += found
    for scope in sorted(matched.billed_fees.keys() | matched.ledger_fees.keys(), key=lambda each: each or ""):
        amount = matched.billed_fees.get(scope, 0) - matched.ledger_fees.get(scope, 0)
        cause = Cause.TOOL_FEES if scope in seen or scope is None else Cause.NOT_INSTRUMENTED
        parts.append(Part(cause, scope, None, amount))
    parts += [Part(Cause.UNMAPPED, None, None, amount) for amount in matched.unmapped.values()]
    return parts, prices


def _causes(group: Group, card: CardRates) -> tuple[dict[Cause, int], Sequence[BilledPrice]]:
    if not group.ledger:
        return {Cause.NOT_INSTRUMENTED: group.billed}, ()
    if not group.bill:
        return {Cause.NOT_BILLED: -group.cost}, ()
    if not any(day.quantities or day.requests for day in group.bill.values()):
        return {Cause.NO_QUANTITIES: group.billed - group.cost}, ()
    rates = GroupRates(group.model, {day: each.charged for day, each in group.ledger.items()}, card)
    walked, priced = walk(group, rates), price_gap(group, rates)
    causes: dict[Cause, int] = defaultdict(int)
    for found in (walked, priced.causes):
        for cause, amount in found.items():
            causes[cause] += amount
    # A charge without a quantity has no place in the steps above.
    causes[Cause.UNEXPLAINED] += group.billed - group.cost - sum(causes.values())
    return causes, priced.prices


def _moved(
    ledger: Iterable[LedgerCell], judged: frozenset[date], breaks: DayBreak, apart: frozenset[str]
) -> Iterator[Part]:
    """Yield what the ledger has on one side of the period's edge and the bill, by its own days, on the other."""
    moved: dict[tuple[str | None, str | None], int] = defaultdict(int)
    for cell in ledger:
        if cell.mode not in apart:
            side = (breaks(cell.hour) in judged) - (UTC_DAYS(cell.hour) in judged)
            moved[cell.scope, cell.model] += side * _of(cell)
    for (scope, model), amount in moved.items():
        yield Part(Cause.BOUNDARY, scope, model, amount)


def _unseen(matched: Matched) -> dict[Origin, int]:
    billed: dict[Origin, int] = defaultdict(int)
    for group in matched.groups:
        if not group.ledger:
            for origin, amount in matched.origin_billed.get((group.scope, group.model), {}).items():
                billed[origin] += amount
    return {origin: amount for origin, amount in billed.items() if amount}


def _billed(cells: Iterable[BillCell]) -> int:
    return sum(cell.billed_amount or 0 for cell in cells if cell.kind not in (Kind.APART, Kind.USAGE))


def _cost(cells: Iterable[LedgerCell], apart: frozenset[str]) -> int:
    return sum(_of(cell) for cell in cells if cell.mode not in apart)


def _of(cell: LedgerCell) -> int:
    return sum(line.cost for line in cell.lines.values())
