"""What reaches the ADBC drivers of warehouses that cannot be run here: types, statements and their order."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any, Self

import pytest

from costspan.core.errors import Unreachable, UsageError
from costspan.server.exporters.warehouse import Warehouse
from costspan.server.store.export import Stretch, Table

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
LATER = datetime(2026, 11, 1, 13, tzinfo=UTC)


class DriverError(Exception):
    """What the driver raises."""


class Driver(ModuleType):
    """Stands in for a driver's `dbapi`: writes down what it is asked, and answers for the one table that is read."""

    Error = DriverError

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.said: list[str] = []
        self.options: dict[str, Any] = {}
        self.mark: list[Any] = []
        self.fails_at = ""

    def connect(self, url: str, **options: Any) -> Driver:
        self.options = {"url": url, **options}
        return self

    def cursor(self) -> Driver:
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def execute(self, statement: str) -> None:
        if self.fails_at and statement.startswith(self.fails_at):
            raise DriverError("the warehouse is away\nwith details")
        self.said.append(statement)
        words = statement.split("'")
        if statement.startswith("INSERT INTO costspan_export_marks"):
            self.mark = [1, "", ""]
        if statement.startswith("UPDATE costspan_export_marks") and self.mark[1] == words[5]:
            self.mark = [1, words[1], words[3]]

    def adbc_ingest(self, name: str, rows: object, mode: str) -> None:
        self.said.append(f"{mode} {rows} to {name}")

    def fetch_arrow(self) -> list[tuple[Any, ...]]:
        if not self.mark:
            return []
        return [(self.mark[2],)] if self.said[-1].startswith("SELECT run") else [(self.mark[0], self.mark[1])]

    def commit(self) -> None:
        self.said.append("COMMIT")

    def rollback(self) -> None:
        self.said.append("ROLLBACK")

    def close(self) -> None:
        return None


@pytest.fixture
def driver(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Driver:
    name = f"adbc_driver_{request.param}"
    found = Driver(f"{name}.dbapi")
    monkeypatch.setitem(sys.modules, name, ModuleType(name))
    monkeypatch.setitem(sys.modules, f"{name}.dbapi", found)
    return found


def opened(url: str) -> Warehouse:
    return Warehouse(url, list)  # type: ignore[arg-type]


ROWS: Any = {Table.ENTRIES: "entries", Table.CHARGE_ENTRIES: "charges"}


@pytest.mark.parametrize("driver", ["bigquery"], indirect=True)
def test_without_transactions_what_lies_beyond_the_mark_goes_before_rows_come_and_the_mark_moves_last(
    driver: Driver,
) -> None:
    warehouse = opened("bigquery:///project/finance")
    assert warehouse.copied_to() is None
    assert driver.options["autocommit"] is True
    [entries] = [each for each in driver.said if "TABLE IF NOT EXISTS costspan_entries" in each]
    for column in (
        "entry_id INT64",
        "posted_at TIMESTAMP",
        "feature STRING",
        "cost_usd BIGNUMERIC(38, 12)",
        "streamed BOOL",
    ):
        assert column in entries
    driver.said.clear()

    warehouse.add(Stretch(None, NOON), ROWS)
    warehouse.add(Stretch(NOON, LATER), ROWS)

    assert [each.partition(" WHERE")[0] for each in driver.said if "UPDATE" not in each and "SELECT" not in each] == [
        "DELETE FROM costspan_entries", "append entries to costspan_entries",
        "DELETE FROM costspan_charge_entries", "append charges to costspan_charge_entries",
    ] * 2  # fmt: skip
    assert "DELETE FROM costspan_entries WHERE posted_at > '2026-11-01T12:00:00Z'" in driver.said
    assert driver.said[-2].startswith("UPDATE")
    assert warehouse.copied_to() == LATER


@pytest.mark.parametrize("driver", ["snowflake"], indirect=True)
def test_with_transactions_the_mark_moves_first_and_all_of_it_or_nothing_stays(driver: Driver) -> None:
    warehouse = opened("snowflake://me:secret@account/db/schema")
    warehouse.copied_to()
    assert driver.options["autocommit"] is False
    [entries] = [each for each in driver.said if "TABLE IF NOT EXISTS costspan_entries" in each]
    assert "posted_at TIMESTAMP_TZ" in entries
    driver.said.clear()

    warehouse.add(Stretch(None, NOON), ROWS)

    assert driver.said[0].startswith("UPDATE costspan_export_marks SET posted_to = '2026-11-01T12:00:00Z'")
    assert driver.said[-1] == "COMMIT"
    driver.fails_at = "UPDATE"
    with pytest.raises(Unreachable, match=r"^snowflake://account/db/schema: the warehouse is away$"):
        warehouse.add(Stretch(NOON, LATER), ROWS)
    assert driver.said[-1] == "ROLLBACK"
    assert warehouse.copied_to() == NOON


@pytest.mark.parametrize("driver", ["snowflake"], indirect=True)
def test_a_mark_that_another_export_moved_stops_this_one(driver: Driver) -> None:
    warehouse = opened("snowflake://account/db")
    warehouse.copied_to()
    driver.mark = [1, "2026-11-01T13:00:00Z", "another"]
    with pytest.raises(Unreachable, match="another export is under way"):
        warehouse.add(Stretch(None, NOON), ROWS)
    assert driver.said[-1] == "ROLLBACK"
    assert not [each for each in driver.said if each.startswith("append")]


def test_a_driver_that_is_not_installed_is_named_with_its_extra(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "adbc_driver_snowflake", None)
    monkeypatch.setitem(sys.modules, "adbc_driver_snowflake.dbapi", None)
    with pytest.raises(UsageError, match=r"costspan\[snowflake\]"):
        opened("snowflake://account/db")
