"""The one writing thread answers everyone, whatever a single sender or request does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path

import pytest

from costspan.core.call import Call
from costspan.core.errors import PermanentError, RetryableError
from costspan.core.link import Link
from costspan.core.tool import ToolUse
from costspan.core.units import Unit
from costspan.core.usage import Usage
from costspan.pricing.load import load_rate_card
from costspan.server.pipeline.committer import QUEUED_REQUESTS, Committer
from costspan.server.store.duckdb.store import DuckDBStore
from costspan.server.store.entry import Batch, KeptRecord, Posting
from costspan.server.store.memory import MemoryStore

WAIT_S = 10


class Fussy(MemoryStore):
    """A ledger that can never hold a call of the model `poison`."""

    def commit(self, posting: Posting) -> None:
        if any(call.requested_model == "poison" for call in posting.batch.calls):
            raise PermanentError("poison")
        super().commit(posting)


@pytest.fixture
def committer() -> Iterator[Committer]:
    running = Committer(Fussy(), load_rate_card())
    yield running
    running.close()


def batch(number: int, model: str = "gpt-4o-mini") -> Batch:
    call = Call(
        trace_id=f"{number:032x}", span_id=f"{number:016x}", parent_span_id=None, started_at_ns=10**18,
        ended_at_ns=10**18, dialect="otel_genai", provider="openai", requested_model=model,
        usage=Usage({Unit.INPUT: 1}),
    )  # fmt: skip
    return Batch([call])


def test_a_sender_that_gives_up_does_not_end_the_writing_thread(committer: Committer) -> None:
    committer.submit(batch(1)).cancel()
    assert list(committer.submit(batch(2)).result(WAIT_S)) == [True]
    assert list(committer.submit(batch(1)).result(WAIT_S)) == [False]


def test_a_call_that_no_column_holds_is_refused_for_good_and_alone(tmp_path: Path) -> None:
    store = DuckDBStore(tmp_path)
    committer = Committer(store, load_rate_card())
    [call] = batch(2).calls
    answers = [committer.submit(one) for one in (batch(1), Batch([replace(call, call_count=2**40)]), batch(3))]
    assert list(answers[0].result(WAIT_S)) == [True]
    with pytest.raises(PermanentError, match="out of range"):
        answers[1].result(WAIT_S)
    assert list(answers[2].result(WAIT_S)) == [True]
    committer.close()
    store.close()


def test_a_request_that_can_never_be_stored_is_refused_alone(committer: Committer) -> None:
    answers = [committer.submit(one) for one in (batch(1), batch(2, "poison"), batch(3))]
    assert list(answers[0].result(WAIT_S)) == [True]
    with pytest.raises(PermanentError, match="poison"):
        answers[1].result(WAIT_S)
    assert list(answers[2].result(WAIT_S)) == [True]


def test_one_record_in_two_requests_of_one_commit_is_new_once(committer: Committer) -> None:
    answers = [committer.submit(batch(7)), committer.submit(batch(7))]
    assert [list(answer.result(WAIT_S)) for answer in answers] == [[True], [False]]


def test_more_waiting_requests_than_fit_are_told_to_come_back(committer: Committer) -> None:
    answers: list[Future[Sequence[bool]]] = []

    def submit_without_pause() -> None:
        answers.extend(committer.submit(batch(number)) for number in range(1, 100 * QUEUED_REQUESTS))

    with pytest.raises(RetryableError, match="wait") as refusal:
        submit_without_pause()
    assert refusal.value.retry_after_s == 1
    assert all(list(answer.result(WAIT_S)) == [True] for answer in answers)


def test_closing_commits_what_waits() -> None:
    store = MemoryStore()
    committer = Committer(store, load_rate_card())
    answer = committer.submit(batch(1))
    committer.close()
    assert list(answer.result(0)) == [True]
    assert store.summary().calls == 1


class Particular(MemoryStore):
    """A ledger that can never hold a record of the trace `POISON`, whatever it is."""

    def commit(self, posting: Posting) -> None:
        if any(record.trace_id == POISON for record in (*posting.batch.records, *posting.batch.tools)):
            raise PermanentError("poison")
        self.kept = [*getattr(self, "kept", ()), *posting.batch.kept]
        super().commit(posting)


POISON = f"{404:032x}"


def test_of_a_request_all_is_kept_but_the_records_that_cannot_be() -> None:
    def place(number: int) -> dict[str, str]:
        return {"trace_id": POISON if number % 7 == 3 else f"{number:032x}", "span_id": f"{number:016x}"}

    start = {"parent_span_id": None, "started_at_ns": 10**18}
    [plain] = batch(1).calls
    calls = [replace(plain, **place(number)) for number in range(1, 12)]
    links = [Link(**place(number), **start) for number in range(20, 32)]
    tools = [
        ToolUse(**place(number), **start, ended_at_ns=10**18, name="search", error_type=None)
        for number in range(20, 32)
    ]
    kept = [KeptRecord(record.identity, 10**18, b"") for record in (*calls, *links)]
    store = Particular()
    running = Committer(store, load_rate_card())
    new = running.submit(Batch(calls, links, tools=tools, kept=kept)).result(WAIT_S)
    running.close()
    assert list(new[: len(calls)]) == [None if call.trace_id == POISON else True for call in calls]
    assert list(new[len(calls) :]) == [None] * sum(link.trace_id == POISON for link in links)
    assert [record.key for record in store.kept] == [
        record.identity for record in (*calls, *links) if record.trace_id != POISON
    ]
