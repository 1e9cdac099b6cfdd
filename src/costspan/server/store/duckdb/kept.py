"""Records as received, in compressed frames of some hundred: written with the commit, read again by replay."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import duckdb
import msgspec

from costspan.server.store.columns import Kind
from costspan.server.store.duckdb.prepared import Prepared
from costspan.server.store.entry import KeptRecord

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

FRAME_RECORDS: Final = 512
"""Few enough to hold in memory by the way, many enough to compress what they share."""
_LEVEL: Final = 3
_DAY: Final = timedelta(days=1)
_TABLE: Final = """received_at TIMESTAMP NOT NULL, first_started_at TIMESTAMP NOT NULL,
last_started_at TIMESTAMP NOT NULL, records INTEGER NOT NULL, frame BLOB NOT NULL"""
DDL: Final = (f"CREATE TABLE IF NOT EXISTS received ({_TABLE})",)
_KINDS: Final = {
    "received_at": Kind.MOMENT,
    "first_started_at": Kind.MOMENT,
    "last_started_at": Kind.MOMENT,
    "records": Kind.SMALL,
    "frame": Kind.BYTES,
}
_INSERT: Final = f"INSERT INTO received ({', '.join(_KINDS)}) SELECT * FROM {{batch}}"
_OF_PERIOD: Final = "FROM received WHERE last_started_at >= ? AND first_started_at < ?"
_PACK: Final = msgspec.msgpack.Encoder()
_UNPACK: Final = msgspec.msgpack.Decoder(list[tuple[str, int, bytes, str | None]])


def insert(prepared: Prepared, kept: Sequence[KeptRecord], posted_at_us: int) -> None:
    """Add records in frames, within the caller's transaction."""
    frames = [kept[first : first + FRAME_RECORDS] for first in range(0, len(kept), FRAME_RECORDS)]
    columns: dict[str, list[Any]] = {
        "received_at": [posted_at_us] * len(frames),
        "first_started_at": [min(_starts_us(frame)) for frame in frames],
        "last_started_at": [max(_starts_us(frame)) for frame in frames],
        "records": list(map(len, frames)),
        "frame": list(map(_packed, frames)),
    }
    prepared.run(_INSERT, _KINDS, columns)


def moments(connection: duckdb.DuckDBPyConnection, since: datetime, until: datetime) -> list[datetime]:
    """Return when the frames of a period were received, in order."""
    query = f"SELECT DISTINCT received_at {_OF_PERIOD} ORDER BY received_at"
    return [moment for (moment,) in connection.execute(query, [since, until]).fetchall()]


def received_at(connection: duckdb.DuckDBPyConnection, moment: datetime) -> list[KeptRecord]:
    """Return the records that came at a moment; none where retention removed them meanwhile."""
    rows = connection.execute("SELECT frame FROM received WHERE received_at = ? ORDER BY rowid", [moment]).fetchall()
    return [KeptRecord(*record) for (held,) in rows for record in _UNPACK.decode(zstd.decompress(held))]


def count(connection: duckdb.DuckDBPyConnection, since: datetime, until: datetime) -> int:
    """Return how many records the frames of a period hold."""
    [(records,)] = connection.execute(f"SELECT sum(records) {_OF_PERIOD}", [since, until]).fetchall()
    return int(records or 0)


def remove(connection: duckdb.DuckDBPyConnection, before: datetime) -> int:
    """Remove what was received before a moment, of one day at most, within the caller's transaction."""
    [(first,)] = connection.execute("SELECT min(received_at) FROM received").fetchall()
    if first is None or first >= before:
        return 0
    until = min(before, first + _DAY)
    [(gone,)] = connection.execute("DELETE FROM received WHERE received_at < ?", [until]).fetchall()
    return int(gone)


def _packed(frame: Sequence[KeptRecord]) -> bytes:
    held = [(record.key, record.started_at_ns, record.encoded, record.tenant) for record in frame]
    return zstd.compress(_PACK.encode(held), _LEVEL)


def _starts_us(frame: Sequence[KeptRecord]) -> Iterator[int]:
    return (record.started_at_ns // 1000 for record in frame)
