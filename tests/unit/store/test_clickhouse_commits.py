"""What a commit on ClickHouse is: all of it or nothing, of one writer at a time, once however often it is sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from os import urandom
from random import Random
from time import monotonic, sleep, time

import pytest

from clickhouse_node import needs_clickhouse
from costspan.core.call import Call
from costspan.core.errors import ConfigError, StoreUnavailable
from costspan.core.record import MetricKind, MetricPoint, Scope, Temporality
from costspan.core.units import Unit
from costspan.core.usage import Usage
from costspan.pricing.load import load_rate_card
from costspan.server.pipeline.settlement import NO_RULES, post
from costspan.server.pipeline.settler import Settler
from costspan.server.store.batches import decode_batch, encode_batch
from costspan.server.store.clickhouse.connection import parse_target
from costspan.server.store.clickhouse.lease import Lease
from costspan.server.store.clickhouse.store import ClickHouseStore
from costspan.server.store.entry import Batch
from costspan.server.store.memory import MemoryStore
from costspan.server.store.question import SpendQuestion
from costspan.testing.stores import EPOCH, EVER, assert_same, play, random_postings

pytestmark = needs_clickhouse
CARD = load_rate_card()
START_NS = int(EPOCH.timestamp()) * 10**9
EVERYTHING = SpendQuestion(EVER, ("model", "feature"))
Opener = Callable[..., ClickHouseStore]


@pytest.fixture
def opened(node) -> Iterator[Opener]:
    """Open the same ledger as often as it is called: as another process would."""
    target, stores = parse_target(node.url()), []

    def open_store(patience_s: float = 60) -> ClickHouseStore:
        stores.append(ClickHouseStore(target, patience=timedelta(seconds=patience_s)))
        return stores[-1]

    yield open_store
    for store in stores:
        store.close()


def call(number: int, trace: int = 1, **said) -> Call:
    facts = {
        "parent_span_id": None,
        "dialect": "otel_genai",
        "provider": "openai",
        "requested_model": "gpt-5",
        "usage": Usage({Unit.INPUT: 1000, Unit.OUTPUT: 10}),
    }
    return Call(
        trace_id=f"{trace:032x}",
        span_id=f"{number:016x}",
        started_at_ns=START_NS + number * 10**9,
        ended_at_ns=START_NS + number * 10**9 + 5,
        **{**facts, **said},
    )


def token_point(minute: int, total: int) -> MetricPoint:
    return MetricPoint(
        metric="claude_code.token.usage",
        kind=MetricKind.SUM,
        temporality=Temporality.CUMULATIVE,
        start_ns=START_NS,
        time_ns=START_NS + minute * 60 * 10**9,
        value=total,
        monotonic=True,
        attributes={"type": "input", "model": "claude-sonnet-4-6", "session.id": "s1"},
        resource={"service.name": "agents"},
        scope=Scope("com.anthropic.claude_code"),
    )


def take(store, *calls: Call) -> None:
    post(store, Batch(calls), CARD)


def counted(store) -> int:
    return store.spend(EVERYTHING).total.calls


def settle(store: ClickHouseStore) -> None:
    settler = Settler(store, CARD, NO_RULES)
    while settler.round() == 0:
        pass


def test_rows_that_no_posting_vouches_for_are_nowhere(opened: Opener):
    store = opened()
    take(store, call(1))
    half = "INSERT INTO calls SELECT * REPLACE (posting + 1 AS posting, 77 AS entry_id) FROM calls"
    store.connection.execute(half)
    assert counted(store) == 1
    store.close()
    after = opened()
    take(after, call(2, trace=2))
    assert counted(after) == 2


def test_what_a_writer_commits_after_it_was_replaced_counts_nowhere(opened: Opener):
    first, second = opened(), opened(patience_s=0)
    take(first, call(1))
    take(second, call(2, trace=2))
    with pytest.raises(StoreUnavailable):
        take(first, call(3, trace=3))
    assert counted(second) == 2
    take(second, call(3, trace=3))
    assert counted(second) == 3
    assert counted(first) == 3


def test_nobody_writes_beside_a_writer_that_is_alive(opened: Opener):
    first, second = opened(), opened()
    assert first.try_to_hold()
    assert not second.try_to_hold()
    with pytest.raises(StoreUnavailable):
        take(second, call(1))
    first.close()
    assert second.try_to_hold()


def test_a_process_says_again_and_again_that_it_is_alive(opened: Opener):
    store = opened()
    assert store.try_to_hold()
    deadline = monotonic() + 30
    while store.connection.rows("SELECT count() FROM beats WHERE epoch = 1")[0][0] < 2:
        assert monotonic() < deadline
        sleep(0.05)


def test_of_several_that_claim_at_once_one_wins(opened: Opener):
    leases = [Lease(opened().connection, patience=timedelta(minutes=1)) for _ in range(6)]
    with ThreadPoolExecutor(len(leases)) as threads:
        won = list(threads.map(Lease.claim, leases))
    assert [epoch for epoch in won if epoch is not None] == [1]
    for lease in leases:
        lease.resign()


def test_records_of_a_trace_are_settled_the_same_whoever_received_them_and_when(opened: Opener):
    calls = [
        call(1),
        call(2, parent_span_id=f"{1:016x}", dialect="openinference", response_id="r1"),
        call(3, trace=2, response_id="r1"),
        call(4, trace=3),
    ]
    memory = MemoryStore()
    take(memory, *calls)
    receivers = [opened(), opened(), opened()]
    for number, each in enumerate(Random(3).sample([*calls, *calls], 8)):
        receivers[number % 3].leave(Batch([each]))
        if number == 4:
            settle(receivers[1])
    settle(receivers[0])
    settle(receivers[1])
    assert_same(receivers[2].spend(EVERYTHING), memory.spend(EVERYTHING))


def test_a_series_that_counts_on_is_counted_once_also_by_the_process_that_takes_over(opened: Opener):
    points = [token_point(minute, total) for minute, total in ((1, 100), (2, 250), (3, 400))]
    memory = MemoryStore()
    post(memory, Batch(points=points), CARD)
    first, second = opened(), opened()
    first.leave(Batch(points=points[:2]))
    settle(first)
    first.close()
    second.leave(Batch(points=points[1:]))
    settle(second)
    assert_same(second.spend(EVERYTHING), memory.spend(EVERYTHING))
    assert second.spend(EVERYTHING).total.input_tokens == 400


def test_a_batch_that_was_settled_waits_no_more_even_for_the_next_writer(opened: Opener):
    first, second = opened(), opened(patience_s=0)
    first.leave(Batch([call(1)]))
    first.leave(Batch([call(1)]))
    settle(first)
    second.leave(Batch([call(2)]))
    assert second.try_to_hold()
    assert [batch.calls for _, batch in second.waiting()] == [[call(2)]]


def test_hours_of_which_every_batch_is_settled_leave_the_inbox(opened: Opener):
    store = opened()

    def arrived(hours_ago: int, *calls: Call) -> None:
        at_us = (int(time()) - hours_ago * 3600) * 10**6
        row = {"batch_id": [urandom(16)], "body": [encode_batch(Batch(calls))], "arrived_at": [at_us]}
        store.connection.insert("inbox", row)

    arrived(9, call(1))
    arrived(6, call(2, trace=2))
    settle(store)
    arrived(6, call(3, trace=3))
    arrived(0, call(4, trace=4))
    store.tidy()
    assert store.connection.rows("SELECT count() FROM inbox") == [(3,)]
    settle(store)
    store.tidy()
    assert store.connection.rows("SELECT count() FROM inbox") == [(1,)]
    assert counted(store) == 4


def test_a_call_that_cannot_be_stored_is_set_aside_and_holds_up_nobody(opened: Opener):
    store = opened()
    store.leave(Batch([call(1)]))
    spoiled = call(2, trace=2, usage=Usage({Unit.INPUT: 2**63}))
    store.leave(Batch([call(4, trace=4), spoiled, call(5, trace=5)]))
    store.leave(Batch([call(3, trace=3)]))
    settle(store)
    assert counted(store) == 4
    [(body,)] = store.connection.rows("SELECT body FROM set_aside", as_bytes=("body",))
    assert decode_batch(body).calls == [spoiled]
    settle(store)
    assert counted(store) == 4


def test_the_answers_are_the_same_after_another_process_took_over(opened: Opener):
    first, memory = opened(), MemoryStore()
    planned = random_postings(Random(5), 40)
    play(memory, planned)
    play(first, planned[:-2])
    first.close()
    second = opened()
    play(second, planned[-2:])
    assert_same(second.spend(EVERYTHING), memory.spend(EVERYTHING))


def test_a_url_that_cannot_be_used_is_refused_without_its_password():
    for url in ("clickhouse://", "http://a/b", "clickhouse://u:secret@h/a-b", "clickhouse://u:secret@h/a?x=1"):
        with pytest.raises(ConfigError) as refused:
            parse_target(url)
        assert "secret" not in str(refused.value)
