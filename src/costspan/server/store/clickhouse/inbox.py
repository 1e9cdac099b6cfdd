"""What receivers took and nobody settled yet: batches, each durable under an id of its own before it is acknowledged.

A batch is settled once a posting that counts says it was taken. Hours in which all are go, an hour later.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import uuid4

from costspan.server.store.batches import decode_batch, encode_batch
from costspan.server.store.clickhouse.connection import Connection
from costspan.server.store.clickhouse.snapshot import Snapshot
from costspan.server.store.entry import Batch

AT_A_TIME: Final = 16
"""Batches settled together: a receiver puts up to 5,000 calls into each."""
# A settler's clock may be off the server's, by which batches arrive: an hour is enough. Further off it finds batches
# again that are settled, which changes nothing.
_FIRST_ARRIVAL: Final = "(SELECT if(count() = 0, now64(6), min(arrived_at)) FROM inbox)"
_TAKEN: Final = f"(SELECT arrayJoin(taken) FROM postings WHERE posted_at >= {_FIRST_ARRIVAL} - INTERVAL 1 HOUR)"
_WAITING: Final = (
    f"SELECT batch_id, body FROM inbox WHERE batch_id NOT IN {_TAKEN} "
    "ORDER BY arrived_at, batch_id LIMIT {most:UInt32}"
)
_DONE_HOURS: Final = (
    "SELECT toRelativeHourNum(arrived_at) AS hour FROM inbox GROUP BY hour "
    f"HAVING countIf(batch_id NOT IN {_TAKEN}) = 0 AND hour < toRelativeHourNum(now('UTC')) - 1"
)


def put(connection: Connection, batch: Batch) -> None:
    """Add a batch, durably. Raise StoreUnavailable where that failed; it may be there all the same."""
    batch_id = uuid4()
    connection.insert("inbox", {"batch_id": [batch_id.bytes], "body": [encode_batch(batch)]}, token=batch_id.hex)


def waiting(connection: Connection, snapshot: Snapshot, most: int = AT_A_TIME) -> list[tuple[bytes, Batch]]:
    """Return the batches nobody settled, with their ids, the first to arrive first."""
    rows = connection.rows(_WAITING, {"most": most}, settings=snapshot.settings, as_bytes=("body",))
    return [(batch_id, decode_batch(body)) for batch_id, body in rows]


def set_aside(connection: Connection, batch_id: bytes, batch: Batch, why: str) -> None:
    """Keep a batch that cannot be settled where nobody asks for it again."""
    row: dict[str, list[object]] = {"batch_id": [batch_id], "body": [encode_batch(batch)], "why": [why]}
    connection.insert("set_aside", row, token=batch_id.hex())


def remove_settled(connection: Connection, snapshot: Snapshot) -> None:
    """Remove the hours of which every batch is settled."""
    for hour in _done_hours(connection, snapshot):
        connection.execute(f"ALTER TABLE inbox DROP PARTITION {hour}")


def _done_hours(connection: Connection, snapshot: Snapshot) -> Sequence[int]:
    return [int(hour) for (hour,) in connection.rows(_DONE_HOURS, settings=snapshot.settings)]
