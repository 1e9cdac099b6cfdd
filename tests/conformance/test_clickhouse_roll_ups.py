"""Roll-ups on ClickHouse change no answer: whatever is rolled up, merged or cut off, figures are those of the rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from clickhouse_node import Node, needs_clickhouse
from costspan.server.store.clickhouse.connection import parse_target
from costspan.server.store.clickhouse.store import ClickHouseStore
from costspan.server.store.clickhouse.upkeep import ClickHouseUpkeep
from costspan.server.store.memory import MemoryStore
from costspan.server.store.question import QUANTILES, Filter, Interval, SpendAnswer, SpendQuestion
from costspan.server.store.sql.plan import ROLLED
from costspan.server.store.sql.sketches import RELATIVE_ERROR
from costspan.testing.stores import EVER, assert_same, play, random_postings, random_question

OCTOBER_31 = datetime(2026, 10, 31, tzinfo=UTC)
pytestmark = needs_clickhouse


def play_with_upkeep(random: Random, store: ClickHouseStore, postings) -> None:
    """Play postings, rolling up now and then, and merging once."""
    for number, posting in enumerate(postings):
        play(store, [posting])
        if random.random() < 0.2:
            ClickHouseUpkeep(store).roll_up(1)
        if number == len(postings) // 2:
            ClickHouseUpkeep(store).merge(1)


@pytest.fixture
def store(node: Node) -> Iterator[ClickHouseStore]:
    store = ClickHouseStore(parse_target(node.url()))
    yield store
    store.close()


def is_well(store: ClickHouseStore) -> bool:
    verdict = ClickHouseUpkeep(store).verify(lambda _: None)
    assert verdict.findings == []
    return verdict.entries > 0


def without_quantiles(answer: SpendAnswer) -> SpendAnswer:
    nothing = dict.fromkeys(QUANTILES)
    rows = tuple(replace(row, spend=replace(row.spend, **nothing)) for row in answer.rows)
    return SpendAnswer(rows, replace(answer.total, **nothing))


def quantiles(answer: SpendAnswer) -> list[float]:
    spends = [answer.total, *(row.spend for row in answer.rows)]
    return [value for spend in spends for name in QUANTILES for value in getattr(spend, name) or (-1.0,)]


def test_any_question_is_answered_the_same_however_much_is_rolled_up(store: ClickHouseStore) -> None:
    random, memory = Random(5), MemoryStore()
    postings = random_postings(random, 60)
    play(memory, postings)
    play_with_upkeep(random, store, postings)
    by_user = [
        SpendQuestion(EVER, group_by, interval, filters=filters, limit=limit)
        for group_by in (("user",), ("user", "tenant"), ())
        for interval in Interval
        for filters in ((), (Filter("user", "a"),), (Filter("user", None),), (Filter("user", "a", excludes=True),))
        for limit in (None, 2)
    ]
    for question in (SpendQuestion(EVER), *(random_question(random) for _ in range(12)), *random.sample(by_user, 6)):
        assert_same(store.spend(question), memory.spend(question))
    heard = memory.summary().dialects
    assert store.summary().dialects == {dialect: calls for dialect, calls in heard.items() if calls}
    assert is_well(store)
    sketching = ClickHouseStore(store.connection.target, max_exact=0)
    for _ in range(5):
        question = replace(random_question(random), period=EVER)
        question = replace(question, group_by=tuple(key for key in question.group_by if key in ROLLED), filters=())
        found, exact = sketching.spend(question), memory.spend(question)
        assert_same(without_quantiles(found), without_quantiles(exact))
        assert quantiles(found) == pytest.approx(quantiles(exact), rel=RELATIVE_ERROR * 1.001, abs=0.0011)
    sketching.close()


def test_a_roll_up_that_does_not_add_up_is_found_and_mended(store: ClickHouseStore) -> None:
    play(store, random_postings(Random(5), 10))
    upkeep = ClickHouseUpkeep(store)
    upkeep.roll_up(1)
    for table in ("rollups", "user_rollups", "sketches"):
        store.connection.remove(table, f"{'hour' if table == 'rollups' else 'day'} < '2026-11-01'")
    wrong = upkeep.verify(lambda _: None)
    assert [(finding.day, finding.rolled_up) for finding in wrong.findings] == [(OCTOBER_31, True)] * 3
    upkeep.add_up_again(OCTOBER_31)
    assert is_well(store)


def test_charges_that_do_not_add_up_are_found(store: ClickHouseStore) -> None:
    play(store, random_postings(Random(6), 10))
    store.connection.remove("charges", "cost <> 0")
    found = ClickHouseUpkeep(store).verify(lambda _: None).findings
    assert {finding.what for finding in found} == {"calls whose charges do not add up to their cost"}


def test_a_step_that_is_cut_off_leaves_nothing_and_is_done_by_the_next_writer(node: Node, monkeypatch) -> None:
    target, memory = parse_target(node.url()), MemoryStore()
    first = ClickHouseStore(target)
    postings = random_postings(Random(6), 10)
    for engine in (first, memory):
        play(engine, postings)
    whole = first.connection.insert

    def insert(table: str, *rest, **options) -> None:
        if table == "postings":
            raise ConnectionError("killed before the step counts")
        whole(table, *rest, **options)

    with monkeypatch.context() as cut:
        cut.setattr(first.connection, "insert", insert)
        with pytest.raises(ConnectionError):
            ClickHouseUpkeep(first).roll_up(1)
    assert first.connection.rows("SELECT count() > 0 FROM rollups") == [(True,)]
    first.close()
    second = ClickHouseStore(target, patience=timedelta(0))
    assert ClickHouseUpkeep(second).waiting() > 0
    assert_same(second.spend(SpendQuestion(EVER, ("model",))), memory.spend(SpendQuestion(EVER, ("model",))))
    while ClickHouseUpkeep(second).roll_up(1):
        pass
    assert ClickHouseUpkeep(second).waiting() == 0
    assert_same(second.spend(SpendQuestion(EVER, ("model",))), memory.spend(SpendQuestion(EVER, ("model",))))
    assert is_well(second)
    second.close()


def test_months_that_are_merged_say_the_same_in_fewer_rows(node: Node) -> None:
    store, memory, random = ClickHouseStore(parse_target(node.url())), MemoryStore(), Random(9)
    upkeep = ClickHouseUpkeep(store)
    for posting in random_postings(random, 12):
        for engine in (store, memory):
            play(engine, [posting])
        upkeep.roll_up(1)
    assert upkeep.merge(10_000) == 0
    assert upkeep.merge(1) > 0
    assert upkeep.merge(1) == 0
    assert_same(store.spend(SpendQuestion(EVER, ("model",))), memory.spend(SpendQuestion(EVER, ("model",))))
    assert is_well(store)
    store.close()
