"""Tables that leave the ledger hold the same rows whichever engine keeps it, in every form."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from pathlib import Path

import duckdb
import pytest

from clickhouse_node import Node, needs_clickhouse
from costspan.core.errors import UsageError
from costspan.core.period import Period
from costspan.pricing.load import load_rate_card
from costspan.server.exporters.focus import write_focus
from costspan.server.store.duckdb.export import DuckDBTables
from costspan.server.store.duckdb.files import DuckDBFiles
from costspan.server.store.duckdb.store import DuckDBStore
from costspan.server.store.export import Form, Stretch, Table, TableSource, Wanted
from costspan.server.store.ports import Store
from costspan.server.store.question import Filter
from costspan.testing.stores import EPOCH, EVER, play, random_postings, seeded

pytestmark = needs_clickhouse
HOURS = Period(EPOCH, EPOCH + timedelta(hours=2))
READ = {
    Form.PARQUET: "read_parquet('{}')",
    Form.CSV: "read_csv('{}', all_varchar = true, header = true)",
    Form.JSONL: "read_json('{}', format = 'newline_delimited')",
}
STANDING = (Wanted(table=Table.CALLS, period=EVER), Wanted(table=Table.CHARGES, period=EVER))


@dataclass(frozen=True)
class Engine:
    """A ledger, and the source of its tables."""

    store: Store
    tables: TableSource


class Ticking:
    """A clock that goes on a minute at each look; both engines look once a posting."""

    def __init__(self) -> None:
        self._minutes = count(1)

    def __call__(self):
        return EPOCH + timedelta(days=1, minutes=next(self._minutes))


@pytest.fixture(scope="module")
def engines(node: Node, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Engine, Engine]]:
    """Both engines after the same random postings, with corrections."""
    from costspan.server.store.clickhouse.connection import parse_target
    from costspan.server.store.clickhouse.export import ClickHouseTables
    from costspan.server.store.clickhouse.store import ClickHouseStore

    in_file = DuckDBStore(tmp_path_factory.mktemp("file"), clock=Ticking())
    on_server = ClickHouseStore(parse_target(node.url()), clock=Ticking())
    planned = random_postings(seeded(11), 60)
    for store in (in_file, on_server):
        play(store, planned)
    yield Engine(in_file, DuckDBTables(in_file)), Engine(on_server, ClickHouseTables(on_server, DuckDBFiles()))
    for store in (in_file, on_server):
        store.close()


def rows_in(tables: TableSource, wanted: Wanted, form: Form, folder: Path) -> list[tuple]:
    """Return what a table's file holds, types and column names first."""
    file = folder / f"{len(list(folder.iterdir()))}.{form}"
    written = tables.write(wanted, file, form)
    with duckdb.connect() as connection:
        source = READ[form].format(file)
        kinds = tuple(row[:2] for row in connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall())
        rows = connection.execute(f"SELECT COLUMNS(*)::VARCHAR FROM {source}").fetchall()
    assert len(rows) == written
    assert [left.name for left in folder.glob("*.tmp")] == []
    return [kinds, *rows]


@pytest.mark.parametrize("form", list(Form))
@pytest.mark.parametrize("wanted", STANDING, ids=["calls", "charges"])
def test_what_stands_is_the_same_in_every_form(
    engines: tuple[Engine, Engine], tmp_path: Path, wanted: Wanted, form: Form
) -> None:
    expected, found = (rows_in(engine.tables, wanted, form, tmp_path) for engine in engines)

    assert len(expected) > 20
    assert found == expected


@pytest.mark.parametrize("table", [Table.CALLS, Table.CHARGES])
@pytest.mark.parametrize(
    "chosen",
    [
        {"period": HOURS},
        {"period": EVER, "filters": (Filter("operation", "chat"), Filter("team", "late", excludes=True))},
        {"period": EVER, "as_of": EPOCH + timedelta(days=1, minutes=9)},
    ],
    ids=["two hours", "filters", "as of a moment"],
)
def test_a_choice_of_rows_is_the_same(engines: tuple[Engine, Engine], tmp_path: Path, table: Table, chosen) -> None:
    wanted = Wanted(table=table, **chosen)

    expected, found = (rows_in(engine.tables, wanted, Form.PARQUET, tmp_path) for engine in engines)

    assert len(expected) > 1
    assert found == expected


def stretches(tables: TableSource, most: int) -> list[Stretch]:
    found, after = [], None
    while stretch := tables.next_stretch(after, most):
        found.append(stretch)
        after = stretch.to
    return found


@pytest.mark.parametrize("table", [Table.ENTRIES, Table.CHARGE_ENTRIES])
def test_postings_are_the_same_stretch_by_stretch(engines: tuple[Engine, Engine], tmp_path: Path, table: Table) -> None:
    expected, found = (stretches(engine.tables, 10) for engine in engines)
    assert found == expected
    assert len(expected) > 3
    for stretch in expected:
        wanted = Wanted(table=table, stretch=stretch)
        mine, theirs = (rows_in(engine.tables, wanted, Form.PARQUET, tmp_path) for engine in engines)
        assert theirs == mine


def test_finance_reads_the_same_charges(engines: tuple[Engine, Engine], tmp_path: Path) -> None:
    wanted, card = Wanted(table=Table.CHARGES, period=EVER), load_rate_card()
    expected, found = (list(engine.tables.charge_sums(wanted)) for engine in engines)
    assert len(expected) > 20
    assert found == expected
    for form in (Form.CSV, Form.JSONL):
        files = [tmp_path / f"{place}.{form}" for place in range(2)]
        for engine, file in zip(engines, files, strict=True):
            write_focus(engine.tables, card, wanted, file, form)
        assert files[0].read_bytes() == files[1].read_bytes()


def test_a_file_that_is_there_is_left_alone(engines: tuple[Engine, Engine], tmp_path: Path) -> None:
    file = tmp_path / "kept.csv"
    file.write_text(json.dumps("mine"), encoding="utf-8")
    for engine in engines:
        with pytest.raises(UsageError, match="is there already"):
            engine.tables.write(STANDING[0], file, Form.CSV)
    assert file.read_text(encoding="utf-8") == '"mine"'
