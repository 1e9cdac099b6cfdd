"""Rounds of judging: what is told, once, whatever is silenced, inhibited, restarted, refused or late."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ledger import NOON, minutes, record

from costspan.core.errors import StoreUnavailable
from costspan.server.alerts.conditions.base import Sources
from costspan.server.alerts.evaluator import Evaluator, moments
from costspan.server.alerts.notification import Notification
from costspan.server.alerts.rule import Rule
from costspan.server.alerts.rule_file import parse_rules
from costspan.server.store.alerts import SendState, StoredSilence
from costspan.server.store.memory import MemoryStore
from costspan.server.store.memory_alerts import MemoryAlerts

FIVE = "5m"


class Watch:
    """A ledger and its alerts; `at` judges, as a new process each time."""

    def __init__(self, *rules: dict[str, Any]) -> None:
        self.ledger = MemoryStore()
        self.kept = MemoryAlerts(lambda: self.now)
        self.now = NOON
        self.rules = self.parsed(rules)
        self.refuses = False

    def parsed(self, rules: Sequence[dict[str, Any]]) -> tuple[Rule, ...]:
        said = [{"name": "many", "measure": "calls", "above": 2, "window": FIVE, "delay": "0s"} | r for r in rules]
        return parse_rules([{"notify": ["hook"]} | each for each in said], notifiers=["hook", "mail"])

    def calls(self, minute: float, count: int = 3, **said: Any) -> None:
        record(self.ledger, [NOON + minutes(minute) - timedelta(seconds=n + 1) for n in range(count)], **said)

    def at(self, minute: float) -> None:
        self.now = NOON + minutes(minute)
        evaluator = Evaluator(self.rules, Sources(ledger=self.ledger), self.kept, self.write)
        evaluator.round(self.now)
        assert evaluator.problems == {}

    def write(self, act: Any) -> None:
        if self.refuses:
            raise StoreUnavailable("the disk is full")
        act()

    def told(self, notifier: str = "hook") -> list[str]:
        """Return what was queued, the earliest first: `firing many: search,docs`."""
        queued = self.kept.notifications([SendState.QUEUED], 1000)[::-1]
        return [_words(each.document) for each in queued if each.notifier == notifier]

    def events(self) -> list[tuple[str, str, str]]:
        return [(event.key[0], event.state, event.note) for event in self.kept.events(100)[::-1]]

    def silence(self, *matchers: str, since: float, until: float) -> None:
        held = StoredSilence(id="s1", matchers=matchers, starts_at=NOON + minutes(since), ends_at=NOON + minutes(until))
        self.kept.put_silence(held)


def _words(document: str) -> str:
    said = msgspec.json.decode(document, type=Notification)
    teams = sorted(alert.labels.get("team", "") for alert in said.alerts)
    return f"{said.kind} {said.rule}" + (f": {','.join(teams)}" if any(teams) else "")


def test_an_alert_is_told_when_it_fires_and_when_it_is_over_and_no_more():
    watch = Watch({})
    watch.calls(1)
    for minute in range(1, 10):
        watch.at(minute)
    assert watch.told() == ["firing many", "resolved many"]
    assert watch.events() == [("many", "firing", ""), ("many", "resolved", "")]


def test_the_same_round_again_tells_nothing_new():
    watch = Watch({})
    watch.calls(1)
    for _ in range(3):
        watch.at(1)
    assert watch.told() == ["firing many"]


def test_groups_that_fire_together_are_told_together_and_later_ones_by_themselves():
    watch = Watch({"group_by": ["team"]})
    watch.calls(1)
    watch.calls(1, team="docs")
    watch.at(1)
    watch.calls(3, team="shop")
    watch.at(3)
    watch.at(9)
    assert watch.told() == ["firing many: docs,search", "firing many: shop", "resolved many: docs,search,shop"]


def test_more_alerts_than_a_message_holds_are_counted():
    watch = Watch({"group_by": ["team"], "above": 0})
    for number in range(53):
        watch.calls(1, 1, team=f"t{number}")
    watch.at(1)
    [queued] = watch.kept.notifications([SendState.QUEUED], 10)
    said = msgspec.json.decode(queued.document, type=Notification)
    assert (len(said.alerts), said.left_out) == (50, 3)
    assert said.title.endswith("(and 52 more)")


def test_every_notifier_is_told_under_an_id_of_its_own():
    watch = Watch({"notify": ["hook", "mail"]})
    watch.calls(1)
    watch.at(1)
    assert (watch.told("hook"), watch.told("mail")) == (["firing many"], ["firing many"])
    assert len({each.id for each in watch.kept.notifications([SendState.QUEUED], 10)}) == 2


def test_it_is_repeated_only_where_the_rule_says_so():
    watch = Watch({"repeat": "10m", "window": "1h"})
    watch.calls(1)
    for minute in range(1, 32):
        watch.at(minute)
    assert watch.told() == ["firing many", "repeat many", "repeat many", "repeat many"]


def test_for_goes_on_over_a_restart():
    watch = Watch({"for": "3m", "window": "1h"})
    watch.calls(1)
    watch.at(1)
    watch.at(3)
    assert watch.told() == []
    watch.at(4)
    assert watch.told() == ["firing many"]


def test_while_silenced_nobody_is_told_and_afterwards_they_are_if_it_still_fires():
    watch = Watch({"group_by": ["team"], "window": "20m"})
    watch.silence("rule:many", "team:search", since=0, until=10)
    watch.calls(1)
    watch.calls(1, team="docs")
    watch.at(1)
    assert watch.told() == ["firing many: docs"]
    assert sorted(watch.events()) == [("many", "firing", ""), ("many", "firing", "silenced by s1")]
    watch.at(9)
    assert watch.told() == ["firing many: docs"]
    watch.at(10)
    assert watch.told() == ["firing many: docs", "firing many: search"]


def test_what_was_over_while_it_was_silenced_is_never_told():
    watch = Watch({})
    watch.silence("severity:warning", since=0, until=60)
    watch.calls(1)
    for minute in (1, 5, 9, 61):
        watch.at(minute)
    assert watch.told() == []


def test_the_end_of_what_was_told_is_told_although_it_is_silenced_by_then():
    watch = Watch({})
    watch.calls(1)
    watch.at(1)
    watch.silence("rule:many", since=2, until=60)
    watch.at(9)
    assert watch.told() == ["firing many", "resolved many"]


@pytest.mark.parametrize(
    ("matcher", "told"),
    [
        ("team:!search", ["firing many: search"]),
        ("team:docs", ["firing many: search"]),
        ("rule:other", ["firing many: docs,search"]),
    ],
)
def test_a_silence_is_of_what_all_its_matchers_fit(matcher: str, told: list[str]):
    watch = Watch({"group_by": ["team"]})
    watch.silence(matcher, since=0, until=60)
    watch.calls(1)
    watch.calls(1, team="docs")
    watch.at(1)
    assert watch.told() == told


def test_a_rule_that_fires_keeps_others_quiet_for_the_same_group_only():
    watch = Watch(
        {"name": "some", "group_by": ["team"]},
        {"name": "storm", "above": 5, "group_by": ["team"], "inhibits": ["some"]},
    )
    watch.calls(1, 6)
    watch.calls(1, 3, team="docs")
    watch.at(1)
    assert watch.told() == ["firing some: docs", "firing storm: search"]
    assert ("some", "firing", "inhibited by storm") in watch.events()


def test_what_fired_and_was_over_while_the_server_was_down_is_in_the_history_and_pages_nobody():
    watch = Watch({})
    watch.at(0)
    watch.calls(10)
    watch.at(40)
    assert watch.told() == []
    assert watch.events() == [("many", "firing", "over before anybody could be told"), ("many", "resolved", "")]


def test_unless_the_rule_asks_for_it():
    watch = Watch({"notify_past": True})
    watch.at(0)
    watch.calls(10)
    watch.at(40)
    assert watch.told() == ["firing many", "resolved many"]


def test_what_still_fires_after_the_server_was_down_is_told_with_when_it_began():
    watch = Watch({"window": "30m"})
    watch.at(0)
    watch.calls(10)
    watch.at(20)
    [queued] = watch.kept.notifications([SendState.QUEUED], 10)
    [alert] = msgspec.json.decode(queued.document, type=Notification).alerts
    assert alert.starts_at == NOON + minutes(10)


def test_after_a_long_time_down_a_pending_alert_begins_anew():
    watch = Watch({"for": "90m", "window": "24h"})
    watch.calls(1)
    watch.at(1)
    watch.at(1 + 60 * 10)
    assert watch.told() == []
    assert watch.events() == []


def test_calls_that_arrive_late_page_nobody_for_a_window_that_is_past():
    watch = Watch({})
    for minute in range(12):
        watch.at(minute)
    watch.calls(3, 100)
    for minute in range(12, 20):
        watch.at(minute)
    assert (watch.told(), watch.events()) == ([], [])


def test_an_alert_whose_rule_is_removed_is_over():
    watch = Watch({"window": "1h"})
    watch.calls(1)
    watch.at(1)
    watch.rules = ()
    watch.at(2)
    watch.at(3)
    assert watch.told() == ["firing many", "resolved many"]
    assert watch.kept.standing().standing == {}


def test_a_group_without_calls_any_more_is_over_or_silence_as_the_rule_says():
    quiet = Watch({"group_by": ["team"], "below": 2, "missing": "alert"} | {"above": 1000})
    quiet.calls(1)
    for minute in (1, 5, 8):
        quiet.at(minute)
    assert quiet.told() == ["firing many: search"]


def test_a_rule_that_cannot_be_judged_says_so_and_the_others_are_judged():
    def unreadable() -> datetime:
        raise StoreUnavailable("the price list cannot be read")

    watch = Watch({"name": "a"}, {"name": "old", "measure": "catalogue_age", "above": "30d"})
    watch.calls(1)
    evaluator = Evaluator(
        watch.rules, Sources(ledger=watch.ledger, catalogue_checked=unreadable), watch.kept, watch.write
    )
    evaluator.round(NOON + minutes(1))
    assert evaluator.problems == {"old": "the price list cannot be read"}
    assert watch.told() == ["firing a"]
    assert list(watch.kept.standing().judged_at) == ["a"]


@settings(max_examples=40, deadline=None)
@given(
    traffic=st.lists(st.tuples(st.integers(1, 40), st.sampled_from(["search", "docs"])), max_size=25),
    rounds=st.sets(st.integers(1, 60), min_size=1),
    refused=st.sets(st.integers(1, 60)),
    hold=st.integers(0, 3),
    keep=st.integers(0, 3),
)
def test_each_episode_is_told_once_whatever_rounds_are_missed_or_refused(
    traffic: list[tuple[int, str]], rounds: set[int], refused: set[int], hold: int, keep: int
):
    """Every group hears firing and resolved in turn, each once; and rounds that are refused change nothing."""
    watch = Watch({"group_by": ["team"], "above": 1, "for": f"{hold}m", "keep_firing_for": f"{keep}m"})
    steady = Watch({"group_by": ["team"], "above": 1, "for": f"{hold}m", "keep_firing_for": f"{keep}m"})
    for minute, team in traffic:
        watch.calls(minute, 1, team=team)
        steady.calls(minute, 1, team=team)
    for each in (watch, steady):
        each.at(0)
    for minute in sorted(rounds | {61}):
        steady.at(minute)
        watch.refuses = minute in refused
        with suppress(StoreUnavailable):
            watch.at(minute)
    heard: dict[str, list[str]] = {}
    for line in watch.told():
        kind, _, teams = line.partition(" many: ")
        for team in teams.split(","):
            heard.setdefault(team, []).append(kind)
    for kinds in heard.values():
        assert kinds == ["firing", "resolved"] * (len(kinds) // 2) + ["firing"] * (len(kinds) % 2)
    if not refused & rounds:
        assert watch.told() == steady.told()
    assert [event[:2] for event in watch.events()] == [event[:2] for event in steady.events()]
    ids = [each.id for each in watch.kept.notifications(list(SendState), 999)]
    assert len(ids) == len(set(ids))


@given(last=st.integers(0, 10_000), gap=st.integers(-100, 100_000), every=st.integers(1, 4_000))
def test_moments_lead_from_the_last_one_to_now_and_are_never_many(last: int, gap: int, every: int):
    [rule] = parse_rules([{"name": "a", "above": 1, "every": f"{every}s"}])
    then = NOON + timedelta(seconds=last)
    found = moments(rule, then, then + timedelta(seconds=gap))
    assert len(found) <= 61
    assert found == sorted(set(found))
    assert all(then < at <= then + timedelta(seconds=gap) for at in found)
    seconds = [int((at - datetime.fromisoformat("1970-01-01T00:00:00+00:00")).total_seconds()) for at in found]
    assert all(second % every == 0 for second in seconds)
