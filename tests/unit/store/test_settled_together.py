"""What a commit holds in memory is bounded; past the bound the calls that count say so."""

from __future__ import annotations

from bodies import START_NS, protobuf, span
from costspan.core.period import parse_period
from costspan.pricing.load import load_rate_card
from costspan.server.pipeline.settlement import CUT, post
from costspan.server.pipeline.signals import PROTOBUF, traces
from costspan.server.store.calls import CallsQuestion
from costspan.server.store.duckdb.store import DuckDBStore

CARD = load_rate_card()


def calls_of_one_trace(first: int, count: int):
    spans = [
        span(trace_id=b"\1" * 16, number=number, start_time_unix_nano=START_NS + number * 10**9)
        for number in range(first, first + count)
    ]
    return traces(protobuf(spans), PROTOBUF).batch


def test_a_trace_within_the_bound_carries_no_mark_and_one_beyond_it_does(tmp_path):
    store = DuckDBStore(tmp_path, settled_together=10)
    post(store, calls_of_one_trace(1, 10), CARD)
    assert reasons(store) == {None}
    post(store, calls_of_one_trace(11, 5), CARD)
    assert reasons(store) == {None}
    post(store, calls_of_one_trace(16, 1), CARD)
    assert reasons(store) == {None, CUT}
    assert len(entries(store)) == 16
    store.close()


def entries(store):
    period = parse_period("2026-10-01", "2026-12-01", None)
    return store.calls(CallsQuestion(period)).rows


def reasons(store):
    return {entry.reason for entry in entries(store)}
