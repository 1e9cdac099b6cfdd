"""Columns of Python values as an Arrow table, which DuckDB inserts by column."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final

import duckdb
from arro3.core import Array, DataType, Field, Schema, Table

from costspan.server.store.columns import Kind

Columns = Mapping[str, tuple[Iterable[Any], DataType]]


@dataclass(frozen=True, slots=True)
class _Type:
    """How a kind of column is kept: its SQL name and how its values leave Python."""

    sql: str
    arrow: DataType
    cast: DataType | None = None
    extension: str | None = None


_TYPES: Final[Mapping[Kind, _Type]] = {
    Kind.TEXT: _Type("VARCHAR", DataType.string()),
    Kind.WHOLE: _Type("BIGINT", DataType.int64()),
    Kind.SMALL: _Type("INTEGER", DataType.int64()),
    Kind.REAL: _Type("DOUBLE", DataType.float64()),
    Kind.TRUTH: _Type("BOOLEAN", DataType.bool()),
    Kind.BYTES: _Type("BLOB", DataType.binary()),
    Kind.SPAN_ID: _Type("UBIGINT", DataType.uint64()),
    Kind.KEY: _Type("UUID", DataType.binary(16), extension="arrow.uuid"),
    Kind.MOMENT: _Type("TIMESTAMP", DataType.int64(), cast=DataType.timestamp("us")),
}


def sql_type(kind: Kind) -> str:
    """Return what SQL calls a kind of column."""
    return _TYPES[kind].sql


@contextmanager
def registered(connection: duckdb.DuckDBPyConnection, name: str, columns: Columns) -> Iterator[None]:
    """Let SQL on `connection` read `columns` as the table `name` while the block runs."""
    arrays = [Array(list(values), kind) for values, kind in columns.values()]
    with _registered(connection, name, Table.from_arrays(arrays, names=list(columns))):
        yield


@contextmanager
def registered_rows(
    connection: duckdb.DuckDBPyConnection, name: str, kinds: Mapping[str, Kind], rows: Sequence[tuple[Any, ...]]
) -> Iterator[None]:
    """Let SQL read `rows`, whose values are in the order of `kinds`, as the table `name` while the block runs."""
    columns: Iterable[Sequence[Any]] = zip(*rows, strict=True) if rows else [() for _ in kinds]
    with registered_columns(connection, name, kinds, dict(zip(kinds, columns, strict=True))):
        yield


@contextmanager
def registered_columns(
    connection: duckdb.DuckDBPyConnection, name: str, kinds: Mapping[str, Kind], columns: Mapping[str, Sequence[Any]]
) -> Iterator[None]:
    """Let SQL read `columns`, each of the kind of its name, as the table `name` while the block runs."""
    with _registered(connection, name, table_of(kinds, columns)):
        yield


def table_of(kinds: Mapping[str, Kind], columns: Mapping[str, Sequence[Any]]) -> Table:
    """Return `columns`, each of the kind of its name, as an Arrow table."""
    arrays = [_array(values, _TYPES[kinds[column]]) for column, values in columns.items()]
    return Table.from_arrays(arrays, schema=Schema([_field(column, _TYPES[kinds[column]]) for column in columns]))


@contextmanager
def _registered(connection: duckdb.DuckDBPyConnection, name: str, table: Table) -> Iterator[None]:
    connection.register(name, table)
    try:
        yield
    except BaseException:
        # In a transaction that failed this fails, too, and must not hide what it failed of.
        with suppress(duckdb.Error):
            connection.unregister(name)
        raise
    connection.unregister(name)


def _array(values: Sequence[Any], kind: _Type) -> Array:
    array = Array(values, kind.arrow)
    return array if kind.cast is None else array.cast(kind.cast)


def _field(name: str, kind: _Type) -> Field:
    said = {"ARROW:extension:name": kind.extension, "ARROW:extension:metadata": ""} if kind.extension else {}
    return Field(name, kind.cast or kind.arrow, nullable=True, metadata=said)
