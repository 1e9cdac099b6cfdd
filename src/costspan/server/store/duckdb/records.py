"""Records as received: found again by identity, by trace and by response id."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Final

import duckdb
from arro3.core import DataType

from costspan.core.call import Call
from costspan.core.clock import NS_PER_S, utc_from_ns
from costspan.core.link import Link
from costspan.server.store.columns import Kind
from costspan.server.store.duckdb import sources, tools
from costspan.server.store.duckdb.arrow import registered, registered_rows
from costspan.server.store.duckdb.prepared import Prepared
from costspan.server.store.duckdb.received import calls_of
from costspan.server.store.duckdb.recent import Held, Recent
from costspan.server.store.duckdb.schema import RECEIVED
from costspan.server.store.encoding import decode_call
from costspan.server.store.entry import Batch, Neighbourhood, Standing, key_of
from costspan.server.store.ports import SETTLING_WINDOW
from costspan.server.store.received import RECORD_KINDS, link_of, record_columns

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
_HOURS: Final = (
    f"SELECT DISTINCT (epoch_us(started_at) // 3_600_000_000)::BIGINT FROM {RECEIVED} UNION "
    "SELECT DISTINCT (epoch_us(started_at) // 3_600_000_000)::BIGINT FROM calls"
)
_LAST: Final = (
    "SELECT DISTINCT replace(trace_id::VARCHAR, '-', ''), response_id "
    f"FROM {RECEIVED} WHERE started_at >= make_timestamp(?) LIMIT ?"
)
_REMEMBERED_HOURS: Final = 48
MAX_REMEMBERED: Final = 250_000
"""Traces of the last two days read when a file is opened, in about a second; of more the file is asked for a day."""
_UNPLACED: Final = "SELECT DISTINCT coalesce(service, '') FROM calls WHERE span_id IS NULL"
_TRACES: Final = _NEAR.format(column="trace_id", kind="UUID", shown="replace(trace_id::VARCHAR, '-', '')")
_RESPONSES: Final = _NEAR.format(column="response_id", kind="VARCHAR", shown="response_id")
_RECORDED: Final = (
    "SELECT span_id, parent_span_id, started_at, call, trace_state, attribution, entry_id, "
    f"replace(trace_id::VARCHAR, '-', '') FROM {RECEIVED} "
    "WHERE key IN (SELECT key FROM wanted) AND started_at BETWEEN ? AND ?"
)
_DISOWN: Final = (
    "DELETE FROM records WHERE key IN (SELECT key FROM wanted) AND started_at BETWEEN ? AND ?",
    "UPDATE calls SET as_received = FALSE WHERE key IN (SELECT key FROM wanted) AND started_at BETWEEN ? AND ?",
)
_STANDING: Final = (
    "SELECT b.identity, max(c.entry_id) FILTER (c.sign > 0), arg_max(c.digest, c.entry_id) FILTER (c.sign > 0) "
    "FROM calls c JOIN wanted b ON c.key = b.key WHERE c.started_at BETWEEN ? AND ? "
    "GROUP BY b.identity HAVING sum(c.sign) > 0"
)
_KINDS: Final = {**RECORD_KINDS, "received_at": Kind.MOMENT}
_INSERT: Final = (
    "INSERT INTO records SELECT key, trace_id, span_id, parent_span_id, started_at, received_at, response_id, call, "
    "trace_state, attribution FROM {batch}"
)


def known(connection: duckdb.DuckDBPyConnection, recent: Recent, batch: Batch) -> frozenset[str]:
    """Return the identities of `batch` that are recorded."""
    records = batch.records
    if not records:
        return frozenset()
    blind = recent.is_blind(*_window_ns(batch))
    found: set[str] = set()
    asked: list[str] = []
    for trace_id, identities in _by_trace(records).items():
        held = recent.get(trace_id)
        if held is not None:
            found.update(held.records.keys() & identities)
        elif blind or not trace_id or recent.may_be_elsewhere(trace_id):
            asked += identities
    if asked:
        with _wanted(connection, asked):
            found.update(row[0] for row in connection.execute(_KNOWN, _times(batch)).fetchall())
    return frozenset(found)


def neighbourhood(connection: duckdb.DuckDBPyConnection, recent: Recent, batch: Batch, most: int) -> Neighbourhood:
    """Return the records of the traces and response ids in `batch`, and of those they lead to in turn.

    Of each trace and response id at most `most`, those nearest in time to the batch.
    """
    return _Search(connection, recent, batch, most).found() if batch.records else Neighbourhood()


class _Search:
    """One look around a batch: in memory for the traces held there, in the file for the others."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, recent: Recent, batch: Batch, most: int) -> None:
        self._connection = connection
        self._recent = recent
        self._batch = batch
        self._most = most
        self._first_ns, self._last_ns = _window_ns(batch)
        self._blind = recent.is_blind(self._first_ns, self._last_ns)
        self._times = _times(batch)
        self._calls: dict[str, Call] = {}
        self._links: dict[str, Link] = {}
        self._held: list[Held] = []
        self._cut: set[str] = set()

    def found(self) -> Neighbourhood:
        """Return all that the batch leads to."""
        lesser = self._lesser_claims()
        asked = self._follow(lesser)
        calls = tuple(self._calls.values())
        witnesses = sources.witnesses(self._connection, [*self._batch.calls, *lesser, *calls], self._times)
        standing = _standing(self._connection, [*self._calls, *(call.identity for call in lesser)], self._times)
        uses, standing_uses = tools.near(self._connection, asked, self._times)
        around = Neighbourhood(
            calls, tuple(self._links.values()), witnesses, standing, uses, standing_uses, frozenset(self._cut)
        )
        self._recent.learn(around, asked)
        return self._with_held(around, lesser)

    def _lesser_claims(self) -> list[Call]:
        services = {call.attribution.service or "" for call in self._batch.calls}
        if services.isdisjoint(self._recent.services_with_unplaced):
            return []
        return sources.lesser_claims(self._connection, self._batch.calls, self._times)

    def _follow(self, lesser: Sequence[Call]) -> set[str]:
        """Follow traces and response ids until nothing new turns up; return the traces the file was asked for."""
        recent = self._recent
        traces = {record.trace_id for record in (*self._batch.records, *lesser)} - {""}
        responses = {call.response_id for call in (*self._batch.calls, *lesser) if call.response_id}
        seen_traces: set[str] = set()
        seen_responses: set[str] = set()
        asked: set[str] = set()
        while traces or responses:
            seen_traces |= traces
            seen_responses |= responses
            led_to: list[Call] = []
            asks = set()
            for trace_id in traces:
                if (held := recent.get(trace_id)) is not None:
                    led_to += self._take(held)
                elif self._blind or recent.may_be_elsewhere(trace_id):
                    asks.add(trace_id)
            asked_responses = {one for one in responses if self._blind or recent.may_be_elsewhere(one)}
            led_to += self._ask(_TRACES, asks) + self._ask(_RESPONSES, asked_responses)
            asked |= asks
            traces = {call.trace_id for call in led_to if call.trace_id}
            traces = traces.union(*(recent.traces_of(one) for one in responses)) - seen_traces
            responses = {call.response_id for call in led_to if call.response_id} - seen_responses
        return asked

    def _take(self, held: Held) -> list[Call]:
        self._held.append(held)
        return [record for record in held.records.values() if isinstance(record, Call)]

    def _ask(self, query: str, values: set[str]) -> list[Call]:
        if not values:
            return []
        start, end = self._times
        with registered(self._connection, "wanted", {"value": (sorted(values), DataType.string())}):
            rows = self._connection.execute(query, [start, end, start + (end - start) / 2, self._most]).fetchall()
        found: list[Call] = []
        entry_ids = []
        for *row, entry_id, trace_id, shared_by, shared in rows:
            if entry_id is not None:
                entry_ids.append(entry_id)
            elif row[3] is not None:
                found.append(decode_call(row[3]))
            else:
                link = link_of(trace_id, tuple(row))
                self._links[link.identity] = link
            if shared > self._most:
                self._cut.add(shared_by)
        found += calls_of(self._connection, entry_ids, self._times)
        for call in found:
            held = self._recent.get(call.trace_id)
            if held is None or call.identity not in held.records:
                self._calls.setdefault(call.identity, call)
        return found

    def _with_held(self, around: Neighbourhood, lesser: Sequence[Call]) -> Neighbourhood:
        """Return what the file answered together with what is held."""
        calls = {call.identity: call for call in (*lesser, *around.calls)}
        links, standing = list(around.links), dict(around.standing)
        uses, standing_uses = list(around.tools), dict(around.standing_tools)
        for held in self._held:
            for identity, record in held.records.items():
                if not self._first_ns <= record.started_at_ns <= self._last_ns:
                    continue
                if isinstance(record, Call):
                    calls[identity] = record
                else:
                    links.append(record)
            standing.update(held.standing)
            for identity, (use, stands) in held.tools.items():
                uses.append(use)
                standing_uses[identity] = stands
        return Neighbourhood(tuple(calls.values()), links, around.witnesses, standing, uses, standing_uses, around.cut)


def open_recent(connection: duckdb.DuckDBPyConnection, most_of_a_trace: int) -> Recent:
    """Return the memory of a file just opened: nothing is held, and the traces of its last days are remembered."""
    hours = [row[0] for row in connection.execute(_HOURS).fetchall()]
    recent = Recent(hours, [row[0] for row in connection.execute(_UNPLACED).fetchall()], most_of_a_trace)
    since = max(hours, default=0) - _REMEMBERED_HOURS
    rows = connection.execute(_LAST, [since * 3_600_000_000, MAX_REMEMBERED + 1]).fetchall()
    if len(rows) <= MAX_REMEMBERED:
        texts = (text for row in rows for text in row if text is not None)
        recent.remember(texts, [hour for hour in hours if hour >= since])
    return recent


def recorded(connection: duckdb.DuckDBPyConnection, batch: Batch) -> dict[str, Call | Link]:
    """Return how the records of `batch` that are in the ledger were read, by identity."""
    if not batch.records:
        return {}
    times = _times(batch)
    with _wanted(connection, [record.identity for record in batch.records]):
        rows = connection.execute(_RECORDED, times).fetchall()
    found: list[Call | Link] = []
    entry_ids = []
    for *row, entry_id, trace_id in rows:
        if entry_id is not None:
            entry_ids.append(entry_id)
        else:
            found.append(link_of(trace_id, tuple(row)) if row[3] is None else decode_call(row[3]))
    return {record.identity: record for record in (*found, *calls_of(connection, entry_ids, times))}


def disown(connection: duckdb.DuckDBPyConnection, identities: Sequence[str], batch: Batch) -> None:
    """Keep of records no longer how they were read before `batch`, within the caller's transaction.

    Their entries stay as they are, to be taken back; they only stand for no record any more.
    """
    with _wanted(connection, identities):
        for statement in _DISOWN:
            connection.execute(statement, _times(batch)).fetchall()


def insert(prepared: Prepared, records: Sequence[Call | Link], posted_at_us: int) -> None:
    """Add records of which no entry says all."""
    columns = record_columns(records) | {"received_at": [posted_at_us] * len(records)}
    prepared.run(_INSERT, _KINDS, columns)


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
    return registered_rows(connection, "wanted", {"identity": Kind.TEXT, "key": Kind.KEY}, rows)


def _by_trace(records: Iterable[Call | Link]) -> dict[str, list[str]]:
    identities: dict[str, list[str]] = {}
    for record in records:
        identities.setdefault(record.trace_id, []).append(record.identity)
    return identities


def _window_ns(batch: Batch) -> tuple[int, int]:
    starts_ns = [record.started_at_ns for record in batch.records]
    window_ns = int(SETTLING_WINDOW.total_seconds()) * NS_PER_S
    return min(starts_ns) - window_ns, max(starts_ns) + window_ns


def _times(batch: Batch) -> list[datetime]:
    return [utc_from_ns(moment_ns).replace(tzinfo=None) for moment_ns in _window_ns(batch)]
