"""Usage to be priced otherwise: both engines sum the same, and see what conversations repeat and caches lose."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ledgers import MODEL, post_spans

from costspan.core.attribution import Attribution
from costspan.core.period import Period
from costspan.core.units import Unit
from costspan.core.usage import Usage
from costspan.server.store.duckdb.store import DuckDBStore
from costspan.server.store.memory import MemoryStore
from costspan.server.store.ports import Store
from costspan.server.store.usage_history import Repeated, UsageQuestion, UsageRow
from costspan.testing.spans import otel_genai, sample_call
from costspan.testing.stores import EVER, Planned, play, random_postings

MORNING = datetime(2026, 11, 3, 9, 0, tzinfo=UTC)


def turn(number: int, minute: float, session: str = "s", took_s: float = 1, **units: int):
    """Return one call of a conversation."""
    began_ns = int((MORNING + timedelta(minutes=minute)).timestamp() * 1e6) * 1000
    call = sample_call(
        trace_id=f"{number:032x}",
        span_id=f"{number:016x}",
        response_id=f"r{number}",
        requested_model=MODEL,
        usage=Usage({Unit(name): quantity for name, quantity in units.items()}),
        attribution=Attribution(service="web", session=session, feature="chat"),
    )
    return replace(otel_genai(call), start_ns=began_ns, end_ns=began_ns + int(took_s * 1e9))


def summed(store: Store) -> UsageRow:
    [row] = store.usage_history(UsageQuestion(EVER))
    return row


def test_a_conversation_repeats_what_it_sent_before(store: Store) -> None:
    post_spans(store, turn(1, 0, input=2_000), turn(2, 1, input=3_000), turn(3, 2, input=1_500))
    row = summed(store)
    # The third is shorter: it may begin as the second did, or be another prompt.
    assert row.repeated_least == Repeated(read=2_000, written=2_000 + 1_000)
    assert row.repeated_most == Repeated(read=2_000 + 1_500, written=2_000 + 1_000)
    assert row.calls == 3
    assert row.cost == 6_500 * 2_500_000
    assert row.usage[Unit.INPUT] == 6_500


@pytest.mark.parametrize(
    "second",
    [
        turn(2, 6, input=3_000),
        turn(2, 1, session="another", input=3_000),
    ],
    ids=["after five minutes", "in another conversation"],
)
def test_what_is_no_longer_or_not_in_the_cache_is_not_repeated(store: Store, second) -> None:
    post_spans(store, turn(1, 0, input=2_000), second)
    row = summed(store)
    assert row.repeated_least == row.repeated_most == Repeated()


def test_a_call_that_begins_while_the_one_before_runs_may_find_nothing(store: Store) -> None:
    post_spans(store, turn(1, 0, took_s=90, input=2_000), turn(2, 1, input=3_000))
    row = summed(store)
    assert (row.repeated_least.read, row.repeated_most.read) == (0, 2_000)


def test_what_the_provider_cached_already_is_not_counted_again(store: Store) -> None:
    post_spans(store, turn(1, 0, input=2_000), turn(2, 1, input=1_200, cache_read=1_800))
    assert summed(store).repeated_most.read == 200


def test_what_was_written_and_never_read_in_its_life_is_found(store: Store) -> None:
    post_spans(
        store,
        turn(1, 0, session="a", input=10, cache_write_5m=5_000),
        turn(2, 3, session="b", input=10, cache_read=5_000),
        turn(3, 20, session="c", input=10, cache_write_5m=4_000),
        turn(4, 26, session="d", input=10, cache_read=4_000),
    )
    assert summed(store).unread == Usage({Unit.CACHE_WRITE_5M: 4_000})


def test_calls_are_told_apart_by_hour_and_by_how_much_they_were_asked(store: Store) -> None:
    post_spans(store, turn(1, 0, input=2_000), turn(2, 1, input=300), turn(3, 70, input=2_001))
    rows = store.usage_history(UsageQuestion(EVER, group_by=("feature",), breaks=(1_000, 2_000)))
    assert {(row.key, row.hour.hour, row.band, row.usage[Unit.INPUT]) for row in rows} == {
        (("chat",), 9, 1, 2_000),
        (("chat",), 9, 0, 300),
        (("chat",), 10, 2, 2_001),
    }


def by_group(rows: list[UsageRow]) -> dict[tuple, UsageRow]:
    return {
        (each.key, each.models, each.provider, each.mode, each.hour, each.band, each.streamed, each.cost is None): each
        for each in rows
    }


@settings(max_examples=15, deadline=None)
@given(random=st.integers(0, 2**32).map(Random), count=st.integers(1, 40))
def test_duckdb_sums_as_memory_does(random: Random, count: int) -> None:
    planned = [Planned([_near(random, entry) for entry in each.entries]) for each in random_postings(random, count)]
    memory = MemoryStore()
    with TemporaryDirectory() as folder:
        duckdb = DuckDBStore(Path(folder))
        for store in (duckdb, memory):
            play(store, planned)
        for question in (
            UsageQuestion(EVER),
            UsageQuestion(Period(MORNING, MORNING + timedelta(minutes=20)), (), ("team", "tag.plan"), (1_500,)),
        ):
            assert by_group(list(duckdb.usage_history(question))) == by_group(list(memory.usage_history(question)))
        duckdb.close()


def _near(random: Random, entry):
    """Return the entry as one of few conversations within the hour, with inputs that may repeat."""
    call = entry.settled.call
    began_ns = int((MORNING + timedelta(seconds=random.randrange(3600))).timestamp()) * 10**9
    usage = {unit: random.choice((0, 900, 1_500, 4_000)) for unit in (Unit.INPUT, Unit.CACHE_READ, *_WRITES)}
    who = replace(call.attribution, session=random.choice(("a", "b", None)), feature="chat")
    moved = replace(
        call,
        started_at_ns=began_ns,
        ended_at_ns=began_ns + random.randrange(120) * 10**9,
        usage=Usage(usage),
        attribution=who,
        response_model=MODEL,
        requested_model=MODEL,
        call_count=1,
    )
    return replace(entry, settled=replace(entry.settled, call=moved))


_WRITES = (Unit.CACHE_WRITE_5M, Unit.CACHE_WRITE_1H)
