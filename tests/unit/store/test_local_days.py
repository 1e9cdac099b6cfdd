"""Buckets of a reporting zone: each call is in its local day, over days of 23 and 25 hours, and the days add up."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from costspan.core.clock import ns_from_utc
from costspan.core.period import Period
from costspan.core.zone import Zone
from costspan.server.store.duckdb.store import DuckDBStore
from costspan.server.store.memory import MemoryStore
from costspan.server.store.question import Interval, SpendQuestion
from costspan.testing.stores import Planned, play, random_postings, seeded

AROUND_THE_CHANGE = datetime(2026, 10, 23, tzinfo=UTC)
"""Europe puts its clocks back on the 25th, New York on the 1st of November."""
PERIOD = Period(AROUND_THE_CHANGE, AROUND_THE_CHANGE + timedelta(days=12))
ZONES = ("Europe/Berlin", "Asia/Kathmandu", "America/New_York", "Australia/Lord_Howe")
MINUTES = 12 * 24 * 60


def at_minutes(minutes: list[int]) -> Planned:
    """Return calls that began so many minutes into the period."""
    made = [entry for posting in random_postings(seeded(3), len(minutes)) for entry in posting.entries]
    began = [ns_from_utc(AROUND_THE_CHANGE + timedelta(minutes=minute)) for minute in minutes]
    entries = [
        replace(entry, settled=replace(entry.settled, call=replace(entry.call, started_at_ns=ns)))
        for entry, ns in zip(made, began, strict=True)
    ]
    return Planned(entries)


@pytest.mark.parametrize("zone", ZONES)
@settings(max_examples=4, deadline=None)
@given(minutes=st.lists(st.integers(0, MINUTES - 1), min_size=1, max_size=60))
def test_each_call_is_in_its_local_day_and_the_days_add_up(zone: str, minutes: list[int]) -> None:
    planned = at_minutes(minutes)
    counted = [entry for entry in planned.entries if entry.settled.role.value == "owner"]
    local = ZoneInfo(zone)
    wanted = Counter[str]()
    for entry in counted:
        moment = datetime.fromtimestamp(entry.call.started_at_ns // 10**9, UTC)
        wanted[moment.astimezone(local).date().isoformat()] += entry.call.call_count
    with TemporaryDirectory() as folder:
        duckdb = DuckDBStore(Path(folder))
        for store in (duckdb, MemoryStore()):
            play(store, [planned])
            answer = store.spend(SpendQuestion(PERIOD, interval=Interval.DAY, zone=Zone(zone)))
            days = Counter[str]()
            for row in answer.rows:
                assert row.start is not None
                begins = row.start.astimezone(local)
                assert (begins.hour, begins.minute) == (0, 0)
                days[begins.date().isoformat()] += row.spend.calls
            assert days.total() == answer.total.calls
            assert +days == +wanted
        duckdb.close()


@pytest.mark.parametrize("zone", ZONES)
@settings(max_examples=4, deadline=None)
@given(minutes=st.lists(st.integers(0, MINUTES - 1), min_size=1, max_size=60))
def test_both_stores_have_the_same_local_hours(zone: str, minutes: list[int]) -> None:
    planned, question = at_minutes(minutes), SpendQuestion(PERIOD, interval=Interval.HOUR, zone=Zone(zone))
    with TemporaryDirectory() as folder:
        duckdb, memory = DuckDBStore(Path(folder)), MemoryStore()
        for store in (duckdb, memory):
            play(store, [planned])
        found = {row.start: row.spend.cost for row in duckdb.spend(question).rows}
        assert found == {row.start: row.spend.cost for row in memory.spend(question).rows}
        duckdb.close()
