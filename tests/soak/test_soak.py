"""A server in use without pause: what it was sent is there once, and it holds no more at the end than when warm.

`--soak-s` says how long (default: a minute and a quarter; `make soak` takes five). What a company of ten million calls
a day sends in an hour is sent in five minutes.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice

import pytest
from soak_load import DASHBOARDS, EXPORTERS, Load, Tally
from soak_traffic import KNOWN_CALLS, batches
from soak_watch import Sample, bytes_a_call, sample, table

from bodies import PLAIN_CALL_USD
from serving import Server

BATCHES_A_SECOND = 16
SAMPLE_EVERY = 16
NOVEMBER = "since=2026-11-01&until=2026-11"
USERS = EXPORTERS + DASHBOARDS + 1
MOST_BYTES_A_CALL = 750
"""Half of what one call takes that is kept in memory (`store/duckdb/recent.py`: 40,000 in 60 MB)."""


@dataclass(frozen=True, slots=True)
class Soaked:
    """The server after the load, still running, and what was seen of it."""

    server: Server
    tally: Tally
    samples: list[Sample]

    @property
    def warm(self) -> list[Sample]:
        """The samples of the second half, when all that is bounded is full."""
        return self.samples[len(self.samples) // 2 :]


@pytest.fixture(scope="module")
def soaked(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Soaked]:
    seconds = request.config.getoption("--soak-s")
    server = Server(tmp_path_factory.mktemp("soak") / "data")
    try:
        load, samples, began_s = Load(server.url), [], time.monotonic()
        for number, batch in enumerate(islice(batches(), seconds * BATCHES_A_SECOND)):
            load.pause(began_s + number / BATCHES_A_SECOND - time.monotonic())
            load.offer(batch)
            if number % SAMPLE_EVERY == 0:
                at_s = time.monotonic() - began_s
                samples.append(sample(server.process.pid, server.data, at_s, load.tally.new_calls))
        load.stop()
        print(f"\n{table(samples)}\n{load.tally.summary()}")
        yield Soaked(server, load.tally, samples)
    finally:
        server.kill()


def test_every_acknowledged_call_is_counted_once(soaked: Soaked) -> None:
    counts, tally = soaked.server.ingest(), soaked.tally
    known = soaked.server.spend(filter="service:known")["total"]

    assert counts["received_spans"] == tally.spans
    assert counts["new_calls"] == tally.new_calls
    assert counts["retransmitted"] == tally.repeated_calls > 0
    assert counts["refused"] == {}
    assert known["calls"] == KNOWN_CALLS * tally.batches
    assert Decimal(known["cost_usd"]) == Decimal(PLAIN_CALL_USD) * KNOWN_CALLS * tally.batches


def test_an_acknowledged_call_is_in_the_next_answer(soaked: Soaked) -> None:
    assert soaked.tally.late == []


def test_every_question_is_answered_under_load(soaked: Soaked) -> None:
    assert soaked.tally.questions > 0
    assert soaked.tally.not_answered == []


def test_memory_does_not_grow_with_the_calls_taken(soaked: Soaked) -> None:
    assert bytes_a_call(soaked.warm) < MOST_BYTES_A_CALL, table(soaked.samples)


def test_no_file_handle_and_no_thread_is_left_behind(soaked: Soaked) -> None:
    before = soaked.samples[: len(soaked.samples) // 2]
    for held in ("handles", "threads"):
        most = max(getattr(each, held) for each in before)
        assert max(getattr(each, held) for each in soaked.warm) <= most + USERS, table(soaked.samples)


def test_the_ledger_is_the_same_after_a_restart(soaked: Soaked) -> None:
    question = f"/api/v1/spend?{NOVEMBER}&interval=1d&group_by=service,model"
    before = soaked.server.get(question).document
    soaked.server.stop()
    again = Server(soaked.server.data)
    try:
        assert again.get(question).document["rows"] == before["rows"]
        assert "Traceback" not in again.errors()
    finally:
        again.kill()
