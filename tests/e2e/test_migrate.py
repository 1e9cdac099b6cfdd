"""A ledger moved to ClickHouse says what it said before, to the last digit, also where the move was cut off."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from ledger_rows import costspan

from clickhouse_node import Node, needs_clickhouse
from costspan.core.errors import StoreUnavailable, UsageError
from costspan.server.store.clickhouse.connection import parse_target
from costspan.server.store.clickhouse.migration import ClickHouseDestination
from costspan.server.store.clickhouse.store import ClickHouseStore
from costspan.server.store.duckdb.migration import DuckDBOrigin
from costspan.server.store.duckdb.store import DuckDBStore
from costspan.server.store.entry import Batch
from costspan.server.store.migration import Stretch, migrate
from costspan.testing.stores import assert_same, play, random_postings, random_question

pytestmark = needs_clickhouse


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[DuckDBStore]:
    store = DuckDBStore(tmp_path)
    play(store, random_postings(Random(41), 90))
    yield store
    store.close()


@pytest.fixture
def moved(node: Node) -> Iterator[ClickHouseStore]:
    store = ClickHouseStore(parse_target(node.url()))
    yield store
    store.close()


class CutOff(ClickHouseDestination):
    """Fails at its third stretch."""

    left = 2

    def add(self, stretch: Stretch) -> None:
        if not self.left:
            raise StoreUnavailable("the network went away")
        self.left -= 1
        super().add(stretch)


def test_what_a_migration_moved_goes_on_where_it_was_cut_off(ledger: DuckDBStore, moved: ClickHouseStore) -> None:
    origin, shown = DuckDBOrigin(ledger, rows_at_once=20), []
    with pytest.raises(StoreUnavailable):
        migrate(origin, CutOff(moved), shown.append)
    held = migrate(origin, ClickHouseDestination(moved), shown.append)
    assert held == origin.held()
    assert held.calls_cost > held.charges_cost > 0
    assert shown == sorted(shown)
    assert shown[-1] == 1
    random = Random(42)
    for _ in range(15):
        question = random_question(random)
        assert_same(moved.spend(question), ledger.spend(question))


def test_a_ledger_goes_on_growing_where_it_was_moved_to(ledger: DuckDBStore, moved: ClickHouseStore) -> None:
    migrate(DuckDBOrigin(ledger), ClickHouseDestination(moved), lambda _: None)
    later = random_postings(Random(43), 20)
    for store in (ledger, moved):
        play(store, later)
    recorded = Batch([entry.call for posting in later for entry in posting.entries])
    assert moved.known(recorded) == ledger.known(recorded)
    random = Random(44)
    for _ in range(5):
        question = random_question(random)
        assert_same(moved.spend(question), ledger.spend(question))


def test_a_ledger_that_holds_other_records_is_not_migrated_to(ledger: DuckDBStore, moved: ClickHouseStore) -> None:
    play(moved, random_postings(Random(45), 5))
    with pytest.raises(UsageError, match="other records"):
        migrate(DuckDBOrigin(ledger), ClickHouseDestination(moved), lambda _: None)


def test_the_command_says_how_much_both_hold_and_does_nothing_the_second_time(
    ledger: DuckDBStore, node: Node, tmp_path: Path
) -> None:
    ledger.close()
    words = ("migrate", "--from", f"duckdb://{tmp_path}", "--to", node.url(), "--json")
    first, second = (costspan(*words) for _ in range(2))
    assert first.returncode == 0, first.stderr
    assert json.loads(first.stdout)["rows"]["calls"] > 90
    assert second.stdout == first.stdout


def test_a_place_that_is_no_ledger_is_refused(tmp_path: Path) -> None:
    done = costspan("migrate", "--from", str(tmp_path), "--to", "clickhouse://127.0.0.1/x")
    assert done.returncode == 2
    assert "duckdb://DIR is expected" in done.stderr
