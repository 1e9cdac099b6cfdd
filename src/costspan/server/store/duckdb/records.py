"""Records as received: found again by identity, by trace and by response id."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import duckdb
import msgspec
from arro3.core import DataType

from costspan.core.attribution import Attribution
from costspan.core.call import Call
from costspan.core.clock import utc_from_ns
from costspan.core.link import Link
from costspan.server.store.duckdb import sources, tools
from costspan.server.store.duckdb.arrow import registered
from costspan.server.store.entry import Batch, Neighbourhood, Standing, decode_call, encode_call, key_of
from costspan.server.store.ports import SETTLING_WINDOW

# Bounded by time: a record that is sent again has its start again, give or take a corrected clock, and a key over all
# rows would halve ingest and double the file.
_KNOWN: Final = (
    "SELECT b.identity FROM wanted b WHERE b.key::UUID IN (SELECT key FROM records WHERE started_at BETWEEN ? AND ?)"
)
_NEAR: Final = (
    "SELECT key, trace_id, span_id, parent_span_id, started_at, call, trace_state, attribution, {shown}, "
    "count(*) OVER (PARTITION BY {column}) FROM records "
    "WHERE started_at BETWEEN ? AND ? AND {column} IN (SELECT value::{kind} FROM wanted) "
    "QUALIFY row_number() OVER (PARTITION BY {column} "
    "ORDER BY abs(epoch_us(started_at) - epoch_us(?::TIMESTAMP)), key) <= ?"
)
_TRACES: Final = _NEAR.format(column="trace_id", kind="UUID", shown="replace(trace_id::VARCHAR, '-', '')")
_RESPONSES: Final = _NEAR.format(column="response_id", kind="VARCHAR", shown="response_id")
_RECORDED: Final = (
    "SELECT key, trace_id, span_id, parent_span_id, started_at, call, trace_state, attribution FROM records "
    "WHERE key IN (SELECT key::UUID FROM wanted) AND started_at BETWEEN ? AND ?"
)
_STANDING: Final = (
    "SELECT b.identity, max(c.entry_id) FILTER (c.sign > 0), arg_max(c.digest, c.entry_id) FILTER (c.sign > 0) "
    "FROM calls c JOIN wanted b ON c.key = b.key::UUID WHERE c.started_at BETWEEN ? AND ? "
    "GROUP BY b.identity HAVING sum(c.sign) > 0"
)
_INSERT: Final = (
    "INSERT INTO records SELECT key::UUID, trace_id::UUID, span_id, parent_span_id, make_timestamp(started_at), ?, "
    "response_id, call, trace_state, attribution FROM record_batch"
)
_ENCODER: Final = msgspec.json.Encoder(enc_hook=dict)
_ATTRIBUTION: Final = msgspec.json.Decoder(Attribution)
_NOBODY: Final = Attribution()


def known(connection: duckdb.DuckDBPyConnection, batch: Batch) -> frozenset[str]:
    """Return the identities of `batch` that are recorded."""
    identities = [record.identity for record in batch.records]
    if not identities:
        return frozenset()
    with registered(connection, "wanted", _wanted(identities)):
        rows = connection.execute(_KNOWN, _times(batch, SETTLING_WINDOW)).fetchall()
    return frozenset(row[0] for row in rows)


def neighbourhood(connection: duckdb.DuckDBPyConnection, batch: Batch, most: int) -> Neighbourhood:
    """Return the records of the traces and response ids in `batch`, and of those they lead to in turn.

    Of each trace and response id at most `most`, those nearest in time to the batch.
    """
    if not batch.records:
        return Neighbourhood()
    times = _times(batch, SETTLING_WINDOW)
    calls = {call.identity: call for call in sources.lesser_claims(connection, batch.calls, times)}
    links: dict[str, Link] = {}
    seen_traces: set[str] = set()
    seen_responses: set[str] = set()
    cut: set[str] = set()
    traces = {record.trace_id for record in (*batch.records, *calls.values()) if record.trace_id}
    responses = {call.response_id for call in (*batch.calls, *calls.values()) if call.response_id}
    while traces or responses:
        found = _of(connection, _TRACES, traces, times, most)
        found += _of(connection, _RESPONSES, responses, times, most)
        for *row, shared_by, shared in found:
            _sort_in(tuple(row), calls, links)
            if shared > most:
                cut.add(shared_by)
        seen_traces |= traces
        seen_responses |= responses
        traces = {call.trace_id for call in calls.values() if call.trace_id} - seen_traces
        responses = {call.response_id for call in calls.values() if call.response_id} - seen_responses
    return Neighbourhood(
        tuple(calls.values()),
        tuple(links.values()),
        sources.witnesses(connection, [*batch.calls, *calls.values()], times),
        _standing(connection, list(calls), times),
        *tools.near(connection, seen_traces, times),
        frozenset(cut),
    )


def recorded(connection: duckdb.DuckDBPyConnection, batch: Batch) -> dict[str, Call | Link]:
    """Return how the records of `batch` that are in the ledger were read, by identity."""
    identities = [record.identity for record in batch.records]
    if not identities:
        return {}
    with registered(connection, "wanted", _wanted(identities)):
        rows = connection.execute(_RECORDED, _times(batch, SETTLING_WINDOW)).fetchall()
    calls: dict[str, Call] = {}
    links: dict[str, Link] = {}
    for row in rows:
        _sort_in(row, calls, links)
    return {**links, **calls}


def remove(connection: duckdb.DuckDBPyConnection, identities: Sequence[str]) -> None:
    """Remove records that are read anew, within the caller's transaction."""
    with registered(connection, "wanted", _wanted(identities)):
        connection.execute("DELETE FROM records WHERE key IN (SELECT key::UUID FROM wanted)")


def insert(connection: duckdb.DuckDBPyConnection, batch: Batch, received_at: datetime) -> None:
    """Add the records of `batch`."""
    records = batch.records
    columns = {
        "key": ((key_of(record.identity) for record in records), DataType.string()),
        "trace_id": ((record.trace_id or None for record in records), DataType.string()),
        "span_id": ((int(record.span_id, 16) if record.span_id else None for record in records), DataType.uint64()),
        "parent_span_id": (
            (int(record.parent_span_id, 16) if record.parent_span_id else None for record in records),
            DataType.uint64(),
        ),
        "started_at": ((record.started_at_ns // 1000 for record in records), DataType.int64()),
        "response_id": ((getattr(record, "response_id", None) for record in records), DataType.string()),
        "call": ((encode_call(record) if isinstance(record, Call) else None for record in records), DataType.binary()),
        "trace_state": ((record.trace_state or None for record in records), DataType.string()),
        "attribution": ((_attribution_text(record) for record in records), DataType.string()),
    }
    with registered(connection, "record_batch", columns):
        connection.execute(_INSERT, [received_at])


def _attribution_text(record: Call | Link) -> str | None:
    if isinstance(record, Call) or record.attribution == _NOBODY:
        return None
    return _ENCODER.encode(record.attribution).decode()


def _of(
    connection: duckdb.DuckDBPyConnection, query: str, values: set[str], times: list[datetime], most: int
) -> list[tuple[Any, ...]]:
    if not values:
        return []
    with registered(connection, "wanted", {"value": (sorted(values), DataType.string())}):
        return connection.execute(query, [*times, times[0] + (times[1] - times[0]) / 2, most]).fetchall()


def _sort_in(row: tuple[Any, ...], calls: dict[str, Call], links: dict[str, Link]) -> None:
    _, trace_id, span_id, parent_span_id, started_at, encoded, trace_state, attribution = row
    if encoded is not None:
        call = decode_call(encoded)
        calls[call.identity] = call
        return
    link = Link(
        trace_id=trace_id.hex,
        span_id=f"{span_id:016x}",
        parent_span_id=None if parent_span_id is None else f"{parent_span_id:016x}",
        started_at_ns=int(started_at.replace(tzinfo=UTC).timestamp()) * 1_000_000_000,
        trace_state=trace_state or "",
        attribution=_ATTRIBUTION.decode(attribution) if attribution else _NOBODY,
    )
    links[link.identity] = link


def _standing(
    connection: duckdb.DuckDBPyConnection, identities: list[str], times: list[datetime]
) -> dict[str, Standing]:
    if not identities:
        return {}
    with registered(connection, "wanted", _wanted(identities)):
        rows = connection.execute(_STANDING, times).fetchall()
    return {identity: Standing(entry_id, digest) for identity, entry_id, digest in rows}


def _wanted(identities: Iterable[str]) -> dict[str, tuple[Sequence[Any], DataType]]:
    listed = list(identities)
    return {"identity": (listed, DataType.string()), "key": ([key_of(one) for one in listed], DataType.string())}


def _times(batch: Batch, window: timedelta) -> list[datetime]:
    starts_ns = [record.started_at_ns for record in batch.records]
    return [
        (utc_from_ns(min(starts_ns)) - window).replace(tzinfo=None),
        (utc_from_ns(max(starts_ns)) + window).replace(tzinfo=None),
    ]
