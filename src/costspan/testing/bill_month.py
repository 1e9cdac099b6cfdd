"""A month whose truth is known: what was called hour by hour, the bill for it, and a ledger with chosen faults.

Each fault says how many dollars it makes, so that a reconciliation can be held against them. Faults are made in the
order a ledger makes them: from the truth come our prices, then modes that are not told apart, then cached input taken
for uncached, then tokens left out, then calls lost or counted twice, then days that begin elsewhere.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Final

from costspan.core.attribution import Attribution
from costspan.core.call import STANDARD_MODE, Call, Role, Signal
from costspan.core.clock import NS_PER_S, ns_from_utc
from costspan.core.money import PICO_PER_USD
from costspan.core.period import Period
from costspan.core.units import Unit
from costspan.core.usage import Usage
from costspan.pricing.load import load_rate_card
from costspan.pricing.price_call import price_call, price_usage
from costspan.pricing.rate_card import RateCard
from costspan.semconv.settlement.settle import Settled
from costspan.server.reconciliation.bill import Bill, BillCell, Kind
from costspan.server.store.cells import LedgerCell, LedgerLine
from costspan.server.store.entry import Entry

OCTOBER: Final = Period(datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC))
SEARCH_FEE: Final = 12 * PICO_PER_USD
"""Billed for searches each day where their fees are in the ledger of nobody."""
_MARGIN: Final = timedelta(days=1)
_WRONG: Final = ({"provider": "openai", "model": "gpt-5-mini", "from": "2026-10-01", "input": "0.30",
                  "cache_read": "0.03", "output": "2.40", "modes": {"batch": "x0.5"}},)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """Steady traffic of one service: calls an hour at noon, tokens a call, and what part is batched or cached."""

    project: str
    api_key: str
    model: str
    calls: int
    input_tokens: int
    output_tokens: int
    cached_percent: int = 0
    batch_percent: int = 0


STREAMS: Final = (
    Stream(project="web", api_key="key_web", model="gpt-5", calls=900, input_tokens=2600, output_tokens=320,
           cached_percent=40, batch_percent=25),
    Stream(project="web", api_key="key_web", model="gpt-5-mini", calls=2500, input_tokens=900, output_tokens=150,
           cached_percent=10),
    Stream(project="ops", api_key="key_ops", model="gpt-5", calls=300, input_tokens=5200, output_tokens=700,
           cached_percent=60, batch_percent=20),
    Stream(project="ops", api_key="key_ops", model="gpt-5-mini", calls=400, input_tokens=1500, output_tokens=90),
    Stream(project="shadow", api_key="key_shadow", model="gpt-5-mini", calls=350, input_tokens=700,
           output_tokens=200),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """What one service used in one hour of one mode."""

    hour: datetime
    project: str
    api_key: str
    model: str
    mode: str
    calls: int
    quantities: Mapping[Unit, int]


Truth = Sequence[Used]


@dataclass(frozen=True, slots=True, kw_only=True)
class Faulty:
    """A bill, the ledger beside it and what was recorded in it, the card it is priced by, and the dollars of each fault
    in pico-dollars."""

    bill: Bill
    ledger: Sequence[LedgerCell]
    recorded: Truth
    card: RateCard
    injected: Mapping[str, int]
    days: frozenset[date] = field(default_factory=frozenset)


def truth_of(streams: Iterable[Stream] = STREAMS, period: Period = OCTOBER) -> list[Used]:
    """Return what was called in a period and a day around it: busy by day, quiet by night and at the weekend."""
    hours = int((period.until - period.since + 2 * _MARGIN) / timedelta(hours=1))
    found: list[Used] = []
    for number in range(hours):
        hour = period.since - _MARGIN + timedelta(hours=number)
        for stream in streams:
            found += _in_hour(stream, hour, number)
    return found


def _in_hour(stream: Stream, hour: datetime, number: int) -> Iterator[Used]:
    busy = 25 + 75 * max(0, 7 - abs(hour.hour - 15)) // 7
    weekend = 40 if hour.weekday() >= 5 else 100
    calls = stream.calls * busy * weekend * (90 + number * 7 % 21) // 1_000_000
    batched = calls * stream.batch_percent // 100
    for mode, count in ((STANDARD_MODE, calls - batched), ("batch", batched)):
        if count:
            # What is batched is rarely cached.
            cached = 0 if mode == "batch" else count * stream.input_tokens * stream.cached_percent // 100
            quantities: dict[Unit, int] = {
                Unit.INPUT: count * stream.input_tokens - cached,
                Unit.CACHE_READ: cached,
                Unit.OUTPUT: count * stream.output_tokens,
            }
            yield Used(hour=hour, project=stream.project, api_key=stream.api_key, model=stream.model, mode=mode,
                       calls=count, quantities={u: n for u, n in quantities.items() if n})  # fmt: skip


def _no_batch(each: Used) -> Used:
    return replace(each, mode=STANDARD_MODE) if each.model == "gpt-5" else each


def _no_cache(each: Used) -> Used:
    cached = each.quantities.get(Unit.CACHE_READ, 0)
    if each.project != "ops" or not cached:
        return each
    rest: dict[Unit, int] = {unit: n for unit, n in each.quantities.items() if unit is not Unit.CACHE_READ}
    rest[Unit.INPUT] = rest.get(Unit.INPUT, 0) + cached
    return replace(each, quantities=rest)


def _no_reasoning(each: Used) -> Used:
    if each.model != "gpt-5":
        return each
    quantities = dict(each.quantities)
    quantities[Unit.OUTPUT] = quantities[Unit.OUTPUT] * 9 // 10
    return replace(each, quantities=quantities)


def _times(each: Used, numerator: int, denominator: int) -> Used:
    calls = each.calls * numerator // denominator
    quantities = {unit: n * calls // each.calls for unit, n in each.quantities.items()}
    return replace(each, calls=calls, quantities=quantities)


def _lost(each: Used) -> Used:
    return _times(each, 19, 20) if each.model == "gpt-5-mini" else each


def _twice(each: Used) -> Used:
    return _times(each, 2, 1) if (each.project, each.model) == ("ops", "gpt-5") else each


LEDGER_FAULTS: Final[Mapping[str, Callable[[Used], Used]]] = {
    "tier_mix": _no_batch,
    "cache_split": _no_cache,
    "token_count": _no_reasoning,
    "missing_traffic": _lost,
    "duplicate_records": _twice,
}
"""Cause -> what it does to an hour of the ledger, in the order in which ledgers make them."""
FAULTS: Final = ("not_instrumented", "price_table", *LEDGER_FAULTS, "boundary", "tool_fees", "contract_discount")


def faulty_month(
    faults: Iterable[str],
    *,
    streams: Iterable[Stream] = STREAMS,
    zone: tzinfo = UTC,
    provider: str = "openai",
    scoped: bool = True,
) -> Faulty:
    """Return October with `faults` (of FAULTS). `boundary` needs `zone`: whose days the bill has.

    With `scoped` the ledger knows the projects.
    """
    chosen = frozenset(faults)
    truth, true_card = truth_of(streams), load_rate_card([])
    card = load_rate_card(_WRONG) if "price_table" in chosen else true_card
    days = frozenset((OCTOBER.since + timedelta(days=number)).date() for number in range(31))
    billed_zone = zone if "boundary" in chosen else UTC
    billed = [each for each in truth if each.hour.astimezone(billed_zone).date() in days]
    injected: dict[str, int] = {}
    cells = [*_bill_cells(billed, true_card, billed_zone, provider)]
    ledger: list[Used] = list(truth)
    if "not_instrumented" in chosen:
        ledger = [each for each in truth if each.project != "shadow"]
        injected["not_instrumented"] = _value([each for each in billed if each.project == "shadow"], true_card)
    here = [each for each in ledger if each.hour.astimezone(billed_zone).date() in days]
    value = _value(here, true_card)
    steps: list[tuple[str, Callable[[Used], Used]]] = [("price_table", lambda each: each), *LEDGER_FAULTS.items()]
    for cause, change in steps:
        if cause in chosen:
            here, ledger = [change(each) for each in here], [change(each) for each in ledger]
            now = _value(here, card)
            injected[cause], value = value - now, now
    if "boundary" in chosen:
        injected["boundary"] = value - _value([each for each in ledger if each.hour.date() in days], card)
    if "tool_fees" in chosen:
        cells += [_fee(day, provider) for day in sorted(days)]
        injected["tool_fees"] = SEARCH_FEE * len(days)
    if "contract_discount" in chosen:
        cells = [_discounted(cell) for cell in cells]
        injected["contract_discount"] = sum(
            (cell.billed_amount or 0) - cell.list_amount for cell in cells if cell.list_amount is not None
        )
    known = frozenset({Unit.INPUT, Unit.CACHE_READ, Unit.OUTPUT})
    return Faulty(
        bill=Bill(provider=provider, cells=tuple(cells), tells_apart=known, source="truth"),
        ledger=[_ledger_cell(each, card, provider, scoped=scoped) for each in ledger],
        recorded=ledger,
        card=card,
        injected=injected,
        days=days,
    )


def entries_of(month: Faulty, provider: str = "openai") -> Iterator[Entry]:
    """Yield what a ledger holds of a month: an entry for each hour, model and mode, as a token metric gives it."""
    for number, each in enumerate(month.recorded, start=1):
        start_ns = ns_from_utc(each.hour)
        call = Call(
            trace_id="",
            span_id="",
            parent_span_id=None,
            started_at_ns=start_ns,
            ended_at_ns=start_ns + 60 * NS_PER_S,
            dialect="otel_genai",
            signal=Signal.METRIC,
            event_key=f"hour-{number}",
            call_count=each.calls,
            provider=provider,
            response_model=each.model,
            mode=each.mode,
            usage=Usage(each.quantities),
            attribution=Attribution(service=each.project, tags={"project": each.project}),
        )
        yield Entry(Settled(call, Role.OWNER), price_call(call, month.card), month.card.version)


def _value(used: Iterable[Used], card: RateCard) -> int:
    return sum(line.cost for each in used for line in _lines(each, card).values())


def _lines(each: Used, card: RateCard) -> dict[Unit, LedgerLine]:
    lines = {}
    for unit, quantity in each.quantities.items():
        rate = _rate(card, each.model, each.mode, unit, each.hour.date())
        lines[unit] = LedgerLine(quantity, quantity * rate, quantity * rate)
    return lines


_RATES: Final[dict[tuple[str, str, str, Unit], int]] = {}


def _rate(card: RateCard, model: str, mode: str, unit: Unit, day: date) -> int:
    """Return whole pico-dollars for one token; the models of this month have such prices."""
    key = card.version, model, mode, unit
    if key not in _RATES:
        at = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
        priced = price_usage(card, Usage({unit: 1000}), provider=None, models=[model], mode=mode, at=at)
        [charge] = [each for each in priced.charges if each.unit is unit]
        _RATES[key], rest = divmod(charge.cost, 1000)
        if rest:
            raise ValueError(f"{model} has no whole price for {unit}")
    return _RATES[key]


def _bill_cells(used: Iterable[Used], card: RateCard, zone: tzinfo, provider: str) -> Iterator[BillCell]:
    requests: dict[tuple[date, str, str, str, str], int] = defaultdict(int)
    quantities: dict[tuple[date, str, str, str, str, Unit], int] = defaultdict(int)
    for each in used:
        key = each.hour.astimezone(zone).date(), each.project, each.api_key, each.model, each.mode
        requests[key] += each.calls
        for unit, quantity in each.quantities.items():
            quantities[*key, unit] += quantity
    for (day, project, api_key, model, mode), count in requests.items():
        yield BillCell(day=day, provider=provider, kind=Kind.USAGE, project=project, api_key=api_key, model=model,
                       mode=mode, requests=count)  # fmt: skip
    for (day, project, api_key, model, mode, unit), quantity in quantities.items():
        used_cell = BillCell(day=day, provider=provider, kind=Kind.USAGE, project=project, api_key=api_key,
                             model=model, mode=mode, unit=unit, quantity=quantity)  # fmt: skip
        amount = quantity * _rate(card, model, mode, unit, day)
        yield used_cell
        yield replace(used_cell, kind=Kind.CHARGE, quantity=None, list_amount=amount, billed_amount=amount)


def _fee(day: date, provider: str) -> BillCell:
    return BillCell(day=day, provider=provider, kind=Kind.FEE, project="web", line_item="web search tool calls",
                    unit=Unit.WEB_SEARCH, list_amount=SEARCH_FEE, billed_amount=SEARCH_FEE)  # fmt: skip


def _discounted(cell: BillCell) -> BillCell:
    if cell.kind is not Kind.CHARGE or cell.model != "gpt-5" or cell.list_amount is None:
        return cell
    return replace(cell, billed_amount=cell.list_amount * 95 // 100)


def _ledger_cell(each: Used, card: RateCard, provider: str, *, scoped: bool) -> LedgerCell:
    return LedgerCell(
        hour=each.hour,
        provider=provider,
        model=each.model,
        mode=each.mode,
        scope=each.project if scoped else None,
        calls=each.calls,
        lines=_lines(each, card),
    )
