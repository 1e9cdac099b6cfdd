"""Records as columns, and records as they were received read back: from their own row, or from that of their entry.

That the row of an entry says all is what `rows.keeps_record` promises.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC
from types import MappingProxyType
from typing import Any, Final

import msgspec

from costspan.core.attribution import DIMENSIONS, NOBODY, Attribution
from costspan.core.call import Call, SpanClass, UsageState
from costspan.core.clock import ns_from_utc
from costspan.core.link import Link
from costspan.core.money import PicoUsd
from costspan.core.units import Unit
from costspan.core.usage import Usage
from costspan.server.store.columns import Kind
from costspan.server.store.encoding import encode_call
from costspan.server.store.entry import key_of

_SAME: Final = (
    "call_count", "dialect", "scope_name", "scope_version", "operation", "requested_model", "response_model",
    "response_id", "server_address", "mode", "finish_reason", "error_type", "streamed", "attempt", "usage_note",
)  # fmt: skip
COLUMNS: Final = (
    *_SAME, "trace_id", "span_id", "parent_span_id", "started_at", "started_ns", "duration_ns", "ttft_ns",
    "trace_state", "span_class", "sent_provider", "usage_state", "reported_cost", "tags",
    *DIMENSIONS, *(f"q_{unit}" for unit in Unit),
)  # fmt: skip
"""What `call_of` needs of a row."""

RECORD_KINDS: Final[Mapping[str, Kind]] = {
    "key": Kind.KEY,
    "trace_id": Kind.KEY,
    "span_id": Kind.SPAN_ID,
    "parent_span_id": Kind.SPAN_ID,
    "started_at": Kind.MOMENT,
    "response_id": Kind.TEXT,
    "call": Kind.BYTES,
    "trace_state": Kind.TEXT,
    "attribution": Kind.TEXT,
}
"""Name -> kind of the columns of a record that has a row of its own."""
_ENCODER: Final = msgspec.json.Encoder(enc_hook=dict)
_ATTRIBUTION: Final = msgspec.json.Decoder(Attribution)


def record_columns(records: Sequence[Call | Link]) -> dict[str, Sequence[Any]]:
    """Return the columns of RECORD_KINDS for records of which no entry says all, most of which are links."""
    calls = [record if isinstance(record, Call) else None for record in records]
    return {
        "key": [key_of(record.identity) for record in records],
        "trace_id": [bytes.fromhex(record.trace_id) or None for record in records],
        "span_id": [int(record.span_id, 16) if record.span_id else None for record in records],
        "parent_span_id": [int(parent, 16) if (parent := record.parent_span_id) else None for record in records],
        "started_at": [record.started_at_ns // 1000 for record in records],
        "response_id": [call and call.response_id for call in calls],
        "call": [call and encode_call(call) for call in calls],
        "trace_state": [record.trace_state or None for record in records],
        "attribution": list(map(_attribution_text, records)),
    }


def _attribution_text(record: Call | Link) -> str | None:
    if isinstance(record, Call) or record.attribution is NOBODY or record.attribution == NOBODY:
        return None
    return _ENCODER.encode(record.attribution).decode()


def read_attribution(text: str | None) -> Attribution:
    """Return what the column of a link says."""
    return _ATTRIBUTION.decode(text) if text else NOBODY


def link_of(trace_id: str, row: tuple[Any, ...]) -> Link:
    """Return the span whose own row begins with these values; `trace_id` in hex."""
    span_id, parent_span_id, started_at, _, trace_state, attribution = row
    return Link(
        trace_id=trace_id,
        span_id=f"{span_id:016x}",
        parent_span_id=None if parent_span_id is None else f"{parent_span_id:016x}",
        started_at_ns=ns_from_utc(started_at.replace(tzinfo=UTC)),
        trace_state=trace_state or "",
        attribution=read_attribution(attribution),
    )


def call_of(row: Mapping[str, Any], trace_id: str) -> Call:
    """Return the call whose columns a row holds; `trace_id` in hex, since engines keep it each in their way."""
    started_at_ns = ns_from_utc(row["started_at"].replace(tzinfo=UTC)) + row["started_ns"]
    parent, ttft_ns, reported = row["parent_span_id"], row["ttft_ns"], row["reported_cost"]
    return Call(
        **{name: row[name] for name in _SAME},
        trace_id=trace_id,
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
