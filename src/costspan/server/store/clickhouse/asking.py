"""Asking the questions of `sql`: values bound by name, under settings that make ClickHouse read SQL as others do."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from costspan.server.store.clickhouse.connection import Connection
from costspan.server.store.clickhouse.snapshot import Snapshot
from costspan.server.store.columns import Kind
from costspan.server.store.sql.dialect import Ask, AskGiven, Given

_SETTINGS: Final[Mapping[str, Any]] = {
    # A name is a column before it is an alias, a cast of null is null, and what an outer join lacks is null.
    "prefer_column_name_to_alias": 1,
    "cast_keep_nullable": 1,
    "join_use_nulls": 1,
    # Hours and days of any year a moment can be of, in UTC.
    "enable_extended_results_for_datetime_functions": 1,
    "session_timezone": "UTC",
    "output_format_json_escape_forward_slashes": 0,
}
_GIVEN: Final = {Kind.TEXT: "String", Kind.WHOLE: "Int64", Kind.TRUTH: "Bool"}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST: Final = datetime(1900, 1, 1, tzinfo=UTC)
_LAST: Final = datetime(2299, 12, 31, tzinfo=UTC)
"""What DateTime64 can hold."""
Tell = Callable[[str, Sequence[Any], str], None]
"""Runs an INSERT of a query that has a `?` for each of the values, under a token."""
_PLACES: Final = re.compile(r"'(?:[^'\\]|\\.)*'|(\?)", re.DOTALL)


def asking(connection: Connection, snapshot: Snapshot, as_bytes: Iterable[str] = ()) -> Ask:
    """Return what runs queries on the ledger as it stands in a snapshot; text columns `as_bytes` come as they are."""
    settings = {**_SETTINGS, **snapshot.settings}
    raw = tuple(as_bytes)

    def ask(query: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        named, by_name = bound(query, values)
        return connection.rows(named, by_name, settings=settings, as_bytes=raw)

    return ask


def asking_given(connection: Connection, snapshot: Snapshot) -> AskGiven:
    """Return what runs queries that read tables they are given."""
    settings = {**_SETTINGS, **snapshot.settings}

    def ask(query: str, values: Sequence[Any], given: Mapping[str, Given]) -> list[tuple[Any, ...]]:
        named, by_name = bound(with_given(given) + query, values)
        return connection.rows(named, by_name, settings=settings)

    return ask


def with_given(given: Mapping[str, Given]) -> str:
    """Return what a query that begins with SELECT is preceded by to read tables it is given."""
    tables = [f"{name} AS (SELECT * FROM {_in_line(table)})" for name, table in given.items()]
    return f"WITH {', '.join(tables)} " if tables else ""


def _in_line(table: Given) -> str:
    columns = ", ".join(f"{name} Nullable({_GIVEN[kind]})" for name, kind in table.kinds.items())
    rows = "\n".join(map(json.dumps, table.rows))
    return f"format(JSONCompactEachRow, '{columns}', {_quoted(rows)})"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def fetching(connection: Connection, snapshot: Snapshot) -> Callable[[str, Sequence[Any], Path], None]:
    """Return what writes to a Parquet file what a query finds in the ledger as it stands in a snapshot."""

    def fetch(query: str, values: Sequence[Any], target: Path) -> None:
        named, by_name = bound(query, values)
        connection.download(named, target, by_name, settings={**_SETTINGS, **snapshot.settings})

    return fetch


def telling(connection: Connection, snapshot: Snapshot) -> Tell:
    """Return what adds to a table what a query finds in the ledger as it stands in a snapshot, once for each token."""

    def tell(statement: str, values: Sequence[Any], token: str) -> None:
        named, by_name = bound(statement, values)
        # One thread makes one block, which the client may send again where it lost the answer.
        once = {"insert_deduplication_token": token, "max_threads": 1}
        connection.execute(named, by_name, settings={**_SETTINGS, **snapshot.settings, **once})

    return tell


def bound(query: str, values: Sequence[Any]) -> tuple[str, dict[str, Any]]:
    """Return a query that has a `?` for each value with places that have names, and the values by name."""
    by_name: dict[str, Any] = {}
    left = iter(values)

    def named(place: re.Match[str]) -> str:
        if place[1] is None:
            return place[0]
        name, value = f"v{len(by_name)}", next(left)
        by_name[name], sql = _bound(name, value)
        return sql

    return _PLACES.sub(named, query), by_name


def _bound(name: str, value: Any) -> tuple[Any, str]:
    if isinstance(value, datetime):
        moment = min(max(value.replace(tzinfo=UTC) if value.tzinfo is None else value, _FIRST), _LAST)
        return (moment - _EPOCH) // timedelta(microseconds=1), f"fromUnixTimestamp64Micro({{{name}:Int64}}, 'UTC')"
    if isinstance(value, int):
        return value, f"{{{name}:Int64}}"
    return value, f"{{{name}:Nullable(String)}}"
