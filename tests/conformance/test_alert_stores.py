"""All engines keep what alerting must not forget, in the same way, and the one on disk over a restart."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clickhouse_node import Node, needs_clickhouse
from costspan.server.store.alerts import (
    AlertChanges,
    AlertEvent,
    AlertStore,
    QueuedNotification,
    SendState,
    StoredSilence,
)
from costspan.server.store.duckdb.alerts import DuckDBAlerts
from costspan.server.store.duckdb.store import DuckDBStore
from costspan.server.store.memory_alerts import MemoryAlerts

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
RULES, GROUPS, NOTIFIERS = ("a", "it's b"), ("[]", '[["team","日本"]]', '[["team",null]]'), ("hook", "mail")


def changes(random: Random, number: int) -> AlertChanges:
    at = NOW + timedelta(minutes=number)
    keys = [(rule, group) for rule in RULES for group in GROUPS]
    standing = dict.fromkeys(random.sample(keys, random.randint(0, 3)), f'{{"n": {number}}}')
    return AlertChanges(
        judged_at=dict.fromkeys(random.sample(RULES, random.randint(0, 2)), at),
        standing=standing,
        gone=[key for key in random.sample(keys, random.randint(0, 2)) if key not in standing],
        events=[
            AlertEvent(at=at, key=random.choice(keys), state="firing", note="", document='{"a": "ü"}')
            for _ in range(random.randint(0, 2))
        ],
        notifications=[queued(random, at) for _ in range(random.randint(0, 2))],
    )


def queued(random: Random, at: datetime) -> QueuedNotification:
    return QueuedNotification(
        id=f"id{random.randint(0, 9)}",
        notifier=random.choice(NOTIFIERS),
        rule=random.choice(RULES),
        created_at=at,
        due_at=at + timedelta(seconds=random.randint(-60, 60)),
        document="{}",
    )


def silence(random: Random, number: int) -> StoredSilence:
    ends_at = NOW + timedelta(minutes=number) + timedelta(days=random.choice((-2, -1, 0, 1)))
    return StoredSilence(
        id=f"s{random.randint(0, 3)}",
        matchers=("rule:it's", "team:!日本"),
        starts_at=NOW - timedelta(days=3),
        ends_at=ends_at,
        comment="a 'b'",
        author="c",
    )


def play(store: AlertStore, random: Random, steps: int) -> None:
    """Do what alerting does to a store, the same for the same seed."""
    for number in range(steps):
        store.commit(changes(random, number))
        if random.random() < 0.3:
            store.put_silence(silence(random, number))
        due = store.due(random.choice(NOTIFIERS), NOW + timedelta(minutes=number))
        state, attempts = random.choice(list(SendState)), random.randint(0, 9)
        if due is not None:
            store.put_notification(
                QueuedNotification(
                    id=due.id,
                    notifier=due.notifier,
                    rule=due.rule,
                    created_at=due.created_at,
                    due_at=due.due_at + timedelta(minutes=attempts),
                    document=due.document,
                    state=state,
                    attempts=attempts,
                    error="no answer: 'x'",
                )
            )


def all_of(store: AlertStore) -> list[object]:
    """Return everything a store answers."""
    standing = store.standing()
    return [
        dict(standing.judged_at),
        dict(standing.standing),
        list(standing.silences),
        *(list(store.events(limit, rule)) for limit in (3, 1000) for rule in (None, *RULES)),
        *(list(store.notifications(states, 1000)) for states in ([SendState.DEAD], list(SendState))),
        *(store.due(notifier, NOW + timedelta(days=1)) for notifier in NOTIFIERS),
    ]


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**32), steps=st.integers(1, 12))
def test_duckdb_keeps_what_memory_keeps_and_again_after_a_restart(seed: int, steps: int) -> None:
    memory = MemoryAlerts(lambda: NOW)
    play(memory, Random(seed), steps)
    with TemporaryDirectory() as folder:
        store = DuckDBStore(Path(folder))
        duckdb = DuckDBAlerts(store, lambda: NOW)
        play(duckdb, Random(seed), steps)
        assert all_of(duckdb) == all_of(memory)
        store.close()
        store = DuckDBStore(Path(folder))
        assert all_of(DuckDBAlerts(store, lambda: NOW)) == all_of(memory)
        store.close()


@needs_clickhouse
@pytest.mark.parametrize("seed", range(2))
def test_clickhouse_keeps_what_memory_keeps_and_so_does_the_process_that_takes_over(node: Node, seed: int) -> None:
    from costspan.server.store.clickhouse.alerts import ClickHouseAlerts
    from costspan.server.store.clickhouse.connection import parse_target
    from costspan.server.store.clickhouse.ledger import ClickHouseLedger

    memory, target = MemoryAlerts(lambda: NOW), parse_target(node.url())
    play(memory, Random(seed), 10)
    ledger, other = ClickHouseLedger(target), ClickHouseLedger(target)
    play(ClickHouseAlerts(ledger, lambda: NOW, whole_every=4), Random(seed), 10)
    watching = ClickHouseAlerts(other, lambda: NOW)
    assert all_of(watching) == all_of(memory)
    ledger.close()
    for store in (watching, memory):
        store.commit(changes(Random(seed), 11))
    assert all_of(watching) == all_of(memory)
    other.close()


@pytest.fixture(params=["memory", "duckdb", pytest.param("clickhouse", marks=needs_clickhouse)])
def kept(request: pytest.FixtureRequest, tmp_path: Path):
    if request.param == "memory":
        yield MemoryAlerts(lambda: NOW)
    elif request.param == "clickhouse":
        from costspan.server.store.clickhouse.alerts import ClickHouseAlerts
        from costspan.server.store.clickhouse.connection import parse_target
        from costspan.server.store.clickhouse.ledger import ClickHouseLedger

        ledger = ClickHouseLedger(parse_target(request.getfixturevalue("node").url()))
        yield ClickHouseAlerts(ledger, lambda: NOW)
        ledger.close()
    else:
        store = DuckDBStore(tmp_path)
        yield DuckDBAlerts(store, lambda: NOW)
        store.close()


def put(store: AlertStore, notification_id: str, rule: str, due: int = 0) -> None:
    at = NOW + timedelta(seconds=due)
    one = QueuedNotification(id=notification_id, notifier="hook", rule=rule, created_at=NOW, due_at=at, document="{}")
    store.commit(AlertChanges(notifications=[one]))


def test_what_is_queued_twice_is_sent_once(kept: AlertStore) -> None:
    put(kept, "one", "a")
    put(kept, "one", "a")
    assert [each.id for each in kept.notifications(list(SendState), 10)] == ["one"]


def test_a_notification_waits_for_the_earlier_one_of_its_rule_and_for_no_other(kept: AlertStore) -> None:
    put(kept, "first", "a", due=60)
    put(kept, "second", "a")
    assert kept.due("hook", NOW) is None
    put(kept, "other", "b")
    due = kept.due("hook", NOW)
    assert due is not None
    assert due.id == "other"
    later = kept.due("hook", NOW + timedelta(seconds=60))
    assert later is not None
    assert later.id == "first"
    assert kept.due("mail", NOW) is None
