"""ClickHouse passes the public battery, and answers random questions as the store in memory does."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest

from clickhouse_node import Node, needs_clickhouse
from costspan.server.store.clickhouse.connection import parse_target
from costspan.server.store.clickhouse.store import ClickHouseStore
from costspan.server.store.memory import MemoryStore
from costspan.server.store.question import QUANTILES, SpendQuestion
from costspan.server.store.sql.sketches import RELATIVE_ERROR
from costspan.testing.stores import EVER, StoreContract, assert_same, play, random_postings, random_question

pytestmark = needs_clickhouse


@pytest.fixture
def store(node: Node) -> Iterator[ClickHouseStore]:
    store = ClickHouseStore(parse_target(node.url()))
    yield store
    store.close()


class TestClickHouseStore(StoreContract):
    pass


@pytest.mark.parametrize("seed", range(2))
def test_clickhouse_agrees_with_memory_on_anything(store: ClickHouseStore, seed: int) -> None:
    random, memory = Random(seed), MemoryStore()
    postings = random_postings(random, 40)
    for engine in (store, memory):
        play(engine, postings)
    for question in (SpendQuestion(EVER), *(random_question(random) for _ in range(12))):
        assert_same(store.spend(question), memory.spend(question))


def test_quantiles_of_many_calls_are_off_by_no_more_than_is_said(node: Node) -> None:
    target, random, memory = parse_target(node.url()), Random(8), MemoryStore()
    store = ClickHouseStore(target, max_exact=10)
    postings = random_postings(random, 40)
    for engine in (store, memory):
        play(engine, postings)
    found, expected = (engine.spend(SpendQuestion(EVER, ("operation",))) for engine in (store, memory))
    for mine, theirs in zip(_spends(found), _spends(expected), strict=True):
        for name in QUANTILES:
            pairs = zip(getattr(mine, name), getattr(theirs, name), strict=True)
            assert all(abs(said - true) <= RELATIVE_ERROR * true + 0.001 for said, true in pairs)
    store.close()


def _spends(answer):
    return (answer.total, *(row.spend for row in answer.rows))
