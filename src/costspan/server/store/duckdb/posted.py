"""What was posted, in order: reversals and entries after a position. Asked through the store.

A transaction's moment only ever rises and is one for all its lines, so no line is ever posted before one that was read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import duckdb

from costspan.server.store.duckdb.asking import asking
from costspan.server.store.duckdb.store import DuckDBStore
from costspan.server.store.posted import Position, PostedLine
from costspan.server.store.sql.conditions import naive, utc
from costspan.server.store.sql.dialect import DUCKDB
from costspan.server.store.sql.read_calls import columns, read_entries

_ORDER: Final = "posted_at, sign, entry_id"
# The first condition lets whole row groups be passed over; the second is exact within one transaction.
_AFTER: Final = f"WHERE posted_at >= ? AND ({_ORDER}) > (?, ?, ?)"
_LINES: Final = f"SELECT {columns(DUCKDB)}, sign, run_id, corrects FROM calls {{after}} ORDER BY {_ORDER} LIMIT ?"
_LAST: Final = f"SELECT {_ORDER} FROM calls ORDER BY posted_at DESC, sign DESC, entry_id DESC LIMIT 1"
_OWN: Final = 3
"""Columns after those of an entry."""


class DuckDBPosted:
    """The port `PostedReader` over one ledger file."""

    def __init__(self, store: DuckDBStore) -> None:
        self._store = store

    def posted_after(self, position: Position | None, limit: int) -> Sequence[PostedLine]:
        """Return the first `limit` lines after `position`, or from the beginning."""
        return self._store.look(lambda connection: _lines(connection, position, limit))

    def last_position(self) -> Position | None:
        """Return the place of the last line."""
        found = self._store.look(lambda connection: connection.execute(_LAST).fetchall())
        return Position(utc(found[0][0]), *found[0][1:]) if found else None


def _lines(connection: duckdb.DuckDBPyConnection, position: Position | None, limit: int) -> list[PostedLine]:
    values: list[Any] = []
    if position is not None:
        moment = naive(position.posted_at)
        values = [moment, moment, position.sign, position.entry_id]
    after = _AFTER if position is not None else ""
    rows = connection.execute(_LINES.format(after=after), [*values, limit]).fetchall()
    read = read_entries(asking(connection), DUCKDB, [row[:-_OWN] for row in rows])
    return [
        PostedLine(Position(entry.posted_at, row[-3], entry.entry_id), entry, row[-2], row[-1])
        for row, entry in zip(rows, read, strict=True)
    ]
