"""One history of usage has one total, however its points are encoded, batched, ordered or repeated."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from costspan.core.call import Call
from costspan.core.record import MetricPoint, Temporality
from costspan.core.units import Unit
from costspan.semconv.metrics import MetricState, read_points

from .metric_points import claude, totals

KINDS = {
    "input": Unit.INPUT,
    "output": Unit.OUTPUT,
    "cacheRead": Unit.CACHE_READ,
    "cacheCreation": Unit.CACHE_WRITE_5M,
}
Minute = dict[str, int]
histories = st.lists(
    st.dictionaries(st.sampled_from(sorted(KINDS)), st.integers(0, 10_000), max_size=4), min_size=1, max_size=8
)


def expected(history: list[Minute]) -> dict[Unit, int]:
    sums = {unit: sum(minute.get(kind, 0) for minute in history) for kind, unit in KINDS.items()}
    return {unit: tokens for unit, tokens in sums.items() if tokens}


def deltas(history: list[Minute]) -> list[list[MetricPoint]]:
    """Return one request a minute, each point counting since the one before."""
    return [
        [claude(kind, value, minute=at, since_minute=at - 1) for kind, value in minute.items()]
        for at, minute in enumerate(history, start=1)
    ]


def cumulative(history: list[Minute], restarts: frozenset[int] = frozenset()) -> list[list[MetricPoint]]:
    """Return one request a minute, each point counting since the last restart."""
    requests, sums, since = [], dict.fromkeys(KINDS, 0), 0
    for at, minute in enumerate(history, start=1):
        if at in restarts:
            sums, since = dict.fromkeys(KINDS, 0), at - 1
        sums = {kind: sums[kind] + minute.get(kind, 0) for kind in KINDS}
        where = {"minute": at, "since_minute": since, "temporality": Temporality.CUMULATIVE}
        requests.append([claude(kind, value, **where) for kind, value in sums.items()])
    return requests


def read_all(requests: list[list[MetricPoint]]) -> list[Call]:
    calls: list[Call] = []
    state = MetricState()
    for points in requests:
        claimed, state = read_points(points, state)
        calls += claimed
    return calls


@given(histories)
def test_delta_and_cumulative_encodings_of_a_history_have_its_total(history: list[Minute]) -> None:
    assert totals(read_all(deltas(history))) == expected(history)
    assert totals(read_all(cumulative(history))) == expected(history)


@given(histories, st.frozensets(st.integers(1, 8)))
def test_restarts_lose_nothing_and_repeat_nothing(history: list[Minute], restarts: frozenset[int]) -> None:
    assert totals(read_all(cumulative(history, restarts))) == expected(history)


@given(histories, st.randoms(use_true_random=False))
def test_deltas_may_come_in_any_order_and_more_than_once(history: list[Minute], rng: random.Random) -> None:
    requests = deltas(history) + [rng.sample(points, len(points)) for points in deltas(history)]
    rng.shuffle(requests)
    assert totals(read_all(requests)) == expected(history)


@given(histories, st.randoms(use_true_random=False))
def test_the_series_of_a_moment_may_come_in_separate_requests(history: list[Minute], rng: random.Random) -> None:
    single = [[point] for points in deltas(history) for point in points]
    rng.shuffle(single)
    assert totals(read_all(single)) == expected(history)


@given(histories, st.randoms(use_true_random=False))
def test_cumulative_points_in_any_order_and_more_than_once_come_to_the_history(
    history: list[Minute], rng: random.Random
) -> None:
    requests = cumulative(history) * 2
    rng.shuffle(requests)
    assert totals(read_all(requests)) == expected(history)
