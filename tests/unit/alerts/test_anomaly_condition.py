"""The anomaly condition over a ledger: whom it names, with which cause first, and when it is silent."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from ledger import NOON, ledger, minutes, record, rule

from costspan.server.alerts.conditions import judge
from costspan.server.alerts.conditions.base import Sources, Truth, Verdict
from costspan.server.store.memory import MemoryStore

DAYS = 21


def every(step: timedelta, since: datetime, until: datetime) -> list[datetime]:
    return [since + step * number for number in range((until - since) // step)]


def quiet_weeks() -> tuple[MemoryStore, Sources]:
    """Two features that call every half hour, day and night, for three weeks up to noon."""
    store, sources = ledger()
    for feature in ("search", "docs"):
        record(store, every(minutes(30), NOON - timedelta(days=DAYS), NOON), feature=feature)
    return store, sources


@pytest.fixture(scope="module")
def weeks() -> tuple[MemoryStore, Sources]:
    return quiet_weeks()


RULE = rule(anomaly={"ratio": 3}, group_by="feature")


def met(sources: Sources, at: datetime) -> list[Verdict]:
    return [verdict for verdict in judge(RULE, sources, at) if verdict.truth is Truth.MET]


def test_weeks_of_the_same_are_nothing_unusual(weeks: tuple[MemoryStore, Sources]):
    _, sources = weeks
    verdicts = judge(RULE, sources, NOON)
    assert {(v.group, v.truth, v.text) for v in verdicts} == {
        ((("feature", "search"),), Truth.NOT_MET, "nothing unusual of feature search"),
        ((("feature", "docs"),), Truth.NOT_MET, "nothing unusual of feature docs"),
    }


def test_an_empty_ledger_has_no_groups_to_judge():
    _, sources = ledger()
    assert judge(RULE, sources, NOON) == ()


def test_a_retry_loop_is_told_by_its_cause_then_dollars_then_who():
    store, sources = quiet_weeks()
    loop = every(timedelta(seconds=20), NOON, NOON + minutes(15))
    record(store, loop, feature="search", attempt=2)

    [verdict] = met(sources, NOON + minutes(15))

    assert verdict.group == (("feature", "search"),)
    assert verdict.text.startswith("retries of feature search: last ")
    assert "got $0.2" in verdict.text
    assert verdict.reasons[0].startswith("retries: +$0.2")
    assert verdict.observed is not None
    assert verdict.limit is not None
    assert verdict.observed > 10 * verdict.limit
    assert dict(verdict.facts)["channel"] in ("calls", "cost")
    assert Decimal(dict(verdict.facts)["driver_retries_usd"]) == Decimal("0.0055") * 45
    assert verdict.link.endswith("&f.feature=search")


def test_a_dearer_model_is_told_as_the_model_that_is_behind_it():
    store, sources = quiet_weeks()
    record(store, every(minutes(6), NOON, NOON + minutes(30)), feature="docs", requested_model="gpt-5.4-pro")

    [verdict] = met(sources, NOON + minutes(30))

    assert verdict.text.startswith("dearer models of feature docs: ")
    assert any(reason.startswith("model gpt-5.4-pro: +") for reason in verdict.reasons)


def test_what_was_missed_in_an_outage_may_be_caught_up():
    store, sources = ledger()
    record(store, every(minutes(2), NOON - timedelta(days=DAYS), NOON), feature="search")
    back = NOON + timedelta(hours=3)
    record(store, every(timedelta(seconds=20), back, back + minutes(20)), feature="search")

    assert met(sources, back + minutes(20)) == []


def test_the_same_moment_gives_the_same_verdicts_whatever_was_looked_at_before():
    store, sources = quiet_weeks()
    record(store, every(timedelta(seconds=20), NOON, NOON + minutes(15)), feature="search", attempt=2)
    at = NOON + minutes(15)

    first = judge(RULE, sources, at)
    for other in (NOON, at + timedelta(days=2), NOON - timedelta(days=3)):
        judge(RULE, sources, other)

    assert judge(RULE, sources, at) == first
    assert judge(RULE, Sources(ledger=store), at) == first


def test_calls_that_arrive_hours_late_are_seen_at_the_next_look():
    store, sources = quiet_weeks()
    at = NOON + minutes(15)
    assert met(sources, at) == []

    record(store, every(timedelta(seconds=15), NOON - timedelta(hours=3), NOON - timedelta(hours=2)), feature="docs")

    late = met(sources, at + minutes(5))
    assert [verdict.group for verdict in late] == [(("feature", "docs"),)]
    assert late == [each for each in judge(RULE, Sources(ledger=store), at + minutes(5)) if each.truth is Truth.MET]


def test_a_job_whose_past_is_filled_in_later_is_usual_within_a_quarter_of_an_hour():
    store, sources = quiet_weeks()
    job = every(timedelta(seconds=10), NOON, NOON + minutes(10))
    record(store, job, feature="docs")
    at = NOON + minutes(10)
    assert len(met(sources, at)) == 1

    for days in range(1, DAYS):
        record(store, [moment - timedelta(days=days) for moment in job], feature="docs")

    assert met(sources, at + minutes(15)) == []


def test_a_group_that_comes_during_the_day_is_looked_at():
    store, sources = quiet_weeks()
    assert met(sources, NOON) == []

    record(store, every(timedelta(seconds=20), NOON, NOON + minutes(10)), feature="brand new")

    [verdict] = met(sources, NOON + minutes(10))
    assert verdict.group == (("feature", "brand new"),)


def test_an_excess_of_fewer_dollars_than_the_rule_says_is_let_pass():
    store, sources = quiet_weeks()
    record(store, every(timedelta(seconds=20), NOON, NOON + minutes(15)), feature="search", attempt=2)
    patient = rule(anomaly={"ratio": 3, "min_excess_usd": 5}, group_by="feature")

    assert {verdict.truth for verdict in judge(patient, sources, NOON + minutes(15))} == {Truth.NOT_MET}
