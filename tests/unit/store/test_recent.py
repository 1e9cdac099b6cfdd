"""The traces of late are held in memory: what is answered from there is what the file would have answered."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from ledgers import SteppingClock, post_spans
from test_call_conservation import BATCHES, documents

from costspan.server.store.duckdb import fingerprints, recent, records
from costspan.server.store.duckdb.fingerprints import Fingerprints
from costspan.server.store.duckdb.store import DuckDBStore
from costspan.testing.spans import otel_genai, sample_call


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=BATCHES, held=some.sampled_from([0, 1, 3, 1_000]), of_a_trace=some.sampled_from([1, 3, 1_000]))
def test_a_ledger_is_the_same_whatever_is_held(monkeypatch, batches, held: int, of_a_trace: int) -> None:
    monkeypatch.setattr(recent, "MAX_RECORDS", held)
    monkeypatch.setattr(recent, "MAX_OF_A_TRACE", of_a_trace)
    with TemporaryDirectory() as folder, TemporaryDirectory() as other:
        store = DuckDBStore(Path(folder), clock=SteppingClock())
        found = documents(store, batches)
        store.close()
        assert found == documents_of_restarts(Path(other), batches)


def documents_of_restarts(folder: Path, batches):
    """Return the documents of a ledger that is opened anew for every batch, and so holds nothing."""
    clock = SteppingClock()
    for batch in batches:
        store = DuckDBStore(folder, clock=clock)
        post_spans(store, *batch)
        store.close()
    store = DuckDBStore(folder, clock=clock)
    found = documents(store, [])
    store.close()
    return found


def test_what_was_given_up_is_asked_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent, "MAX_RECORDS", 0)
    monkeypatch.setattr(fingerprints, "_FULL", 2)
    store = DuckDBStore(tmp_path, clock=SteppingClock())
    outer = sample_call(span_id="a" * 16, scope_name="outer", response_id="r")
    post_spans(store, otel_genai(outer))
    for number in range(1, 9):
        post_spans(store, otel_genai(sample_call(trace_id=f"{number:032x}", response_id=f"other-{number}")))
    again = sample_call(trace_id="c" * 32, response_id="r", scope_name="inner")
    post_spans(store, otel_genai(again), otel_genai(outer))

    assert store.summary().calls == 9
    store.close()


@pytest.mark.parametrize("most", [10, 1])
def test_a_file_that_is_opened_again_is_known_by_the_traces_of_its_last_days(tmp_path, monkeypatch, most: int) -> None:
    monkeypatch.setattr(records, "MAX_REMEMBERED", most)
    store = DuckDBStore(tmp_path, clock=SteppingClock())
    calls = [sample_call(trace_id=f"{number:032x}", response_id=f"r{number}") for number in range(1, 4)]
    post_spans(store, *map(otel_genai, calls))
    store.close()

    with duckdb.connect(str(tmp_path / "ledger.duckdb"), read_only=True) as connection:
        opened = records.open_recent(connection, 1_000)

    at_ns = calls[0].started_at_ns
    assert opened.is_blind(at_ns, at_ns) == (most == 1)
    assert opened.may_be_elsewhere(calls[1].trace_id) == opened.may_be_elsewhere("r3") == (most == 10)
    assert not opened.may_be_elsewhere("f" * 32)


def test_fingerprints_forget_only_what_is_old(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fingerprints, "_FULL", 1_000)
    seen = Fingerprints()
    gave_up = [number for number in range(5_000) if seen.add(f"text {number}")]

    assert gave_up == [1_999, 2_999, 3_999, 4_999]
    assert all(f"text {number}" in seen for number in range(4_000, 5_000))
    assert sum(f"text {number}" in seen for number in range(5_000, 9_000)) == 0
