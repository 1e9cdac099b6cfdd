"""Calls as they were received, read back from the columns of their entries."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import duckdb
from arro3.core import DataType

from costspan.core.call import Call
from costspan.server.store.duckdb.arrow import registered
from costspan.server.store.received import COLUMNS, call_of

_CALLS: Final = (
    f"SELECT {', '.join(COLUMNS)} FROM calls WHERE sign > 0 AND started_at BETWEEN ? AND ? "
    "AND entry_id IN (SELECT entry_id FROM wanted)"
)


def calls_of(connection: duckdb.DuckDBPyConnection, entry_ids: Sequence[int], times: Sequence[datetime]) -> list[Call]:
    """Return the records that the entries `entry_ids` hold, all of which began within `times`."""
    if not entry_ids:
        return []
    with registered(connection, "wanted", {"entry_id": (entry_ids, DataType.int64())}):
        rows = [dict(zip(COLUMNS, row, strict=True)) for row in connection.execute(_CALLS, list(times)).fetchall()]
    return [call_of(row, row["trace_id"].hex) for row in rows]
