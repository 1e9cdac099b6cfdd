"""Statements over the rows of a batch, planned once: planning a commit's statements takes longer than a small commit.

A statement stays planned while what it reads and writes has the same columns. So its batch is a table that is there for
good, whose rows are whatever was put in last: DuckDB asks an Arrow stream for them anew each time the statement runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import duckdb
from arro3.core import Table

from costspan.server.store.columns import Kind
from costspan.server.store.duckdb.arrow import table_of


class Prepared:
    """The prepared statements of one connection. Not thread-safe."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._planned: dict[tuple[str, tuple[str, ...]], tuple[str, _Batch]] = {}

    def run(self, statement: str, kinds: Mapping[str, Kind], columns: Mapping[str, Sequence[Any]]) -> None:
        """Execute `statement`, in which `{batch}` is the table of `columns`, each of the kind of its name.

        Values that differ from run to run belong among the columns: a statement with parameters is planned each time.
        Raise as DuckDB does; what was prepared in a transaction that is rolled back has to be forgotten.
        """
        rows = table_of(kinds, columns)
        wanted = statement, tuple(columns)
        execute, batch = self._planned.get(wanted) or self._plan(wanted, rows)
        batch.rows = rows
        try:
            self._connection.execute(execute).fetchall()
        finally:
            batch.rows = batch.none

    def forget(self) -> None:
        """Plan every statement anew."""
        self._planned.clear()

    def _plan(self, wanted: tuple[str, tuple[str, ...]], rows: Table) -> tuple[str, _Batch]:
        batch, name = _Batch(rows.slice(0, 0)), f"batch_{len(self._planned)}"
        self._connection.register(name, batch)
        self._connection.execute(f"PREPARE of_{name} AS {wanted[0].format(batch=name)}")
        planned = self._planned[wanted] = f"EXECUTE of_{name}", batch
        return planned


class _Batch:
    """What DuckDB reads as a table (Arrow PyCapsule interface)."""

    def __init__(self, none: Table) -> None:
        self.none = none
        self.rows = none

    def __arrow_c_schema__(self) -> object:
        return self.none.schema.__arrow_c_schema__()

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return self.rows.__arrow_c_stream__(requested_schema)
