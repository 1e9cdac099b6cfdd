"""Roll-ups change no answer: whenever they are made, merged or made anew, the figures are those of the rows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from costspan.server.store.duckdb.rollups import ROLLED
from costspan.server.store.duckdb.store import DuckDBStore
from costspan.server.store.duckdb.upkeep import DuckDBUpkeep
from costspan.server.store.memory import MemoryStore
from costspan.server.store.question import QUANTILES, Filter, Interval, SpendAnswer, SpendQuestion
from costspan.server.store.sql.sketches import RELATIVE_ERROR
from costspan.testing.stores import EVER, assert_same, play, random_postings, random_question

SKETCHED = 0
"""As `max_exact`: quantiles are read from sketches however few the calls are."""


@contextmanager
def opened(folder: Path, **options: int) -> Iterator[tuple[DuckDBStore, DuckDBUpkeep]]:
    with closing(DuckDBStore(folder, **options)) as store:
        yield store, DuckDBUpkeep(store)


def play_with_upkeep(random: Random, store: DuckDBStore, upkeep: DuckDBUpkeep, postings) -> None:
    """Play postings, rolling up some of what is there and merging now and then."""
    for posting in postings:
        play(store, [posting])
        if random.random() < 0.5:
            upkeep.roll_up(random.choice((1, 3, 1_000)))
        if random.random() < 0.2:
            upkeep.merge(1)


def without_quantiles(answer: SpendAnswer) -> SpendAnswer:
    nothing = dict.fromkeys(QUANTILES)
    rows = tuple(replace(row, spend=replace(row.spend, **nothing)) for row in answer.rows)
    return SpendAnswer(rows, replace(answer.total, **nothing))


def quantiles(answer: SpendAnswer) -> list[float]:
    spends = [answer.total, *(row.spend for row in answer.rows)]
    return [value for spend in spends for name in QUANTILES for value in getattr(spend, name) or (-1.0,)]


@settings(max_examples=6, deadline=None)
@given(random=st.integers(0, 2**32).map(Random), count=st.integers(1, 40))
def test_any_question_is_answered_the_same_however_much_is_rolled_up(random: Random, count: int) -> None:
    postings = random_postings(random, count)
    memory = MemoryStore()
    play(memory, postings)
    with TemporaryDirectory() as folder, opened(Path(folder)) as (store, upkeep):
        play_with_upkeep(random, store, upkeep, postings)
        for question in (SpendQuestion(EVER), *(random_question(random) for _ in range(8))):
            assert_same(store.spend(question), memory.spend(question))
        heard = {dialect: calls for dialect, calls in store.summary().dialects.items() if calls}
        assert heard == {dialect: calls for dialect, calls in memory.summary().dialects.items() if calls}
        assert upkeep.verify(lambda _: None).findings == []


@settings(max_examples=6, deadline=None)
@given(random=st.integers(0, 2**32).map(Random), count=st.integers(1, 40))
def test_sketched_quantiles_are_within_the_stated_error_and_sums_stay_exact(random: Random, count: int) -> None:
    postings = random_postings(random, count)
    memory = MemoryStore()
    play(memory, postings)
    with TemporaryDirectory() as folder, opened(Path(folder), max_exact=SKETCHED) as (store, upkeep):
        play_with_upkeep(random, store, upkeep, postings)
        for _ in range(8):
            question = replace(random_question(random), period=EVER)
            question = replace(question, group_by=tuple(key for key in question.group_by if key in ROLLED), filters=())
            found, exact = store.spend(question), memory.spend(question)
            assert_same(without_quantiles(found), without_quantiles(exact))
            # 1 ns is told from 0 nowhere, and values are rounded to 0.001 ms.
            assert quantiles(found) == pytest.approx(quantiles(exact), rel=RELATIVE_ERROR * 1.001, abs=0.0011)


@settings(max_examples=6, deadline=None)
@given(random=st.integers(0, 2**32).map(Random), count=st.integers(1, 40))
def test_users_are_answered_the_same_however_much_is_rolled_up(random: Random, count: int) -> None:
    postings = random_postings(random, count)
    memory = MemoryStore()
    play(memory, postings)
    questions = [
        SpendQuestion(EVER, group_by, interval, filters=filters, limit=limit)
        for group_by in (("user",), ("user", "tenant"), ())
        for interval in Interval
        for filters in ((), (Filter("user", "a"),), (Filter("user", None),), (Filter("user", "a", excludes=True),))
        for limit in (None, 2)
    ]
    with TemporaryDirectory() as folder, opened(Path(folder)) as (store, upkeep):
        play_with_upkeep(random, store, upkeep, postings)
        for question in random.sample(questions, 10):
            assert_same(store.spend(question), memory.spend(question))


def test_a_limit_keeps_the_same_groups_with_sketches(tmp_path: Path) -> None:
    postings = random_postings(Random(3), 120)
    memory = MemoryStore()
    play(memory, postings)
    question = SpendQuestion(EVER, ("feature",), limit=2)
    with opened(tmp_path, max_exact=SKETCHED) as (store, upkeep):
        play(store, postings)
        upkeep.roll_up(1_000)
        found, exact = store.spend(question), memory.spend(question)
        assert_same(without_quantiles(found), without_quantiles(exact))
        assert quantiles(found) == pytest.approx(quantiles(exact), rel=RELATIVE_ERROR * 1.001, abs=0.0011)


def test_rolling_up_survives_a_restart_and_goes_on_where_it_was(tmp_path: Path) -> None:
    postings = random_postings(Random(4), 60)
    memory = MemoryStore()
    play(memory, postings)
    for posting in postings:
        with opened(tmp_path) as (store, upkeep):
            play(store, [posting])
            upkeep.roll_up(1_000)
    with opened(tmp_path) as (store, upkeep):
        assert upkeep.waiting() == 0
        assert upkeep.merge(1) > 0
        assert_same(store.spend(SpendQuestion(EVER, ("model",))), memory.spend(SpendQuestion(EVER, ("model",))))


@pytest.mark.parametrize("table", ["rollups", "user_rollups", "sketches"])
def test_a_roll_up_that_does_not_add_up_is_found_and_made_anew(tmp_path: Path, table: str) -> None:
    with opened(tmp_path) as (store, upkeep):
        play(store, random_postings(Random(5), 60))
        upkeep.roll_up(1_000)
    with duckdb.connect(str(tmp_path / "ledger.duckdb")) as connection:
        connection.execute(f"DELETE FROM {table} WHERE rowid = 0")
    with opened(tmp_path) as (_, upkeep):
        wrong = upkeep.verify(lambda _: None)
        assert [finding.rolled_up for finding in wrong.findings] == [True]
        upkeep.add_up_again(wrong.findings[0].day)
        assert upkeep.verify(lambda _: None).is_well


@pytest.mark.parametrize(
    ("damage", "what"),
    [
        ("DELETE FROM charges WHERE cost <> 0", "charges do not add up"),
        ("UPDATE calls SET cost = cost + 1 WHERE cost IS NOT NULL AND role = 'owner'", "charges do not add up"),
        ("INSERT INTO calls SELECT * FROM calls WHERE sign < 0", "taken back more often"),
        ("INSERT INTO calls SELECT * REPLACE (999999 AS entry_id) FROM calls WHERE rowid = 0", "more than one entry"),
    ],
)
def test_a_line_that_was_tampered_with_is_found(tmp_path: Path, damage: str, what: str) -> None:
    with opened(tmp_path) as (store, upkeep):
        play(store, random_postings(Random(6), 60))
        assert upkeep.verify(lambda _: None).is_well
    with duckdb.connect(str(tmp_path / "ledger.duckdb")) as connection:
        connection.execute(damage)
    with opened(tmp_path) as (_, upkeep):
        assert what in " ".join(finding.what for finding in upkeep.verify(lambda _: None).findings)
