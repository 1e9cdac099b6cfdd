"""Columns of Python values as an Arrow table, which DuckDB inserts by column."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import duckdb
from arro3.core import Array, DataType, Table

Columns = Mapping[str, tuple[Iterable[Any], DataType]]


@contextmanager
def registered(connection: duckdb.DuckDBPyConnection, name: str, columns: Columns) -> Iterator[None]:
    """Let SQL on `connection` read `columns` as the table `name` while the block runs."""
    arrays = [Array(list(values), kind) for values, kind in columns.values()]
    connection.register(name, Table.from_arrays(arrays, names=list(columns)))
    try:
        yield
    finally:
        connection.unregister(name)
