"""Records as received: found again by identity, by trace and by response id."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import duckdb
import msgspec
from arro3.core import DataType

from costspan.core.attribution import NOBODY, Attribution
from costspan.core.call import Call
from costspan.core.clock import utc_from_ns
from costspan.core.link import Link
from costspan.server.store.duckdb import sources, tools
from costspan.server.store.duckdb.arrow import BYTES, KEY, MOMENT, SPAN_ID, TEXT, registered, registered_rows
from costspan.server.store.duckdb.received import calls_of
from costspan.server.store.duckdb.schema import RECEIVED
from costspan.server.store.entry import Batch, Neighbourhood, Standing, decode_call, encode_call, key_of
from costspan.server.store.ports import SETTLING_WINDOW

# Bounded by time: a record that is sent again has its start again, give or take a corrected clock, and a key over all
# rows would halve ingest and double the file.
_KNOWN: Final = (
    f"SELECT b.identity FROM wanted b WHERE b.key IN (SELECT key FROM {RECEIVED} WHERE started_at BETWEEN ? AND ?)"
)
_NEAR: Final = (
    "SELECT span_id, parent_span_id, started_at, call, trace_state, attribution, entry_id, "
    "replace(trace_id::VARCHAR, '-', ''), {shown}, count(*) OVER (PARTITION BY {column}) "
    f"FROM {RECEIVED} WHERE started_at BETWEEN ? AND ? AND {{column}} IN (SELECT value::{{kind}} FROM wanted) "
    "QUALIFY row_number() OVER (PARTITION BY {column} "
    "ORDER BY abs(epoch_us(started_at) - epoch_us(?::TIMESTAMP)), key) <= ?"
)
_TRACES: Final = _NEAR.format(column="trace_id", kind="UUID", shown="replace(trace_id::VARCHAR, '-', '')")
_RESPONSES: Final = _NEAR.format(column="response_id", kind="VARCHAR", shown="response_id")
_STANDING: Final = (
    "SELECT b.identity, max(c.entry_id) FILTER (c.sign > 0), arg_max(c.digest, c.entry_id) FILTER (c.sign > 0) "
    "FROM calls c JOIN wanted b ON c.key = b.key WHERE c.started_at BETWEEN ? AND ? "
    "GROUP BY b.identity HAVING sum(c.sign) > 0"
)
_KINDS: Final = {
    "key": KEY,
    "trace_id": KEY,
    "span_id": SPAN_ID,
    "parent_span_id": SPAN_ID,
    "started_at": MOMENT,
    "response_id": TEXT,
    "call": BYTES,
    "trace_state": TEXT,
    "attribution": TEXT,
}
_INSERT: Final = (
    "INSERT INTO records SELECT key, trace_id, span_id, parent_span_id, started_at, ?, response_id, call, trace_state, "
    "attribution FROM record_batch"
)
_ENCODER: Final = msgspec.json.Encoder(enc_hook=dict)
_ATTRIBUTION: Final = msgspec.json.Decoder(Attribution)


def known(connection: duckdb.DuckDBPyConnection, batch: Batch) -> frozenset[str]:
    """Return the identities of `batch` that are recorded."""
    identities = [record.identity for record in batch.records]
    if not identities:
        return frozenset()
    with _wanted(connection, identities):
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
        entry_ids = []
        for *row, shared_by, shared in found:
            if row[6] is not None:
                entry_ids.append(row[6])
            else:
                _sort_in(tuple(row), calls, links)
            if shared > most:
                cut.add(shared_by)
        for call in calls_of(connection, entry_ids, times):
            calls.setdefault(call.identity, call)
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


def insert(connection: duckdb.DuckDBPyConnection, records: Sequence[Call | Link], received_at: datetime) -> None:
    """Add records of which no entry says all."""
    with registered_rows(connection, "record_batch", _KINDS, [_row(record) for record in records]):
        connection.execute(_INSERT, [received_at])


def _row(record: Call | Link) -> tuple[Any, ...]:
    call = record if isinstance(record, Call) else None
    return (
        key_of(record.identity),
        bytes.fromhex(record.trace_id) or None,
        int(record.span_id, 16) if record.span_id else None,
        int(record.parent_span_id, 16) if record.parent_span_id else None,
        record.started_at_ns // 1000,
        call.response_id if call else None,
        encode_call(call) if call else None,
        record.trace_state or None,
        _attribution_text(record),
    )


def _attribution_text(record: Call | Link) -> str | None:
    if isinstance(record, Call) or record.attribution == NOBODY:
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
    span_id, parent_span_id, started_at, encoded, trace_state, attribution, _, trace_id = row
    if encoded is not None:
        call = decode_call(encoded)
        calls[call.identity] = call
        return
    link = Link(
        trace_id=trace_id,
        span_id=f"{span_id:016x}",
        parent_span_id=None if parent_span_id is None else f"{parent_span_id:016x}",
        started_at_ns=int(started_at.replace(tzinfo=UTC).timestamp()) * 1_000_000_000,
        trace_state=trace_state or "",
        attribution=_ATTRIBUTION.decode(attribution) if attribution else NOBODY,
    )
    links[link.identity] = link


def _standing(
    connection: duckdb.DuckDBPyConnection, identities: list[str], times: list[datetime]
) -> dict[str, Standing]:
    if not identities:
        return {}
    with _wanted(connection, identities):
        rows = connection.execute(_STANDING, times).fetchall()
    return {identity: Standing(entry_id, digest) for identity, entry_id, digest in rows}


def _wanted(connection: duckdb.DuckDBPyConnection, identities: Iterable[str]) -> AbstractContextManager[None]:
    rows = [(identity, key_of(identity)) for identity in identities]
    return registered_rows(connection, "wanted", {"identity": TEXT, "key": KEY}, rows)


def _times(batch: Batch, window: timedelta) -> list[datetime]:
    starts_ns = [record.started_at_ns for record in batch.records]
    return [
        (utc_from_ns(min(starts_ns)) - window).replace(tzinfo=None),
        (utc_from_ns(max(starts_ns)) + window).replace(tzinfo=None),
    ]
