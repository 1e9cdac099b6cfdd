"""Records as received: found again by identity, by trace and by response id."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from costspan.core.call import Call
from costspan.core.link import Link
from costspan.server.store.clickhouse import sources, tools
from costspan.server.store.clickhouse.connection import Connection, hex_set, key_set
from costspan.server.store.clickhouse.schema import RECEIVED
from costspan.server.store.clickhouse.snapshot import Snapshot
from costspan.server.store.clickhouse.times import WITHIN, around
from costspan.server.store.encoding import decode_call
from costspan.server.store.entry import Batch, Neighbourhood, Standing, key_of
from costspan.server.store.received import COLUMNS, call_of, link_of

_KNOWN: Final = f"SELECT DISTINCT key FROM {RECEIVED} WHERE {WITHIN} AND key IN <keys>"
_NEAR: Final = (
    "SELECT span_id, parent_span_id, started_at, call, trace_state, attribution, entry_id, trace_id, <column>, "
    f"count() OVER (PARTITION BY <column>) FROM {RECEIVED} WHERE {WITHIN} AND <column> IN <values> "
    "QUALIFY row_number() OVER (PARTITION BY <column> ORDER BY "
    "abs(toUnixTimestamp64Micro(started_at) - {middle_us:Int64}), key) <= {most:UInt32}"
)
_CALLS: Final = f"SELECT {', '.join(COLUMNS)} FROM calls WHERE sign > 0 AND {WITHIN} AND entry_id IN (<ids>)"
_STANDING: Final = (
    "SELECT key, maxIf(entry_id, sign > 0), argMaxIf(digest, entry_id, sign > 0) FROM calls "
    f"WHERE {WITHIN} AND key IN <keys> GROUP BY key HAVING sum(sign) > 0"
)


def known(connection: Connection, snapshot: Snapshot, batch: Batch) -> frozenset[str]:
    """Return the identities of `batch` that are recorded."""
    if not batch.records:
        return frozenset()
    wanted = _by_key(record.identity for record in batch.records)
    query = _KNOWN.replace("<keys>", key_set(wanted))
    rows = connection.rows(query, around(batch), settings=snapshot.settings)
    return frozenset(wanted[key] for (key,) in rows)


def neighbourhood(connection: Connection, snapshot: Snapshot, batch: Batch, most: int) -> Neighbourhood:
    """Return the records of the traces and response ids in `batch`, and of those they lead to in turn.

    Of each trace and response id at most `most`, those nearest in time to the batch.
    """
    return _Search(connection, snapshot, batch, most).found() if batch.records else Neighbourhood()


class _Search:
    """One look around a batch."""

    def __init__(self, connection: Connection, snapshot: Snapshot, batch: Batch, most: int) -> None:
        self._connection = connection
        self._settings = snapshot.settings
        self._snapshot = snapshot
        self._batch = batch
        self._most = most
        self._times = around(batch)
        self._calls: dict[str, Call] = {}
        self._links: dict[str, Link] = {}
        self._cut: set[str] = set()

    def found(self) -> Neighbourhood:
        """Return all that the batch leads to."""
        lesser = sources.lesser_claims(self._connection, self._snapshot, self._batch.calls, self._times)
        traces = self._follow(lesser)
        calls = {call.identity: call for call in (*lesser, *self._calls.values())}
        heard = [*self._batch.calls, *calls.values()]
        witnesses = sources.witnesses(self._connection, self._snapshot, heard, self._times)
        uses, standing_uses = tools.near(self._connection, self._snapshot, traces, self._times)
        return Neighbourhood(
            tuple(calls.values()),
            tuple(self._links.values()),
            witnesses,
            self._standing(calls),
            uses,
            standing_uses,
            frozenset(self._cut),
        )

    def _follow(self, lesser: Sequence[Call]) -> set[str]:
        """Follow traces and response ids until nothing new turns up; return the traces."""
        traces = {record.trace_id for record in (*self._batch.records, *lesser)} - {""}
        responses = {call.response_id for call in (*self._batch.calls, *lesser) if call.response_id}
        seen_traces: set[str] = set()
        seen_responses: set[str] = set()
        while traces or responses:
            seen_traces |= traces
            seen_responses |= responses
            led_to = self._ask("trace_id", map(bytes.fromhex, traces))
            led_to += self._ask("response_id", map(str.encode, responses))
            traces = {call.trace_id for call in led_to if call.trace_id} - seen_traces
            responses = {call.response_id for call in led_to if call.response_id} - seen_responses
        return seen_traces

    def _ask(self, column: str, values: Iterable[bytes]) -> list[Call]:
        if not (wanted := list(values)):
            return []
        middle_us = (self._times["start_us"] + self._times["end_us"]) // 2
        bounds = {**self._times, "middle_us": middle_us, "most": self._most}
        named = key_set(wanted) if column == "trace_id" else hex_set(wanted)
        query = _NEAR.replace("<column>", column).replace("<values>", named)
        rows = self._connection.rows(query, bounds, settings=self._settings, as_bytes=("call",))
        found: list[Call] = []
        entry_ids = []
        for *row, entry_id, trace_id, shared_by, shared in rows:
            if entry_id is not None:
                entry_ids.append(entry_id)
            elif row[3] is not None:
                found.append(decode_call(row[3]))
            else:
                link = link_of(trace_id.hex(), tuple(row))
                self._links[link.identity] = link
            if shared > self._most:
                self._cut.add(shared_by.hex() if isinstance(shared_by, bytes) else shared_by)
        found += self._calls_of(entry_ids)
        for call in found:
            self._calls.setdefault(call.identity, call)
        return found

    def _calls_of(self, entry_ids: Sequence[int]) -> list[Call]:
        if not entry_ids:
            return []
        query = _CALLS.replace("<ids>", ", ".join(map(str, entry_ids)))
        rows = self._connection.rows(query, self._times, settings=self._settings)
        named = [dict(zip(COLUMNS, row, strict=True)) for row in rows]
        return [call_of(row, row["trace_id"].hex()) for row in named]

    def _standing(self, identities: Iterable[str]) -> dict[str, Standing]:
        if not (wanted := _by_key(identities)):
            return {}
        query = _STANDING.replace("<keys>", key_set(wanted))
        rows = self._connection.rows(query, self._times, settings=self._settings)
        return {wanted[key]: Standing(entry_id, digest) for key, entry_id, digest in rows}


def _by_key(identities: Iterable[str]) -> dict[bytes, str]:
    return {key: identity for identity in identities if (key := key_of(identity)) is not None}
