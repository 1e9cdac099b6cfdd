"""Conformance battery for ledger engines: what postings and answers mean, checked against the store in memory.

An engine's own test file subclasses `StoreContract` under a name pytest collects and gives it a fixture `store` that
returns an empty store. The generators are seeded by whoever calls them, Hypothesis included.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from math import isclose
from random import Random
from typing import Final

from costspan.core.attribution import Attribution
from costspan.core.call import Call, Role, UsageState
from costspan.core.charge import Charge, PricedUsage, PriceStatus, RateReference
from costspan.core.clock import ns_from_utc
from costspan.core.link import Link
from costspan.core.money import PicoUsd
from costspan.core.period import Period
from costspan.core.units import Unit
from costspan.core.usage import Usage
from costspan.core.zone import Zone
from costspan.semconv.sampling import AdjustedCount
from costspan.semconv.settlement.settle import Settled
from costspan.server.store.cells import CellsQuestion
from costspan.server.store.entry import Batch, Entry, Posting
from costspan.server.store.memory import MemoryStore
from costspan.server.store.ports import Store
from costspan.server.store.question import (
    COLUMNS,
    MEASURES,
    ORDERS,
    Filter,
    Interval,
    Spend,
    SpendAnswer,
    SpendQuestion,
)
from costspan.server.store.spend_series import COLUMNS as SERIES_COLUMNS
from costspan.server.store.spend_series import SeriesQuestion

EPOCH: Final = datetime(2026, 10, 31, 22, 0, tzinfo=UTC)
"""Two hours before a day and a month end."""
EVER: Final = Period(datetime(1970, 1, 1, tzinfo=UTC), datetime(2262, 1, 1, tzinfo=UTC))
QUANTILES: Final = ("latency_ms", "ttft_ms")
SUMS: Final = tuple(name for name in MEASURES if name not in QUANTILES)
SUMS_OF_ROWS: Final = tuple(name for name in SUMS if not name.startswith("estimated_cost"))
"""An estimate exists where any call says how it was sampled, so rows without have none; errors add as squares."""
TOLERANCE_MS: Final = 0.0011
"""Quantiles are interpolated in doubles and rounded to 0.001 ms; two engines may round the last digit differently."""

_TEXTS: Final = (None, "a", "A", "b", "aa", "ä", "日本", "x'y\"z", "50%_", "a b", "x\0y", "\\", "\U0001f600")
_KEYS: Final = (*COLUMNS, "tag.plan", "tag.it's", 'tag.a"b]', "tag.?")
_ZONES: Final = tuple(map(Zone, ("UTC", "UTC", "Europe/Berlin", "Asia/Kathmandu", "America/St_Johns")))
_STATUSES: Final = tuple(PriceStatus)


@dataclass(frozen=True, slots=True)
class Planned:
    """A posting before any store has numbered its entries: new ones, ones to take back, and what stands for those."""

    entries: Sequence[Entry]
    taken_back: Sequence[Entry] = ()
    corrected: Sequence[Entry] = ()


def seeded(seed: int) -> Random:
    """Return a source of test data that is the same in every run."""
    return Random(seed)  # noqa: S311 - no secret is made of it


def random_postings(random: Random, count: int) -> list[Planned]:
    """Return postings of `count` entries in all, over four hours, some of them taken back or corrected later."""
    planned: list[Planned] = []
    standing: list[Entry] = []
    while count > 0:
        entries = [_entry(random, count - i) for i in range(min(count, random.choice((1, 2, 7))))]
        taken_back = random.sample(standing, random.randint(0, min(2, len(standing))))
        corrected = [_corrected(random, entry) for entry in taken_back if random.random() < 0.8]
        standing = [entry for entry in standing if entry not in taken_back] + entries + corrected
        planned.append(Planned(entries, taken_back, corrected))
        count -= len(entries)
    return planned


def play(store: Store, planned: Iterable[Planned]) -> None:
    """Commit postings one after the other."""
    for posting in planned:
        recorded = Batch([entry.call for entry in posting.taken_back])
        standing = store.neighbourhood(recorded).standing if posting.taken_back else {}
        reversed_entry_ids = [standing[call.identity].entry_id for call in recorded.calls]
        batch = Batch([entry.call for entry in posting.entries])
        store.commit(Posting(batch, reversed_entry_ids, [*posting.entries, *posting.corrected]))


def random_question(random: Random) -> SpendQuestion:
    """Return a question over about the time of `random_entries`."""
    since = EPOCH + timedelta(minutes=random.choice((-60, 0, 61, 119, 120)))
    length = timedelta(minutes=random.choice((0, 1, 60, 300)), microseconds=random.choice((0, 1)))
    return SpendQuestion(
        period=Period(since, since + length),
        group_by=tuple(random.sample(_KEYS, random.randint(0, 3))),
        interval=random.choice(tuple(Interval)),
        zone=random.choice(_ZONES),
        filters=tuple(
            Filter(random.choice(_KEYS), random.choice((*_TEXTS, "1", "priced")), random.random() < 0.3)
            for _ in range(random.choice((0, 0, 1, 2, 4)))
        ),
        order=random.choice(ORDERS),
        ascending=random.random() < 0.5,
        limit=random.choice((None, None, 1, 2, 5)),
    )


def _corrected(random: Random, entry: Entry) -> Entry:
    call = replace(entry.call, attribution=Attribution(team="late"), attempt=2)
    return replace(entry, settled=replace(entry.settled, call=call, role=random.choice(tuple(Role))))


def _entry(random: Random, number: int) -> Entry:
    def some() -> str | None:
        return random.choice(_TEXTS)

    started_at_ns = ns_from_utc(EPOCH) + random.choice((0, 1, 60, 120, 239)) * 60 * 10**9 + random.randint(0, 10**10)
    call = Call(
        trace_id=f"{random.randint(1, 3):032x}",
        span_id=f"{number if number % 2 else 2**64 - number:016x}",
        parent_span_id=random.choice((None, "f" * 16)),
        started_at_ns=started_at_ns,
        ended_at_ns=started_at_ns + random.choice((-1, 0, 1, 10**6, 123_456_789, 10**13)),
        dialect=random.choice(("otel_genai", "openinference")),
        call_count=random.choice((1, 1, 1, 0, 7)),
        operation=random.choice(("chat", "embeddings")),
        provider=some(),
        requested_model=some(),
        response_model=some(),
        response_id=random.choice((None, None, "r1", "r2")),
        mode=random.choice(("standard", "batch")),
        usage=_usage(random),
        usage_state=random.choice(tuple(UsageState)),
        finish_reason=random.choice((None, "stop", "length")),
        error_type=random.choice((None, None, "timeout")),
        time_to_first_chunk_s=random.choice((None, 0.0, 0.25, 3.141592653, -1.0, 1e9)),
        attempt=random.choice((1, 1, 2, 11)),
        attribution=Attribution(
            service=some(), environment=some(), feature=some(), team=some(), user_id=some(), session=some(),
            agent=some(), tool=some(),
            tags={key.removeprefix("tag."): value for key in _KEYS[len(COLUMNS):] if (value := some())},
        ),
    )  # fmt: skip
    adjusted = random.choice((None, None, AdjustedCount(2**56), AdjustedCount(2**54), AdjustedCount(3)))
    settled = Settled(call, random.choice((Role.OWNER, *Role)), adjusted=adjusted)
    return Entry(settled, _priced(random, call.usage), "sha256:test")


def _usage(random: Random) -> Usage:
    return Usage({unit: random.choice((1, 1000, 10**9)) for unit in random.sample(tuple(Unit), random.randint(0, 4))})


def _priced(random: Random, usage: Usage) -> PricedUsage:
    status = random.choice(_STATUSES)
    rate = RateReference(
        rate_id="r", provider="openai", model=random.choice(("gpt-a", "gpt-b")), mode="standard", matched_by="exact",
        valid_from=None, valid_to=None, source="test", checked="2026-11-20",
    )  # fmt: skip
    charges = tuple(
        Charge(unit, quantity, Decimal("0.15"), 10**6, PicoUsd(cost + random.randint(0, 9)), PicoUsd(cost))
        for unit, quantity in usage
        for cost in (random.choice((0, 1, 333_333_333_333, 10**18)),)
    )
    known = random.random() < 0.7
    return PricedUsage(
        status=status,
        charges=charges if status.has_cost else (),
        rate=rate if known else None,
        provider="openai" if known else None,
        model=rate.model if known else None,
        cache_savings=random.choice((None, PicoUsd(0), PicoUsd(7), PicoUsd(-3))),
    )


def assert_same(found: SpendAnswer, expected: SpendAnswer) -> None:
    """Raise AssertionError, naming the first difference, unless two answers agree: exactly, quantiles to 0.001 ms."""
    _check([(row.key, row.start) for row in found.rows], [(row.key, row.start) for row in expected.rows], "rows")
    for mine, theirs in zip(found.rows, expected.rows, strict=True):
        _same_spend(mine.spend, theirs.spend, f"row {mine.key} {mine.start}")
    _same_spend(found.total, expected.total, "total")


def _same_spend(found: Spend, expected: Spend, where: str) -> None:
    for name in SUMS:
        _check(getattr(found, name), getattr(expected, name), f"{where}, {name}")
    for name in QUANTILES:
        mine, theirs = getattr(found, name) or (), getattr(expected, name) or ()
        near = len(mine) == len(theirs) and all(abs(a - b) < TOLERANCE_MS for a, b in zip(mine, theirs, strict=True))
        _check(near or (mine, theirs), True, f"{where}, {name}")


def _check(found: object, expected: object, what: str) -> None:
    # A standard error is a square root of a sum of doubles, whose last digits depend on the order of adding.
    near = isinstance(found, float) and isinstance(expected, float) and isclose(found, expected, rel_tol=1e-9)
    if found != expected and not near:
        raise AssertionError(f"{what}: found {found!r}, expected {expected!r}")


def _summed(amounts: Iterable[int | None]) -> int | None:
    known = [amount for amount in amounts if amount is not None]
    return sum(known) if known else None


class StoreContract:
    """Tests every engine passes. The fixture `store` is the subclass's: an empty store."""

    def test_what_was_recorded_is_known_by_its_identity(self, store: Store) -> None:
        """A record is known once it was committed, whatever else its second delivery says."""
        first, second = _entry(seeded(1), 1), _entry(seeded(2), 2)
        again = replace(first.call, provider="sent again")
        _check(store.known(Batch([first.call])), frozenset(), "known before")
        play(store, [Planned([first])])
        _check(store.known(Batch([again, second.call])), frozenset({again.identity}), "known after")
        _check(store.known(Batch()), frozenset(), "known of nothing")

    def test_an_empty_ledger_has_no_money_rather_than_zero(self, store: Store) -> None:
        """Without calls the counts are 0 and the amounts unknown."""
        _check(store.spend(SpendQuestion(EVER, ("model",))), SpendAnswer((), Spend()), "answer")
        _check(store.summary().calls, 0, "calls")

    def test_any_question_is_answered_as_in_memory(self, store: Store) -> None:
        """Rows, their order, totals, filters, intervals and limits agree with the store in memory."""
        random = seeded(20261101)
        self._answers_as_memory(store, random_postings(random, 80), random, questions=40)

    def test_a_neighbourhood_is_given_back_as_it_was_recorded(self, store: Store) -> None:
        """Calls come back whole, with all that their traces and response ids lead to, and with what stands for them."""
        random, reference = seeded(13), MemoryStore()
        planned = random_postings(random, 40)
        for engine in (store, reference):
            play(engine, planned)
        link = Link(trace_id=f"{2:032x}", span_id="b" * 16, parent_span_id=None, started_at_ns=ns_from_utc(EPOCH))
        for engine in (store, reference):
            engine.commit(Posting(Batch((), [link]), (), ()))
        found, expected = (engine.neighbourhood(Batch((), [link])) for engine in (store, reference))
        _check({call.identity: call for call in found.calls}, {call.identity: call for call in expected.calls}, "calls")
        _check([one.identity for one in found.links], [one.identity for one in expected.links], "links")
        digests = [{key: one.digest for key, one in around.standing.items()} for around in (found, expected)]
        _check(digests[0], digests[1], "what stands")

    def test_the_order_of_arrival_does_not_matter(self, store: Store) -> None:
        """One posting and many in another order give the same answers."""
        random = seeded(7)
        entries = [entry for posting in random_postings(random, 40) for entry in posting.entries]
        play(store, [Planned([entry]) for entry in reversed(entries)])
        self._answers_as_memory(store, [Planned(entries)], random, played=True)

    def test_an_entry_taken_back_leaves_nothing_behind(self, store: Store) -> None:
        """After every entry was taken back all totals are those of an empty ledger, unknown money aside."""
        entries = [_entry(seeded(number), number) for number in range(1, 21)]
        play(store, [Planned(entries), Planned((), entries)])
        total = store.spend(SpendQuestion(EVER)).total
        _check({name: getattr(total, name) or 0 for name in SUMS}, dict.fromkeys(SUMS, 0), "total")
        _check([getattr(total, name) for name in QUANTILES], [None, None], "quantiles")

    def test_the_rows_sum_to_the_total(self, store: Store) -> None:
        """Every measure that is a sum is the sum of its rows, whatever the grouping."""
        random = seeded(11)
        play(store, random_postings(random, 60))
        for key in _KEYS:
            answer = store.spend(SpendQuestion(EVER, (key,), random.choice(tuple(Interval))))
            for name in SUMS_OF_ROWS:
                rows = _summed(getattr(row.spend, name) for row in answer.rows)
                _check(rows, getattr(answer.total, name), f"{name} by {key}")
            total = answer.total
            _check(total.billed_calls + total.unpriced_calls + total.errors, total.calls, f"disjoint calls by {key}")

    def test_the_ledgers_side_of_a_bill_is_as_in_memory(self, store: Store) -> None:
        """Quantities and cost by hour, model, mode and unit agree, whatever tells them apart and was taken back."""
        random, reference = seeded(17), MemoryStore()
        planned = random_postings(random, 60)
        for engine in (store, reference):
            play(engine, planned)
        for scope_by in (None, *random.sample(_KEYS, 6)):
            for provider in ("openai", "a"):
                hours = random.choice((1, 3, 30))
                question = CellsQuestion(Period(EPOCH, EPOCH + timedelta(hours=hours)), provider, scope_by)
                found, expected = (list(engine.ledger_cells(question)) for engine in (store, reference))
                _check(found, expected, f"cells by {scope_by} of {provider} in {hours} h")

    def test_the_series_of_five_minutes_is_as_in_memory(self, store: Store) -> None:
        """Groups in their order, buckets and sums of logarithms agree with the store in memory."""
        random, reference = seeded(29), MemoryStore()
        planned = random_postings(random, 60)
        for engine in (store, reference):
            play(engine, planned)
        for _ in range(20):
            asked = random_question(random)
            question = SeriesQuestion(asked.period, asked.group_by, asked.filters, asked.limit)
            found, expected = store.spend_series(question), reference.spend_series(question)
            _check(found.keys, expected.keys, "groups")
            _check(list(found.group), list(expected.group), "group of each row")
            _check(list(found.bucket), list(expected.bucket), "bucket of each row")
            for name in SERIES_COLUMNS:
                pairs = zip(found.columns[name], expected.columns[name], strict=True)
                apart = [pair for pair in pairs if not isclose(*pair, rel_tol=1e-9, abs_tol=1e-6)]
                _check(apart, [], name)

    def test_the_earliest_call_of_what_was_posted_since_a_look_is_known(self, store: Store) -> None:
        """A reader that looks again learns from when on it must read anew, also of what was taken back."""
        random, reference = seeded(31), MemoryStore()
        for planned in random_postings(random, 20):
            before = store.touched(), reference.touched()
            for engine in (store, reference):
                play(engine, [planned])
            found, expected = store.touched(before[0].posted_at), reference.touched(before[1].posted_at)
            _check(found.since, expected.since, "earliest call posted")

    @staticmethod
    def _answers_as_memory(
        store: Store, planned: Sequence[Planned], random: Random, questions: int = 20, *, played: bool = False
    ) -> None:
        reference = MemoryStore()
        play(reference, planned)
        if not played:
            play(store, planned)
        for _ in range(questions):
            question = random_question(random)
            assert_same(store.spend(question), reference.spend(question))
