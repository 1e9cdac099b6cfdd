"""Statements over a batch that are planned once, on a real DuckDB."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from costspan.server.store.columns import Kind
from costspan.server.store.duckdb.prepared import Prepared

INSERT = "INSERT INTO sums SELECT name, amount FROM {batch}"
KINDS = {"name": Kind.TEXT, "amount": Kind.WHOLE}


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE sums (name VARCHAR, amount BIGINT CHECK (amount >= 0))")
        yield connection


def _sums(connection: duckdb.DuckDBPyConnection) -> list[tuple[str | None, int]]:
    return connection.execute("SELECT name, amount FROM sums ORDER BY ALL").fetchall()


def test_each_run_reads_its_own_rows_and_nothing_of_the_run_before(connection: duckdb.DuckDBPyConnection) -> None:
    prepared = Prepared(connection)
    prepared.run(INSERT, KINDS, {"name": ["a", "b"], "amount": [1, 2]})
    prepared.run(INSERT, KINDS, {"name": [], "amount": []})
    prepared.run(INSERT, KINDS, {"name": ["c"], "amount": [3]})
    assert _sums(connection) == [("a", 1), ("b", 2), ("c", 3)]


def test_statements_and_sets_of_columns_do_not_meet(connection: duckdb.DuckDBPyConnection) -> None:
    prepared = Prepared(connection)
    unnamed = "INSERT INTO sums SELECT NULL, amount FROM {batch}"
    for _ in range(2):
        prepared.run(INSERT, KINDS, {"name": ["a"], "amount": [1]})
        prepared.run(unnamed, KINDS, {"amount": [2]})
        prepared.run(INSERT, KINDS, {"amount": [3], "name": ["b"]})
    assert _sums(connection) == [("a", 1), ("a", 1), ("b", 3), ("b", 3), (None, 2), (None, 2)]


def test_a_column_that_joins_the_table_later_is_seen(connection: duckdb.DuckDBPyConnection) -> None:
    prepared = Prepared(connection)
    prepared.run(INSERT.replace("sums", "sums (name, amount)"), KINDS, {"name": ["a"], "amount": [1]})
    connection.execute("ALTER TABLE sums ADD COLUMN note VARCHAR DEFAULT 'none'")
    prepared.run(INSERT.replace("sums", "sums (name, amount)"), KINDS, {"name": ["b"], "amount": [2]})
    assert connection.execute("SELECT note FROM sums ORDER BY name").fetchall() == [("none",), ("none",)]


def test_what_was_prepared_in_a_transaction_that_failed_is_prepared_again(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    prepared = Prepared(connection)
    connection.execute("BEGIN TRANSACTION")
    with pytest.raises(duckdb.ConstraintException):
        prepared.run(INSERT, KINDS, {"name": ["owed"], "amount": [-1]})
    prepared.forget()
    connection.execute("ROLLBACK")
    prepared.run(INSERT, KINDS, {"name": ["a"], "amount": [1]})
    assert _sums(connection) == [("a", 1)]
