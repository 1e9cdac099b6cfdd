"""What is past its time goes in rows and stays in totals; what comes later is told so."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import duckdb
import pytest

from bodies import MILLISECOND, PLAIN_CALL, protobuf, span
from costspan.core.clock import ns_from_utc
from costspan.core.errors import ConfigError
from costspan.core.period import Period
from costspan.pricing.load import load_rate_card
from costspan.server.pipeline.caretaker import Caretaker, following_night
from costspan.server.pipeline.committer import Committer
from costspan.server.pipeline.counters import IngestCounters
from costspan.server.pipeline.forgotten import REASON
from costspan.server.pipeline.pipeline import Pipeline
from costspan.server.pipeline.signals import PROTOBUF
from costspan.server.store.calls import CallsQuestion
from costspan.server.store.duckdb.store import DuckDBStore
from costspan.server.store.duckdb.upkeep import DuckDBUpkeep
from costspan.server.store.question import Filter, Interval, SpendQuestion
from costspan.server.store.upkeep import LINKS_KEPT, Removed, Retention, read_retention

NOW = datetime(2026, 11, 20, 12, 30, tzinfo=UTC)
YEAR = Period(NOW - timedelta(days=365), NOW)
TEN_DAYS = Retention(calls=timedelta(days=10))
USERS = ("ada", "bob", "cy")


class Ledger:
    """A ledger with all that keeps it, at a moment that can be moved."""

    def __init__(self, folder: Path, retention: Retention = TEN_DAYS) -> None:
        self.now = NOW
        self.store = DuckDBStore(folder, clock=lambda: self.now)
        self.committer = Committer(self.store, load_rate_card())
        self.pipeline = Pipeline(self.committer, IngestCounters(lambda: self.now))
        self.caretaker = Caretaker(self.committer.write, DuckDBUpkeep(self.store), retention, lambda: self.now)

    def take(self, *spans):
        return self.pipeline.take(protobuf(spans), PROTOBUF)

    def close(self) -> None:
        self.pipeline.close()
        self.store.close()


@contextmanager
def ledger(folder: Path, retention: Retention = TEN_DAYS) -> Iterator[Ledger]:
    with closing(Ledger(folder, retention)) as opened:
        yield opened


def call(number: int, days_ago: float):
    started_at_ns = ns_from_utc(NOW - timedelta(days=days_ago))
    return span(
        {**PLAIN_CALL, "user_id": USERS[number % 3]},
        number=number,
        start_time_unix_nano=started_at_ns,
        end_time_unix_nano=started_at_ns + 800 * MILLISECOND,
    )


def month_of_calls():
    return [call(number, days_ago=number / 2) for number in range(1, 61)]


def test_rows_go_and_every_total_stays(tmp_path: Path) -> None:
    questions = [
        SpendQuestion(YEAR, group_by=key, interval=interval)
        for key in ((), ("model",), ("service", "price_status"))
        for interval in Interval
    ]
    with ledger(tmp_path) as kept:
        kept.take(*month_of_calls())
        before = [kept.store.spend(question) for question in questions]
        assert kept.caretaker.round().calls == 39
        assert [spend_sums(kept.store.spend(question)) for question in questions] == list(map(spend_sums, before))
        rows = kept.store.calls(CallsQuestion(YEAR, limit=100)).rows
        assert len(rows) == 21
        assert kept.store.kept_since() == datetime(2026, 11, 10, tzinfo=UTC)
        assert kept.caretaker.verify().is_well
        assert kept.caretaker.round() == Removed()


def spend_sums(answer):
    def plain(spend):
        return spend.calls, spend.cost, spend.input_tokens, spend.output_cost

    return plain(answer.total), [(row.key, row.start, plain(row.spend)) for row in answer.rows]


def test_keys_that_only_rows_had_are_unknown_for_the_time_before_and_the_answer_says_so(tmp_path: Path) -> None:
    with ledger(tmp_path) as kept:
        kept.take(*month_of_calls())
        kept.caretaker.round()
        by_user = kept.store.spend(SpendQuestion(YEAR, ("user",)))
        assert {row.key: row.spend.calls for row in by_user.rows} == {("ada",): 7, ("bob",): 7, ("cy",): 7, (None,): 39}
        assert by_user.total.calls == 60
        assert by_user.keys_since == kept.store.kept_since()
        ada = kept.store.spend(SpendQuestion(YEAR, filters=(Filter("user", "ada"),)))
        assert (ada.total.calls, ada.keys_since) == (7, kept.store.kept_since())
        lately = Period(NOW - timedelta(days=5), NOW)
        assert kept.store.spend(SpendQuestion(lately, ("user",))).keys_since is None


def test_users_that_are_unknown_keep_their_percentiles_under_a_limit(tmp_path: Path) -> None:
    with ledger(tmp_path) as kept:
        kept.take(*month_of_calls())
        kept.caretaker.round()
        for limit in (None, 1):
            unknown = kept.store.spend(SpendQuestion(YEAR, ("user",), order="calls", limit=limit)).rows[0]
            assert (unknown.key, unknown.spend.latency_ms is None) == ((None,), False)


def test_no_user_is_named_by_the_file_once_their_rows_are_gone(tmp_path: Path) -> None:
    with ledger(tmp_path) as kept:
        kept.take(*month_of_calls())
        kept.caretaker.round()
        since = kept.store.kept_since()
    with duckdb.connect(str(tmp_path / "ledger.duckdb"), read_only=True) as connection:
        [(named_since,)] = connection.execute("SELECT min(day) FROM user_rollups WHERE user_id IS NOT NULL").fetchall()
    assert named_since.replace(tzinfo=UTC) == since


def test_adjacent_periods_hold_every_call_once_also_where_rows_are_gone(tmp_path: Path) -> None:
    with ledger(tmp_path) as kept:
        kept.take(*month_of_calls())
        kept.caretaker.round()
        edges = [YEAR.since, *(NOW - timedelta(days=days, minutes=20) for days in (25, 20, 12, 10, 9.97, 3)), NOW]
        parts = [kept.store.spend(SpendQuestion(Period(*ends))).total.calls for ends in pairwise(edges)]
        assert sum(parts) == 60


def test_a_record_from_before_is_refused_with_its_reason_and_never_counted_twice(tmp_path: Path) -> None:
    with ledger(tmp_path) as kept:
        kept.take(*month_of_calls())
        kept.caretaker.round()
        again = kept.take(*month_of_calls(), call(61, days_ago=200))
        assert (again.calls, again.retransmitted, dict(again.refused)) == (0, 21, {REASON: 40})
        assert kept.store.spend(SpendQuestion(YEAR)).total.calls == 60


def test_calls_that_come_while_rows_are_being_removed_are_in_every_answer(tmp_path: Path) -> None:
    with ledger(tmp_path) as kept:
        kept.take(*month_of_calls())
        upkeep = DuckDBUpkeep(kept.store)
        upkeep.roll_up(1_000)
        kept.take(call(100, days_ago=25))
        steps = 0
        while upkeep.retain(TEN_DAYS, NOW) != Removed():
            steps += 1
            assert kept.store.spend(SpendQuestion(YEAR)).total.calls == 61
        assert steps > 10
        kept.caretaker.round()
        assert kept.store.spend(SpendQuestion(YEAR)).total.calls == 61
        assert kept.caretaker.verify().is_well


def of_one_trace(number: int, parent: int, **attributes):
    """A span of trace 1, below another one."""
    return span(
        attributes,
        number=number,
        trace_id=b"\1" * 16,
        parent_span_id=parent.to_bytes(8, "big"),
        start_time_unix_nano=ns_from_utc(NOW),
        end_time_unix_nano=ns_from_utc(NOW) + 1,
    )


def test_a_span_that_no_call_or_tool_hangs_on_goes_once_its_trace_is_settled(tmp_path: Path) -> None:
    with ledger(tmp_path) as kept:
        kept.take(
            of_one_trace(2, 1, feature="search"),
            of_one_trace(3, 2),
            of_one_trace(4, 3, **PLAIN_CALL),
            of_one_trace(5, 2),
            of_one_trace(6, 5),
            of_one_trace(7, 2),
            of_one_trace(8, 7, **{"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "search"}),
        )
        kept.now += LINKS_KEPT
        assert kept.caretaker.round().links == 0
        kept.now += timedelta(seconds=1)
        assert kept.caretaker.round().links == 2
        assert {int(found.span_id, 16) for found in kept.store.trace("01" * 16).links} == {2, 3, 7, 8}
        [found] = kept.store.calls(CallsQuestion(Period(NOW, kept.now))).rows
        assert found.attribution.feature == "search"


def test_a_call_that_comes_later_still_is_counted_and_inherits_nothing_across_the_gap(tmp_path: Path) -> None:
    with ledger(tmp_path) as kept:
        kept.take(of_one_trace(2, 1, feature="search"), of_one_trace(3, 2), of_one_trace(4, 2, **PLAIN_CALL))
        kept.now += LINKS_KEPT + timedelta(seconds=1)
        assert kept.caretaker.round().links == 1
        kept.take(of_one_trace(9, 3, **PLAIN_CALL))
        found = kept.store.calls(CallsQuestion(Period(NOW, kept.now))).rows
        assert {int(row.place.span_id, 16): row.attribution.feature for row in found} == {4: "search", 9: None}


def test_the_default_keeps_every_call(tmp_path: Path) -> None:
    with ledger(tmp_path, Retention()) as kept:
        kept.take(*month_of_calls())
        assert kept.caretaker.round().calls == 0
        assert len(kept.store.calls(CallsQuestion(YEAR, limit=100)).rows) == 60


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (None, Retention()),
        ({"raw": "36h"}, Retention(raw=timedelta(hours=36))),
        ({"raw": "0d", "calls": "400d"}, Retention(raw=timedelta(0), calls=timedelta(days=400))),
        ({"raw": "forever", "calls": "forever"}, Retention(raw=None, calls=None)),
    ],
)
def test_retention_is_read(said, expected) -> None:
    assert read_retention(said, "costspan.yaml") == expected


@pytest.mark.parametrize(
    ("said", "error"),
    [
        (["7d"], "a mapping is expected"),
        ({"rows": "7d"}, "unknown key 'rows'; known: raw, calls"),
        ({"raw": "a week"}, "retention: raw: 'a week' is no length of time"),
        ({"calls": 400}, "retention: calls: 400 is no length of time"),
        ({"calls": "1d"}, "at least 3d"),
    ],
)
def test_a_retention_that_makes_no_sense_is_named(said, error: str) -> None:
    with pytest.raises(ConfigError, match="retention") as raised:
        read_retention(said, "costspan.yaml")
    assert error in str(raised.value)


def test_the_night_is_always_ahead() -> None:
    assert following_night(NOW) == datetime(2026, 11, 21, 3, tzinfo=UTC)
    assert following_night(datetime(2026, 11, 20, 2, 59, tzinfo=UTC)) == datetime(2026, 11, 20, 3, tzinfo=UTC)
    assert following_night(datetime(2026, 11, 20, 3, tzinfo=UTC)) == datetime(2026, 11, 21, 3, tzinfo=UTC)
