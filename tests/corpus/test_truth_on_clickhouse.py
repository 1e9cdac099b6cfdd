"""A ledger on ClickHouse says what the provider billed, in whatever order and however often the records come."""

from __future__ import annotations

from itertools import zip_longest

from clickhouse_node import needs_clickhouse
from corpus import cases, differences
from costspan.pricing.load import load_rate_card
from costspan.server.pipeline.settlement import post
from costspan.server.store.clickhouse.connection import parse_target
from costspan.server.store.clickhouse.store import ClickHouseStore
from costspan.server.store.entry import Batch

pytestmark = needs_clickhouse
CARD = load_rate_card()


def test_all_cases_in_one_ledger_that_another_process_goes_on_with(node):
    arrived = [
        _together([batch for batch in batches if batch]) for batches in zip_longest(*(c.batches for c in cases()))
    ]
    target = parse_target(node.url())
    for batch in arrived + arrived[:1]:
        store = ClickHouseStore(target)
        post(store, batch, CARD)
        store.close()
    store = ClickHouseStore(target)
    found = {case.name: wrong for case in cases() if (wrong := differences(store, case))}
    store.close()
    assert found == {}


def _together(batches: list[Batch]) -> Batch:
    kinds = ("calls", "links", "points")
    return Batch(*([one for batch in batches for one in getattr(batch, kind)] for kind in kinds))
