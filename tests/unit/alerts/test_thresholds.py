"""What a threshold says of the calls in a window: its figure, its sentence, and when it says nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from ledger import NOON, ledger, minutes, record, rule

from costspan.server.alerts.conditions import judge
from costspan.server.alerts.conditions.base import Sources, Truth
from costspan.server.alerts.rule import Rule

LAST_MINUTES = [NOON - minutes(m) for m in (1, 2, 3, 4)]


def said(of: Rule, sources: Sources, at: datetime = NOON) -> dict[Any, tuple[str, str]]:
    return {dict(v.group).get("team") if v.group else None: (v.truth, v.text) for v in judge(of, sources, at)}


def test_cost_over_a_limit_is_met_and_says_how_much_it_was():
    _, sources = ledger(moments=LAST_MINUTES)
    [verdict] = judge(rule(above="0.02", window="5m"), sources, NOON)
    assert (verdict.truth, verdict.observed, verdict.limit) == (Truth.MET, Decimal("0.022"), Decimal("0.02"))
    assert verdict.text == "cost in 5 min: $0.022, over $0.020"
    assert (verdict.samples, verdict.share_priced, verdict.reasons) == (4, 1.0, ())
    assert verdict.link == "calls?from=2026-11-20T11:55:00Z&to=2026-11-20T12:00:00Z"


def test_a_limit_that_is_just_reached_is_not_exceeded():
    _, sources = ledger(moments=LAST_MINUTES)
    assert said(rule(above="0.022", window="5m"), sources) == {None: (Truth.NOT_MET, "cost in 5 min: $0.022")}


def test_a_window_ends_before_the_moment_and_begins_with_its_length():
    _, sources = ledger(moments=[NOON, NOON - minutes(5), NOON - minutes(5) - timedelta(microseconds=1)])
    assert said(rule(measure="calls", above=1, window="5m"), sources) == {None: (Truth.NOT_MET, "calls in 5 min: 1")}


def test_each_group_is_judged_by_itself_and_links_to_its_own_calls():
    store, sources = ledger(moments=LAST_MINUTES)
    record(store, LAST_MINUTES[:1], team="docs")
    verdicts = judge(rule(measure="calls", above=2, window="5m", group_by="team"), sources, NOON)
    assert {v.group: (v.truth, v.text) for v in verdicts} == {
        (("team", "search"),): (Truth.MET, "calls of team search in 5 min: 4, over 2"),
        (("team", "docs"),): (Truth.NOT_MET, "calls of team docs in 5 min: 1"),
    }
    assert {v.link.partition("&f.")[2] for v in verdicts} == {"team=search", "team=docs"}


def test_calls_without_a_price_make_a_cost_a_lower_bound():
    store, sources = ledger(moments=LAST_MINUTES)
    record(store, LAST_MINUTES[:1], requested_model="nobody-knows", response_model="nobody-knows")
    [verdict] = judge(rule(above=0, window="5m"), sources, NOON)
    assert verdict.reasons == ("1 of 5 calls have no full price: what was spent is at least this",)
    assert verdict.share_priced == 0.8


def test_a_cost_that_is_known_of_no_call_is_no_data_and_not_zero():
    _, sources = ledger(moments=LAST_MINUTES, requested_model="nobody-knows", response_model="nobody-knows")
    assert said(rule(above=0, window="5m"), sources) == {
        None: (Truth.NO_DATA, "cost in 5 min is unknown for all 4 calls")
    }


@pytest.mark.parametrize(
    ("measure", "limit", "observed"),
    [
        ("calls", 1, "8"),
        ("calls_per_minute", 1, "0.8"),
        ("cost_per_minute", "0.001", "0.00275"),
        ("tokens", 1, "6000"),
        ("errors", 1, "3"),
        ("error_share", "1%", "0.375"),
        ("truncated", 0, "1"),
        ("truncation_share", "1%", "0.125"),
        ("content_filter", 1, "2"),
        ("content_filter_share", "1%", "0.25"),
        ("latency_p50", "1s", "1"),
        ("latency_p99", "1s", "1"),
        ("unpriced_calls", 0, "0"),
        ("cache_hit_share", "1%", "0"),
    ],
)
def test_each_measure_is_that_of_the_ledger(measure: str, limit: object, observed: str):
    store, sources = ledger(moments=LAST_MINUTES[:3])
    record(store, LAST_MINUTES[:2], error_type="rate_limit")
    record(store, LAST_MINUTES[:1], error_type="content_filter")
    record(store, LAST_MINUTES[:1], finish_reason="length")
    record(store, LAST_MINUTES[:1], finish_reason="content_filter")
    [verdict] = judge(rule(measure=measure, above=limit, window="10m"), sources, NOON)
    assert verdict.observed == Decimal(observed)


def test_a_share_of_nothing_and_a_quantile_of_nothing_are_no_data():
    _, sources = ledger()
    for measure, limit in (("error_share", "5%"), ("latency_p99", "10s")):
        assert [v.truth for v in judge(rule(measure=measure, above=limit), sources, NOON)] == [Truth.NO_DATA]


def test_nothing_counted_is_zero_so_that_silence_can_be_under_a_limit():
    _, sources = ledger()
    assert said(rule(measure="calls", below=1, window="30m"), sources) == {
        None: (Truth.MET, "calls in 30 min: 0, under 1")
    }


def test_fewer_calls_than_needed_are_not_judged():
    _, sources = ledger(moments=LAST_MINUTES, error_type="timeout")
    assert said(rule(measure="error_share", above="5%", window="5m", min_samples=5), sources) == {
        None: (Truth.NO_DATA, "share of calls that failed in 5 min is not judged: 4 calls, 5 are needed")
    }


def test_filters_choose_the_calls():
    store, sources = ledger(moments=LAST_MINUTES, error_type="rate_limit")
    record(store, LAST_MINUTES, error_type="timeout")
    limits = rule(measure="errors", where={"error_type": "rate_limit"}, above=3, window="5m")
    assert said(limits, sources) == {None: (Truth.MET, "failed calls in 5 min: 4, over 3")}


def test_silence_is_the_time_since_the_latest_call_also_when_looked_at_later():
    store, sources = ledger(moments=[NOON - minutes(90)])
    silent = rule(measure="ingest_silence", above="1h")
    assert said(silent, sources)[None] == (Truth.MET, "time since the latest call began: 90 min, over 60 min")
    record(store, [NOON + minutes(5)])
    assert said(silent, sources)[None][0] is Truth.MET
    record(store, [NOON - minutes(30)])
    assert said(silent, sources)[None][0] is Truth.NOT_MET


def test_silence_of_a_ledger_without_calls_is_no_data():
    _, sources = ledger()
    assert said(rule(measure="ingest_silence", above="1h"), sources)[None][0] is Truth.NO_DATA


@pytest.mark.parametrize(("checked", "truth"), [(30, Truth.NOT_MET), (31, Truth.MET), (None, Truth.NO_DATA)])
def test_the_age_of_the_catalogue_counts_from_its_latest_check(checked: int | None, truth: Truth):
    store, _ = ledger()
    day = datetime(2026, 11, 20, 11, 59, tzinfo=UTC) - timedelta(days=checked) if checked else None
    sources = Sources(ledger=store, catalogue_checked=lambda: day)
    assert said(rule(measure="catalogue_age", above="31d"), sources)[None][0] is truth
