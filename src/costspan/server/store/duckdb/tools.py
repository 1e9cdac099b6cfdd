"""Tool uses on disk: entered, found again by trace when it is settled anew, and read back as whole traces."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from typing import Any, Final

import duckdb
from arro3.core import DataType

from costspan.core.attribution import DIMENSIONS
from costspan.core.tool import ToolUse
from costspan.server.store.duckdb.arrow import registered
from costspan.server.store.duckdb.asking import asking
from costspan.server.store.encoding import decode_use, encode_use
from costspan.server.store.entry import Standing, ToolEntry
from costspan.server.store.sql import tool_traces as of_traces
from costspan.server.store.sql.dialect import DUCKDB
from costspan.server.store.tools import AskedTrace, ToolQuestion

_COLUMNS: Final = ("trace_id", "span_id", "started_at", "digest", "use", *DIMENSIONS, "tags")
_INSERT: Final = (
    f"INSERT INTO tools (entry_id, sign, posted_at, {', '.join(_COLUMNS)}) SELECT b.entry_id, 1, ?, b.trace_id::UUID, "
    f"b.span_id, make_timestamp(b.started_at), b.digest, b.use, {', '.join(f'b.{name}' for name in DIMENSIONS)}, "
    """from_json(b.tags, '"MAP(VARCHAR, VARCHAR)"') FROM tool_batch b"""
)
_NEAR: Final = (
    "SELECT any_value(use), entry_id, any_value(digest) FROM tools WHERE started_at BETWEEN ? AND ? "
    "AND trace_id IN (SELECT value::UUID FROM wanted) GROUP BY entry_id HAVING sum(sign) > 0"
)


def insert(
    connection: duckdb.DuckDBPyConnection, entries: Sequence[ToolEntry], ids: Sequence[int], moment: datetime
) -> None:
    """Add tool entries under `ids`."""
    said = [entry.attribution for entry in entries]
    columns: dict[str, tuple[Any, DataType]] = {
        "entry_id": (ids, DataType.int64()),
        "trace_id": ((entry.use.trace_id for entry in entries), DataType.string()),
        "span_id": ((int(entry.use.span_id, 16) for entry in entries), DataType.uint64()),
        "started_at": ((entry.use.started_at_ns // 1000 for entry in entries), DataType.int64()),
        "digest": ((entry.digest for entry in entries), DataType.string()),
        "use": ((encode_use(entry.use) for entry in entries), DataType.binary()),
        **{name: ([getattr(one, name) for one in said], DataType.string()) for name in DIMENSIONS},
        "tags": ((json.dumps(dict(one.tags)) if one.tags else None for one in said), DataType.string()),
    }
    with registered(connection, "tool_batch", columns):
        connection.execute(_INSERT, [moment])


def near(
    connection: duckdb.DuckDBPyConnection, trace_ids: set[str], times: list[datetime]
) -> tuple[tuple[ToolUse, ...], dict[str, Standing]]:
    """Return the tool uses of `trace_ids` as received, and the entries that stand for them by identity."""
    if not trace_ids:
        return (), {}
    with registered(connection, "wanted", {"value": (sorted(trace_ids), DataType.string())}):
        rows = connection.execute(_NEAR, times).fetchall()
    uses = tuple(decode_use(row[0]) for row in rows)
    return uses, {use.identity: Standing(row[1], row[2]) for use, row in zip(uses, rows, strict=True)}


def tool_traces(connection: duckdb.DuckDBPyConnection, question: ToolQuestion) -> list[AskedTrace]:
    """Return the traces that hold a tool use or a fee asked about, from one snapshot. Raise UsageError for too many."""
    with closing(connection.cursor()) as cursor:
        cursor.execute("BEGIN TRANSACTION")
        return of_traces.tool_traces(asking(cursor), DUCKDB, question)
