"""A call as it was received, read back from the columns of its entry: what `rows.keeps_record` promises."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final

import duckdb
from arro3.core import DataType

from costspan.core.attribution import DIMENSIONS, Attribution
from costspan.core.call import Call, SpanClass, UsageState
from costspan.core.clock import ns_from_utc
from costspan.core.money import PicoUsd
from costspan.core.units import Unit
from costspan.core.usage import Usage
from costspan.server.store.duckdb.arrow import registered

_SAME: Final = (
    "call_count", "dialect", "scope_name", "scope_version", "operation", "requested_model", "response_model",
    "response_id", "server_address", "mode", "finish_reason", "error_type", "streamed", "attempt", "usage_note",
)  # fmt: skip
_READ: Final = (
    *_SAME, "trace_id", "span_id", "parent_span_id", "started_at", "started_ns", "duration_ns", "ttft_ns",
    "trace_state", "span_class", "sent_provider", "usage_state", "reported_cost", "tags",
    *DIMENSIONS, *(f"q_{unit}" for unit in Unit),
)  # fmt: skip
_CALLS: Final = (
    f"SELECT {', '.join(_READ)} FROM calls WHERE sign > 0 AND started_at BETWEEN ? AND ? "
    "AND entry_id IN (SELECT entry_id FROM wanted)"
)


def calls_of(connection: duckdb.DuckDBPyConnection, entry_ids: Sequence[int], times: Sequence[datetime]) -> list[Call]:
    """Return the records that the entries `entry_ids` hold, all of which began within `times`."""
    if not entry_ids:
        return []
    with registered(connection, "wanted", {"entry_id": (entry_ids, DataType.int64())}):
        rows = connection.execute(_CALLS, list(times)).fetchall()
    return [_call(dict(zip(_READ, row, strict=True))) for row in rows]


def _call(row: dict[str, Any]) -> Call:
    started_at_ns = ns_from_utc(row["started_at"].replace(tzinfo=UTC)) + row["started_ns"]
    parent, ttft_ns, reported = row["parent_span_id"], row["ttft_ns"], row["reported_cost"]
    return Call(
        **{name: row[name] for name in _SAME},
        trace_id=row["trace_id"].hex,
        span_id=f"{row['span_id']:016x}",
        parent_span_id=None if parent is None else f"{parent:016x}",
        started_at_ns=started_at_ns,
        ended_at_ns=started_at_ns + row["duration_ns"],
        trace_state=row["trace_state"],
        span_class=SpanClass(row["span_class"]),
        provider=row["sent_provider"],
        usage=Usage({unit: row[f"q_{unit}"] for unit in Unit}),
        usage_state=UsageState(row["usage_state"]),
        time_to_first_chunk_s=None if ttft_ns is None else ttft_ns / 1e9,
        reported_cost=None if reported is None else PicoUsd(reported),
        attribution=Attribution(
            **{name: row[name] for name in DIMENSIONS}, tags=MappingProxyType(dict(row["tags"] or {}))
        ),
    )
