"""The cost series of `/metrics`: counters that never fall, gauges that follow the ledger, a bound on both."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from bodies import PLAIN_CALL, fresh, protobuf, span
from costspan.pricing.load import load_rate_card
from costspan.server.analytics.cost_series import MAX_SERIES, OTHER, CostSeries
from costspan.server.pipeline.settlement import post
from costspan.server.pipeline.signals import PROTOBUF, traces
from costspan.server.store.duckdb.store import DuckDBStore

CARD = load_rate_card()
ONE_CALL = 210_000_000
"""$0.00021 in pico-dollars."""


@pytest.fixture
def store(tmp_path) -> Iterator[DuckDBStore]:
    opened = DuckDBStore(tmp_path)
    yield opened
    opened.close()


def send(store: DuckDBStore, *spans: Any) -> None:
    post(store, traces(protobuf(spans), PROTOBUF).batch, CARD)


def labels(feature: str) -> tuple[str, ...]:
    return ("openai", "gpt-4o-mini", feature, "", "")


def test_a_call_that_changes_its_feature_moves_in_the_gauge_and_stays_in_the_counter(store: DuckDBStore) -> None:
    series = CostSeries(store, good_for_s=0)
    trace_id, parent = fresh().to_bytes(16, "big"), b"parent__"
    send(store, span(trace_id=trace_id, parent_span_id=parent))
    before = series.read()
    assert before.standing == before.spent == {labels(""): ONE_CALL}
    send(store, span({"feature": "search"}, trace_id=trace_id, span_id=parent))
    moved = series.read()
    assert {key: cost for key, cost in moved.standing.items() if cost} == {labels("search"): ONE_CALL}
    assert moved.spent == {labels(""): ONE_CALL, labels("search"): ONE_CALL}
    send(store, span())
    assert series.read().spent == moved.spent
    send(store, span())
    assert series.read().spent == {labels(""): 2 * ONE_CALL, labels("search"): ONE_CALL}


def test_what_was_spent_before_the_start_is_in_the_gauge_only(store: DuckDBStore) -> None:
    send(store, span(), span())
    costs = CostSeries(store, good_for_s=0).read()
    assert costs.standing == {labels(""): 2 * ONE_CALL}
    assert set(costs.spent.values()) == {0}


def test_label_sets_beyond_the_bound_are_summed_as_other(store: DuckDBStore) -> None:
    series = CostSeries(store, good_for_s=0)
    send(store, *(span({**PLAIN_CALL, "feature": f"f{number}"}) for number in range(MAX_SERIES)))
    assert OTHER not in series.read().standing
    send(store, *(span({**PLAIN_CALL, "feature": f"late {number}"}) for number in range(3)))
    costs = series.read()
    assert len(costs.standing) == MAX_SERIES + 1
    assert costs.standing[OTHER] == costs.spent[OTHER] == 3 * ONE_CALL


def test_an_answer_is_asked_for_again_only_when_it_is_no_longer_good(store: DuckDBStore) -> None:
    series = CostSeries(store, good_for_s=3600)
    send(store, span())
    assert series.read().standing == {labels(""): ONE_CALL}
    send(store, span())
    assert series.read().standing == {labels(""): ONE_CALL}
