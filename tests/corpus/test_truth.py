"""The ledger says what the provider billed, in whatever order, however often and across restarts the records come."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest

from corpus import Case, cases, differences
from costspan.pricing.load import load_rate_card
from costspan.server.pipeline.settlement import post
from costspan.server.store.duckdb.store import DuckDBStore
from costspan.server.store.entry import Batch
from costspan.server.store.memory import MemoryStore

CARD = load_rate_card()
every_case = pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)


def shuffled(case: Case, random: Random) -> Iterator[Batch]:
    """Every record of the case once, some twice, in an order and in batches of no sense.

    Metric points stay in their requests: a cumulative series is sent in order, and a group of points together.
    """
    records = [record for batch in case.batches for record in (*batch.calls, *batch.links)]
    records += random.sample(records, len(records) // 3)
    random.shuffle(records)
    while records:
        size = random.randint(1, 5)
        part, records = records[:size], records[size:]
        calls = [record for record in part if hasattr(record, "usage")]
        yield Batch(calls, [record for record in part if not hasattr(record, "usage")])
    yield from (Batch(points=batch.points) for batch in case.batches if batch.points)


@every_case
def test_as_it_arrived(case):
    store = MemoryStore()
    for batch in case.batches:
        post(store, batch, CARD)
    assert differences(store, case) == []


@every_case
@pytest.mark.parametrize("seed", range(4))
def test_in_any_order_with_repetitions(case, seed):
    store = MemoryStore()
    for batch in shuffled(case, Random(seed)):
        post(store, batch, CARD)
    assert differences(store, case) == []


def test_on_disk_with_a_restart_between_any_two_batches(tmp_path):
    random = Random(2)
    waiting = {case.name: list(shuffled(case, random)) for case in cases()}
    store = DuckDBStore(tmp_path)
    while waiting:
        name = random.choice(sorted(waiting))
        post(store, waiting[name].pop(), CARD)
        if not waiting[name]:
            del waiting[name]
        if random.random() < 0.05:
            store.close()
            store = DuckDBStore(tmp_path)
    found = {case.name: wrong for case in cases() if (wrong := differences(store, case))}
    store.close()
    assert found == {}
