"""What a finder keeps changes no answer: asked again, it says what is found by looking at all of the ledger anew."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest
from ledgers import MODEL, NOW, SteppingClock, post_spans

from costspan.core.attribution import Attribution
from costspan.core.clock import ns_from_utc
from costspan.core.period import Period
from costspan.core.record import SpanRecord
from costspan.server.analytics.anomaly.finder import LOOK_AGAIN, MOST_KEPT, Finder, find
from costspan.server.analytics.anomaly.findings import Anomaly
from costspan.server.analytics.anomaly.history import Asked
from costspan.server.analytics.anomaly.limits import Sensitivity
from costspan.server.store.memory import MemoryStore
from costspan.server.store.ports import LedgerReader, Store
from costspan.server.store.question import Filter
from costspan.server.store.spend_series import SeriesAnswer, SeriesQuestion, Touched
from costspan.testing.spans import otel_genai, sample_call

SINCE = NOW - timedelta(days=3)
MIDDAY = NOW - timedelta(hours=12)
USUAL = Sensitivity()
LOOK_BACK_DAYS = 14


class Numbered:
    """Spans with ids of their own."""

    def __init__(self) -> None:
        self._number = 0

    def call(self, at: datetime, feature: str) -> SpanRecord:
        self._number += 1
        number, started = self._number, ns_from_utc(at)
        said: dict[str, Any] = {"trace_id": f"{number:032x}", "span_id": f"{number:016x}", "response_id": f"r{number}"}
        who = Attribution(service="web", feature=feature)
        times = {"started_at_ns": started, "ended_at_ns": started + 10**9}
        return otel_genai(sample_call(**said, **times, attribution=who, requested_model=MODEL))

    def quiet_weeks(self) -> list[SpanRecord]:
        """Two features that call every half hour, up to midday."""
        moments = [MIDDAY - timedelta(minutes=30 * slot + 1) for slot in range(16 * 48)]
        return [self.call(at, feature) for at in moments for feature in ("search", "docs")]

    def loop(self, at: datetime, feature: str = "search", count: int = 60) -> list[SpanRecord]:
        """Twenty minutes of calls from `at` on."""
        return [self.call(at + timedelta(seconds=20 * number), feature) for number in range(count)]


class Overheard:
    """A ledger, and since when each series was asked of it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.asked_since: list[datetime] = []

    def spend_series(self, question: SeriesQuestion) -> SeriesAnswer:
        self.asked_since.append(question.period.since)
        return self._store.spend_series(question)

    def touched(self, after: datetime | None = None) -> Touched:
        return self._store.touched(after)


def told(anomalies: Sequence[Anomaly]) -> list[tuple[Any, ...]]:
    return [
        (each.key, each.since, each.until, each.window, each.channel, f"{each.observed_usd:.5e} {each.score:.3f}")
        for each in anomalies
    ]


def anew(ledger: LedgerReader, until: datetime) -> list[tuple[Any, ...]]:
    return told(find(Asked(ledger, ("feature",), look_back_days=LOOK_BACK_DAYS), Period(SINCE, until), USUAL))


class Asker:
    """Asks one finder again and again, at `until` unless said."""

    def __init__(self, ledger: LedgerReader) -> None:
        self.finder = Finder()
        self._asked = Asked(ledger, ("feature",), look_back_days=LOOK_BACK_DAYS)

    def ask(self, until: datetime, now: datetime | None = None) -> tuple[list[tuple[Any, ...]], datetime]:
        found = self.finder.find(self._asked, Period(SINCE, until), USUAL, now or until)
        return told(found.anomalies), found.as_of


def test_a_day_is_told_as_it_goes_by(store: Store):
    spans, asker = Numbered(), Asker(store)
    post_spans(store, *spans.quiet_weeks())
    assert asker.ask(MIDDAY) == ([], MIDDAY)

    post_spans(store, *spans.loop(MIDDAY + timedelta(minutes=2)))
    until = MIDDAY + timedelta(minutes=30)
    found, as_of = asker.ask(until)
    assert [each[0] for each in found] == [("search",)]
    assert (found, as_of) == (anew(store, until), until)

    post_spans(store, *spans.loop(MIDDAY + timedelta(minutes=40), "new", 400))
    until = MIDDAY + timedelta(hours=3)
    found, as_of = asker.ask(until)
    assert {each[0] for each in found} == {("search",), ("new",)}
    assert (found, as_of) == (anew(store, until), until)

    post_spans(store, spans.call(MIDDAY - timedelta(hours=5), "new"), *spans.loop(MIDDAY - timedelta(hours=3), "docs"))
    found, as_of = asker.ask(until)
    assert ("docs",) in {each[0] for each in found}
    assert (found, as_of) == (anew(store, until), until)
    assert asker.ask(MIDDAY)[0] == anew(store, MIDDAY)
    assert asker.ask(until)[0] == found


def test_late_calls_of_days_that_are_over_are_told_a_minute_later(store: Store):
    spans, asker = Numbered(), Asker(store)
    post_spans(store, *spans.quiet_weeks())
    assert asker.ask(MIDDAY) == ([], MIDDAY)

    post_spans(store, *spans.loop(MIDDAY - timedelta(days=2)))
    soon, later = MIDDAY + LOOK_AGAIN / 2, MIDDAY + LOOK_AGAIN
    assert asker.ask(MIDDAY, soon) == ([], MIDDAY)
    found, as_of = asker.ask(MIDDAY, later)
    assert [each[0] for each in found] == [("search",)]
    assert (found, as_of) == (anew(store, MIDDAY), later)


def test_a_late_call_counts_beside_one_that_is_older_than_what_is_looked_at(store: Store):
    spans, asker = Numbered(), Asker(store)
    post_spans(store, *spans.quiet_weeks())
    asker.ask(MIDDAY)

    post_spans(store, spans.call(SINCE - timedelta(days=90), "search"), *spans.loop(MIDDAY - timedelta(days=2)))
    assert asker.ask(MIDDAY, MIDDAY + LOOK_AGAIN)[0] == anew(store, MIDDAY) != []


def test_the_first_calls_of_a_ledger_are_not_late_for_ever(store: Store):
    spans, asker = Numbered(), Asker(store)
    assert asker.ask(MIDDAY) == ([], MIDDAY)

    post_spans(store, *spans.quiet_weeks(), *spans.loop(MIDDAY - timedelta(days=1)))
    later = MIDDAY + LOOK_AGAIN
    found, as_of = asker.ask(MIDDAY, later)
    assert [each[0] for each in found] == [("search",)]
    assert (found, as_of) == (anew(store, MIDDAY), later)


@pytest.mark.parametrize("seed", range(3))
def test_whatever_is_posted_whenever_the_answer_is_that_of_looking_anew(seed: int):
    random, spans, store = Random(seed), Numbered(), MemoryStore(SteppingClock())
    asker = Asker(store)
    post_spans(store, *spans.quiet_weeks())
    until = MIDDAY
    for _ in range(4):
        feature, count = random.choice(("search", "docs", "new", "other")), random.choice((1, 30, 90))
        ago = timedelta(minutes=random.choice((3, 30, 200, 2_000, 20_000)))
        post_spans(store, *spans.loop(until - ago, feature, count))
        until += timedelta(minutes=random.choice((1, 7, 60)))
        found, as_of = asker.ask(until)
        if as_of == until:
            assert found == anew(store, until)
    later = until + LOOK_AGAIN
    assert asker.ask(until, later) == (anew(store, until), later)


def test_asking_again_reads_today_alone_whoever_asks_and_the_question_asked_longest_ago_is_forgotten():
    spans, store = Numbered(), MemoryStore(SteppingClock())
    post_spans(store, *spans.quiet_weeks())
    ledger = Overheard(store)
    asker = Asker(ledger)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(asker.ask, [MIDDAY] * 8))
    assert answers == [([], MIDDAY)] * 8
    assert len([since for since in ledger.asked_since if since < SINCE]) == 1

    for number in range(MOST_KEPT):
        other = Asked(ledger, ("feature",), (Filter("team", str(number)),), look_back_days=LOOK_BACK_DAYS)
        asker.finder.find(other, Period(SINCE, MIDDAY), USUAL, MIDDAY)
    ledger.asked_since.clear()
    asker.ask(MIDDAY)
    assert min(ledger.asked_since) < SINCE
