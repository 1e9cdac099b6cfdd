"""The one writing thread answers everyone, whatever a single sender or request does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path

import pytest

from costspan.core.call import Call
from costspan.core.errors import PermanentError, RetryableError
from costspan.core.units import Unit
from costspan.core.usage import Usage
from costspan.pricing.load import load_rate_card
from costspan.server.pipeline.committer import QUEUED_REQUESTS, Committer
from costspan.server.store.duckdb.store import DuckDBStore
from costspan.server.store.entry import Batch, Posting
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
