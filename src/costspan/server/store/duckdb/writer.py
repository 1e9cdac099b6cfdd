"""Appending entries: one transaction, one fsync, each record once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import count
from typing import Any, Final

import duckdb
from arro3.core import Array, DataType, Table

from costspan.core.clock import Clock
from costspan.server.store.charge_classes import charge_classes
from costspan.server.store.duckdb.schema import CALL_COLUMNS
from costspan.server.store.entry import Entry

_CALL_NAMES: Final = ", ".join(column.name for column in CALL_COLUMNS)
_CALL_EXPRESSIONS: Final = ", ".join(column.expression.format(f"b.{column.name}") for column in CALL_COLUMNS)
_INSERT_CALLS: Final = (
    f"INSERT INTO calls (entry_id, sign, posted_at, {_CALL_NAMES}) "
    f"SELECT b.entry_id, 1, ?, {_CALL_EXPRESSIONS} FROM call_batch b"
)
_INSERT_CHARGES: Final = (
    "INSERT INTO charges SELECT b.entry_id, 1, ?, make_timestamp(b.started_at), b.unit, b.quantity, b.price, b.per, "
    "b.list_cost, b.cost, b.rate_id, b.card_version FROM charge_batch b"
)
# Bounded by the batch's own time: the same span has the same start, and a key over all rows would halve ingest and
# double the file.
_KNOWN: Final = (
    "SELECT b.position FROM key_batch b WHERE EXISTS (SELECT 1 FROM calls c WHERE c.started_at "
    "BETWEEN make_timestamp(?) AND make_timestamp(?) AND c.span_id = b.span_id AND c.trace_id = b.trace_id::UUID)"
)
_CHARGE_COLUMNS: Final = {
    "entry_id": DataType.int64(),
    "started_at": DataType.int64(),
    "unit": DataType.string(),
    "quantity": DataType.int64(),
    "price": DataType.string(),
    "per": DataType.int64(),
    "list_cost": DataType.int64(),
    "cost": DataType.int64(),
    "rate_id": DataType.string(),
    "card_version": DataType.string(),
}


class Writer:
    """The one writer of a ledger file. Not thread-safe: one thread appends."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock
        last = connection.execute("SELECT coalesce(max(entry_id), 0) FROM calls").fetchone()
        self._entry_ids = count((last[0] if last else 0) + 1)

    def append(self, entries: Sequence[Entry]) -> Sequence[bool]:
        """Add what is new in one durable transaction, and say what was. Raise duckdb.Error when nothing was added."""
        distinct: dict[tuple[str, str], Entry] = {}
        for entry in entries:
            distinct.setdefault(entry.identity, entry)
        self._connection.execute("BEGIN TRANSACTION")
        try:
            fresh = self._without_known(list(distinct.values()))
            if fresh:
                self._insert(fresh, self._clock())
            self._connection.execute("COMMIT")
        except Exception:
            self._roll_back()
            raise
        new = {entry.identity for entry in fresh}
        return [_took(new, entry) for entry in entries]

    def _without_known(self, entries: list[Entry]) -> list[Entry]:
        starts_us = [entry.call.started_at_ns // 1000 for entry in entries]
        keys = _table(
            {
                "position": (range(len(entries)), DataType.int64()),
                "trace_id": ((entry.call.trace_id for entry in entries), DataType.string()),
                "span_id": ((int(entry.call.span_id, 16) for entry in entries), DataType.uint64()),
            }
        )
        self._connection.register("key_batch", keys)
        known = {row[0] for row in self._connection.execute(_KNOWN, [min(starts_us), max(starts_us)]).fetchall()}
        self._connection.unregister("key_batch")
        return [entry for position, entry in enumerate(entries) if position not in known]

    def _insert(self, entries: list[Entry], posted_at: datetime) -> None:
        moment = posted_at.replace(tzinfo=None)
        ids = [next(self._entry_ids) for _ in entries]
        self._connection.register("call_batch", _call_table(entries, ids))
        self._connection.execute(_INSERT_CALLS, [moment])
        self._connection.unregister("call_batch")
        self._connection.register("charge_batch", _charge_table(entries, ids))
        self._connection.execute(_INSERT_CHARGES, [moment])
        self._connection.unregister("charge_batch")

    def _roll_back(self) -> None:
        try:
            self._connection.execute("ROLLBACK")
        except duckdb.Error:
            # After a fatal error there is no transaction left to roll back; the caller reopens the file.
            return


def _took(new: set[tuple[str, str]], entry: Entry) -> bool:
    """Return whether the entry is the new one of its identity; those behind it are repetitions."""
    is_new = entry.identity in new
    new.discard(entry.identity)
    return is_new


def _call_table(entries: list[Entry], ids: list[int]) -> Table:
    classes = [charge_classes(entry.priced) for entry in entries]
    columns: dict[str, tuple[Any, DataType]] = {"entry_id": (ids, DataType.int64())}
    for column in CALL_COLUMNS:
        columns[column.name] = (map(column.read, entries, classes), column.arrow)
    return _table(columns)


def _charge_table(entries: list[Entry], ids: list[int]) -> Table:
    rows = [
        (
            entry_id,
            entry.call.started_at_ns // 1000,
            charge.unit.value,
            charge.quantity,
            str(charge.price),
            charge.per,
            charge.list_cost,
            charge.cost,
            entry.priced.rate.rate_id if entry.priced.rate else None,
            entry.card_version,
        )
        for entry_id, entry in zip(ids, entries, strict=True)
        for charge in entry.priced.charges
    ]
    values = zip(*rows, strict=True) if rows else ([] for _ in _CHARGE_COLUMNS)
    return _table(dict(zip(_CHARGE_COLUMNS, zip(values, _CHARGE_COLUMNS.values(), strict=True), strict=True)))


def _table(columns: dict[str, tuple[Any, DataType]]) -> Table:
    return Table.from_arrays([Array(list(values), kind) for values, kind in columns.values()], names=list(columns))
