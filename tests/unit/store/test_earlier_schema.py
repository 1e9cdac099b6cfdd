"""A ledger of an earlier schema is brought to the current one with its figures, and can then be priced again."""

from __future__ import annotations

import gzip
from pathlib import Path
from random import Random

import duckdb
import msgspec
import pytest

from costspan.core.errors import Unreachable
from costspan.pricing.load import load_rate_card
from costspan.server.pipeline.settlement import post
from costspan.server.store.alerts import AlertChanges, AlertStanding
from costspan.server.store.duckdb.alerts import DuckDBAlerts
from costspan.server.store.duckdb.repricing import DuckDBRepricing
from costspan.server.store.duckdb.schema import SCHEMA_VERSION
from costspan.server.store.duckdb.store import DuckDBStore
from costspan.server.store.duckdb.upkeep import DuckDBUpkeep
from costspan.server.store.entry import Batch
from costspan.server.store.question import SpendQuestion
from costspan.server.store.repricing import Scope
from costspan.testing.spans.call import sample_call
from costspan.testing.stores import EVER, assert_same, play, random_postings

ADDED = ("sent_provider", "kept", "run_id", "corrects", "undoes", "booked_at", "adjusts")
ADDED_LATER = ("as_received", "started_ns", "trace_state", "tenant")


@pytest.fixture
def earlier(tmp_path: Path) -> Path:
    """A file as schema 1 wrote it: two calls, one sampled 1 in 4, one to a provider under another name."""
    store = DuckDBStore(tmp_path)
    calls = [
        sample_call(trace_state="ot=th:c"),
        sample_call(trace_id="a" * 32, response_id="other", provider="azure.ai.openai", requested_model="gpt-4o"),
    ]
    post(store, Batch(calls), load_rate_card())
    store.close()
    with duckdb.connect(str(tmp_path / "ledger.duckdb")) as connection:
        for call in calls:
            connection.execute(
                "INSERT INTO records (key, trace_id, span_id, started_at, received_at, response_id, call, trace_state) "
                "SELECT key, trace_id, span_id, started_at, posted_at, response_id, ?, trace_state "
                "FROM calls WHERE response_id = ?",
                [msgspec.msgpack.encode(call, enc_hook=dict), call.response_id],
            )
        connection.execute("UPDATE calls SET digest = 'of before'")
        for name in (*ADDED, *ADDED_LATER):
            connection.execute(f"ALTER TABLE calls DROP COLUMN {name}")
        connection.execute("UPDATE charges SET list_cost = cost WHERE list_cost IS NULL")
        connection.execute("ALTER TABLE charges ALTER COLUMN list_cost SET NOT NULL")
        connection.execute("ALTER TABLE charges ADD COLUMN rate_id VARCHAR")
        connection.execute("ALTER TABLE charges ADD COLUMN card_version VARCHAR DEFAULT 'sha256:before'")
        connection.execute("DROP TABLE reprice_runs")
        connection.execute("UPDATE ledger_schema SET version = 1")
    return tmp_path


@pytest.mark.parametrize("read_only", [True, False])
def test_the_columns_are_added_with_what_the_records_say(earlier: Path, read_only: bool) -> None:
    DuckDBStore(earlier, read_only=read_only).close()

    with duckdb.connect(str(earlier / "ledger.duckdb"), read_only=True) as connection:
        rows = connection.execute("SELECT provider, sent_provider, kept FROM calls ORDER BY provider").fetchall()
        versions = connection.execute("SELECT version FROM ledger_schema ORDER BY 1").fetchall()
    assert rows == [("azure", "azure.ai.openai", None), ("openai", "openai", 2**54)]
    assert versions == [(1,), (SCHEMA_VERSION,)]


def test_it_agrees_with_the_prices_it_was_made_with_and_takes_new_ones(earlier: Path) -> None:
    store = DuckDBStore(earlier)
    repricing = DuckDBRepricing(store)
    half = load_rate_card([{"provider": "azure", "model": "*", "multiply": "0.5"}])

    assert list(repricing.plan(load_rate_card(), Scope()).entry_ids) == []
    [entry_id] = repricing.plan(half, Scope()).entry_ids
    assert repricing.correct("run", half, [entry_id], None) == 1
    assert list(repricing.plan(half, Scope()).entry_ids) == []
    store.close()


def test_a_sampled_call_keeps_its_exact_estimate(earlier: Path) -> None:
    store = DuckDBStore(earlier)
    repricing = DuckDBRepricing(store)
    dear = load_rate_card([{"provider": "openai", "model": "gpt-5.4", "input": "3", "output": "7"}])

    repricing.correct("run", dear, repricing.plan(dear, Scope()).entry_ids, None)
    store.close()

    with duckdb.connect(str(earlier / "ledger.duckdb"), read_only=True) as connection:
        [found] = connection.execute("SELECT cost, estimated_cost FROM calls WHERE run_id = 'run'").fetchall()
    # 1,000 x $3 + 200 x $7 a million, and four times that.
    assert found == (4_400_000_000, 17_600_000_000)


def test_a_record_of_before_is_known_and_settled_with_what_comes_after(earlier: Path) -> None:
    store = DuckDBStore(earlier)
    again, second = sample_call(trace_state="ot=th:c"), sample_call(span_id="b" * 16, scope_name="another")

    assert store.known(Batch([again, second])) == {again.identity}
    assert store.neighbourhood(Batch([second])).calls == (again,)
    store.close()


@pytest.fixture
def second(tmp_path: Path) -> Path:
    """A file that the last costspan of schema 2 wrote: 25 records, some of them taken back or corrected."""
    packed = Path(__file__).parent / "fixtures" / "schema_2.duckdb.gz"
    (tmp_path / "ledger.duckdb").write_bytes(gzip.decompress(packed.read_bytes()))
    return tmp_path


@pytest.mark.parametrize("read_only", [True, False])
def test_a_file_of_schema_2_opens_with_the_figures_it_was_closed_with(second: Path, read_only: bool) -> None:
    store = DuckDBStore(second, read_only=read_only)
    total = store.spend(SpendQuestion(EVER)).total
    store.close()

    assert (total.calls, total.billed_calls, total.errors, total.duplicate_calls) == (21, 19, 2, 12)
    assert (total.cost, total.list_cost) == (4_000_001_000_000_000_001, 4_000_001_000_000_000_045)
    assert (total.duplicate_cost, total.estimated_cost) == (2_000_000_333_333_333_338, 13_000_001_000_000_000_004)
    assert (total.latency_ms, total.ttft_ms) == ((0.5, 10_000_000.0, 10_000_000.0), (1695.796, 3141.593, 3141.593))


def test_a_file_of_schema_2_is_rolled_up_and_adds_up(second: Path) -> None:
    store = DuckDBStore(second)
    before = store.spend(SpendQuestion(EVER, ("model", "feature")))
    upkeep = DuckDBUpkeep(store)
    assert upkeep.waiting() == upkeep.roll_up(1_000) > 25

    assert_same(store.spend(SpendQuestion(EVER, ("model", "feature"))), before)
    assert upkeep.verify(lambda _: None).is_well
    store.close()


@pytest.fixture
def fourth(tmp_path: Path) -> Path:
    """A file that the last costspan of schema 4 wrote, which had no alerts."""
    packed = Path(__file__).parent / "fixtures" / "schema_4.duckdb.gz"
    (tmp_path / "ledger.duckdb").write_bytes(gzip.decompress(packed.read_bytes()))
    return tmp_path


@pytest.mark.parametrize("read_only", [True, False])
def test_a_file_of_schema_4_opens_with_its_figures_and_without_alerts(fourth: Path, read_only: bool) -> None:
    store = DuckDBStore(fourth, read_only=read_only)
    assert store.spend(SpendQuestion(EVER)).total.cost == 333_333_333_333
    assert DuckDBAlerts(store).standing() == AlertStanding()
    store.close()


def test_a_file_of_schema_4_keeps_alerts_from_then_on(fourth: Path) -> None:
    store = DuckDBStore(fourth)
    DuckDBAlerts(store).commit(AlertChanges(standing={("spend", "[]"): "{}"}))
    store.close()

    store = DuckDBStore(fourth)
    assert DuckDBAlerts(store).standing().standing == {("spend", "[]"): "{}"}
    store.close()


def test_what_was_rolled_up_before_users_were_is_rolled_up_by_user(tmp_path: Path) -> None:
    store = DuckDBStore(tmp_path)
    play(store, random_postings(Random(6), 60))
    DuckDBUpkeep(store).roll_up(30)
    by_user = store.spend(SpendQuestion(EVER, ("user",)))
    store.close()
    with duckdb.connect(str(tmp_path / "ledger.duckdb")) as connection:
        connection.execute("DROP TABLE user_rollups")
        connection.execute("UPDATE ledger_schema SET version = 7")

    store = DuckDBStore(tmp_path)
    assert_same(store.spend(SpendQuestion(EVER, ("user",))), by_user)
    assert DuckDBUpkeep(store).verify(lambda _: None).is_well
    store.close()


def test_a_file_of_a_newer_costspan_is_refused(earlier: Path) -> None:
    with duckdb.connect(str(earlier / "ledger.duckdb")) as connection:
        connection.execute("INSERT INTO ledger_schema VALUES (99)")

    with pytest.raises(Unreachable, match="newer costspan"):
        DuckDBStore(earlier)
