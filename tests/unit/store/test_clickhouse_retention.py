"""On ClickHouse too what is past its time goes in rows and stays in totals; what comes later is told so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from clickhouse_node import needs_clickhouse
from costspan.core.attribution import Attribution
from costspan.core.call import Call
from costspan.core.clock import ns_from_utc
from costspan.core.period import Period
from costspan.core.units import Unit
from costspan.core.usage import Usage
from costspan.pricing.load import load_rate_card
from costspan.server.pipeline.caretaker import Caretaker
from costspan.server.pipeline.settlement import NO_RULES, post
from costspan.server.pipeline.settler import Settler
from costspan.server.store.calls import CallsQuestion
from costspan.server.store.cells import CellsQuestion
from costspan.server.store.entry import Batch
from costspan.server.store.question import Filter, Interval, SpendQuestion
from costspan.server.store.upkeep import Removed, Retention

pytestmark = needs_clickhouse
CARD = load_rate_card()
NOW = datetime(2026, 11, 20, 12, 30, tzinfo=UTC)
YEAR = Period(NOW - timedelta(days=365), NOW)
KEPT_SINCE = datetime(2026, 11, 10, tzinfo=UTC)
TEN_DAYS = Retention(calls=timedelta(days=10))
USERS = ("ada", "bob", "cy")


class Ledger:
    """A ledger with who keeps it."""

    def __init__(self, url: str) -> None:
        from costspan.server.store.clickhouse.connection import parse_target
        from costspan.server.store.clickhouse.store import ClickHouseStore
        from costspan.server.store.clickhouse.upkeep import ClickHouseUpkeep

        self.store = ClickHouseStore(parse_target(url), clock=lambda: NOW)
        self.upkeep = ClickHouseUpkeep(self.store)
        self.caretaker = Caretaker(lambda act: act(), self.upkeep, TEN_DAYS, lambda: NOW)

    def take(self, *calls: Call) -> None:
        post(self.store, Batch(calls), CARD)

    def total(self, period: Period = YEAR, **asked) -> int:
        return self.store.spend(SpendQuestion(period, **asked)).total.calls


@pytest.fixture
def kept(node) -> Iterator[Ledger]:
    ledger = Ledger(node.url())
    yield ledger
    ledger.store.close()


def call(number: int, days_ago: float) -> Call:
    started_at_ns = ns_from_utc(NOW - timedelta(days=days_ago))
    return Call(
        trace_id=f"{number:032x}",
        span_id=f"{number:016x}",
        parent_span_id=None,
        dialect="otel_genai",
        provider="openai",
        requested_model="gpt-5",
        started_at_ns=started_at_ns,
        ended_at_ns=started_at_ns + 8 * 10**8,
        usage=Usage({Unit.INPUT: 1000, Unit.OUTPUT: 10}),
        attribution=Attribution(user_id=USERS[number % 3], service="shop"),
    )


def month_of_calls() -> list[Call]:
    return [call(number, days_ago=number) for number in range(1, 61)]


def sums(answer):
    def plain(spend):
        return spend.calls, spend.cost, spend.input_tokens, spend.output_cost

    return plain(answer.total), [(row.key, row.start, plain(row.spend)) for row in answer.rows]


def test_rows_go_and_every_total_stays(kept: Ledger) -> None:
    questions = [
        SpendQuestion(YEAR, group_by=key, interval=interval)
        for key in ((), ("model",), ("service", "price_status"))
        for interval in Interval
    ]
    cells = CellsQuestion(YEAR, "openai")
    kept.take(*month_of_calls())
    before = [kept.store.spend(question) for question in questions]
    hours = [cell.hour for cell in kept.store.ledger_cells(cells)]
    assert kept.caretaker.round() == Removed(calls=50)
    assert [sums(kept.store.spend(question)) for question in questions] == list(map(sums, before))
    assert [cell.hour for cell in kept.store.ledger_cells(cells)] == hours
    assert len(kept.store.calls(CallsQuestion(YEAR, limit=100)).rows) == 10
    assert kept.store.kept_since() == KEPT_SINCE
    assert kept.store.summary().first_call_at == datetime(2026, 9, 21, 12, tzinfo=UTC)
    edges = [YEAR.since, *(NOW - timedelta(days=days, minutes=20) for days in (25, 12, 10, 9.97, 3)), NOW]
    assert sum(kept.total(Period(*ends)) for ends in pairwise(edges)) == 60
    assert kept.caretaker.verify().is_well
    assert kept.caretaker.round() == Removed()


def test_months_that_are_past_leave_the_disk(kept: Ledger) -> None:
    kept.take(*month_of_calls())
    kept.caretaker.round()
    months = kept.store.connection.rows(
        "SELECT DISTINCT partition FROM system.parts WHERE database = currentDatabase() AND active "
        "AND table IN ('calls', 'charges', 'records') AND rows > 0"
    )
    assert months == [("202611",)]


def test_who_it_was_is_unknown_for_the_time_before_and_the_answer_says_so(kept: Ledger) -> None:
    kept.take(*month_of_calls())
    kept.caretaker.round()
    by_user = kept.store.spend(SpendQuestion(YEAR, ("user",), order="calls", limit=4))
    assert {row.key: row.spend.calls for row in by_user.rows} == {("ada",): 3, ("bob",): 4, ("cy",): 3, (None,): 50}
    assert (by_user.total.calls, by_user.keys_since) == (60, KEPT_SINCE)
    assert by_user.rows[0].spend.latency_ms is not None
    ada = kept.store.spend(SpendQuestion(YEAR, filters=(Filter("user", "ada"),)))
    assert (ada.total.calls, ada.keys_since) == (3, KEPT_SINCE)
    assert kept.store.spend(SpendQuestion(Period(KEPT_SINCE, NOW), ("user",))).keys_since is None
    named = kept.store.connection.rows("SELECT count() FROM user_rollups WHERE day < '2026-11-10'")
    assert named == [(0,)]


def test_a_call_that_comes_while_rows_go_is_counted_and_one_that_comes_after_is_left_out(kept: Ledger) -> None:
    kept.take(*month_of_calls())
    kept.upkeep.roll_up(1)
    kept.take(call(100, days_ago=25))
    assert kept.upkeep.retain(TEN_DAYS, NOW).calls == 50
    assert kept.total() == 61
    kept.caretaker.round()
    assert kept.total() == 61
    # A receiver that had not heard of it took these, one of which was counted before.
    kept.store.leave(Batch([call(30, days_ago=30), call(101, days_ago=30), call(102, days_ago=2)]))
    Settler(kept.store, CARD, NO_RULES).round()
    assert kept.total() == 62
    assert kept.caretaker.verify().is_well


def test_nor_does_a_batch_bring_it_back_of_which_a_call_cannot_be_stored(kept: Ledger) -> None:
    kept.take(*month_of_calls())
    kept.caretaker.round()
    spoiled = replace(call(201, days_ago=2), usage=Usage({Unit.INPUT: 2**63}))
    kept.store.leave(Batch([call(30, days_ago=30), spoiled, call(202, days_ago=2)]))
    Settler(kept.store, CARD, NO_RULES).round()
    assert kept.total() == 61


def test_what_was_cut_off_between_the_mark_and_the_rows_is_counted_once_and_goes_later(
    kept: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept.take(*month_of_calls())
    kept.upkeep.roll_up(1)

    def killed(*_: object) -> None:
        raise ConnectionError("killed")

    with monkeypatch.context() as cut:
        cut.setattr(kept.store.connection, "remove", killed)
        with pytest.raises(ConnectionError):
            kept.upkeep.retain(TEN_DAYS, NOW)
    assert kept.total() == 60
    assert kept.upkeep.retain(TEN_DAYS, NOW) == Removed(calls=50)
    assert kept.total() == 60


def test_the_default_keeps_every_call(kept: Ledger) -> None:
    kept.take(*month_of_calls())
    assert kept.upkeep.retain(Retention(), NOW) == Removed()
    assert kept.total(group_by=("user",)) == 60
