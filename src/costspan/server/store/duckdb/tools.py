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
from costspan.server.store.columns import Kind
from costspan.server.store.duckdb.arrow import registered
from costspan.server.store.duckdb.asking import asking
from costspan.server.store.duckdb.prepared import Prepared
from costspan.server.store.encoding import decode_use, encode_use
from costspan.server.store.entry import Standing, ToolEntry
from costspan.server.store.sql import tool_traces as of_traces
from costspan.server.store.sql.dialect import DUCKDB
from costspan.server.store.tools import AskedTrace, ToolQuestion

_KINDS: Final = {
    "entry_id": Kind.WHOLE,
    "posted_at": Kind.MOMENT,
    "trace_id": Kind.KEY,
    "span_id": Kind.SPAN_ID,
    "started_at": Kind.MOMENT,
    "digest": Kind.TEXT,
    "use": Kind.BYTES,
    **dict.fromkeys(DIMENSIONS, Kind.TEXT),
    "tags": Kind.TEXT,
}
_INSERT: Final = (
    f"INSERT INTO tools (sign, {', '.join(_KINDS)}) SELECT 1, * "
    """REPLACE (from_json(tags, '"MAP(VARCHAR, VARCHAR)"') AS tags) FROM {batch}"""
)
_NEAR: Final = (
    "SELECT any_value(use), entry_id, any_value(digest) FROM tools WHERE started_at BETWEEN ? AND ? "
    "AND trace_id IN (SELECT value::UUID FROM wanted) GROUP BY entry_id HAVING sum(sign) > 0"
)


def insert(prepared: Prepared, entries: Sequence[ToolEntry], ids: Sequence[int], posted_at_us: int) -> None:
    """Add tool entries under `ids`."""
    said, uses = [entry.attribution for entry in entries], [entry.use for entry in entries]
    columns: dict[str, list[Any]] = {
        "entry_id": list(ids),
        "posted_at": [posted_at_us] * len(entries),
        "trace_id": [bytes.fromhex(use.trace_id) for use in uses],
        "span_id": [int(use.span_id, 16) for use in uses],
        "started_at": [use.started_at_ns // 1000 for use in uses],
        "digest": [entry.digest for entry in entries],
        "use": [encode_use(use) for use in uses],
        **{name: [getattr(one, name) for one in said] for name in DIMENSIONS},
        "tags": [json.dumps(dict(one.tags)) if one.tags else None for one in said],
    }
    prepared.run(_INSERT, _KINDS, columns)


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
