"""Both engines pass the public battery, and DuckDB answers random questions as the store in memory does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from costspan.server.store.duckdb.store import DuckDBStore
from costspan.server.store.entry import Batch
from costspan.server.store.memory import MemoryStore
from costspan.server.store.question import SpendQuestion
from costspan.testing.stores import EVER, StoreContract, assert_same, play, random_postings, random_question


class TestMemoryStore(StoreContract):
    @pytest.fixture
    def store(self) -> MemoryStore:
        return MemoryStore()


class TestDuckDBStore(StoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[DuckDBStore]:
        store = DuckDBStore(tmp_path)
        yield store
        store.close()

    def test_the_answers_are_the_same_after_a_restart(self, tmp_path: Path, store: DuckDBStore) -> None:
        random = Random(5)
        postings = random_postings(random, 80)
        play(store, postings)
        questions = [random_question(random) for _ in range(20)]
        before = [store.spend(question) for question in questions]
        recorded = Batch([entry.call for posting in postings for entry in posting.entries])
        store.close()
        opened_again = DuckDBStore(tmp_path)
        for question, answer in zip(questions, before, strict=True):
            assert_same(opened_again.spend(question), answer)
        assert opened_again.known(recorded) == {call.identity for call in recorded.calls}
        opened_again.close()

    def test_a_closed_store_opens_again_when_it_is_asked(self, store: DuckDBStore) -> None:
        play(store, random_postings(Random(6), 5))
        store.close()
        assert store.summary().first_call_at is not None


@settings(max_examples=6, deadline=None)
@given(random=st.integers(0, 2**32).map(Random), count=st.integers(1, 30))
def test_duckdb_agrees_with_memory_on_anything(random: Random, count: int) -> None:
    postings = random_postings(random, count)
    memory = MemoryStore()
    with TemporaryDirectory() as folder:
        duckdb = DuckDBStore(Path(folder))
        for store in (duckdb, memory):
            play(store, postings)
        for question in (SpendQuestion(EVER), *(random_question(random) for _ in range(8))):
            assert_same(duckdb.spend(question), memory.spend(question))
        duckdb.close()
