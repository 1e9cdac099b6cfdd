"""Committing a posting: records, reversals and entries in one transaction and one fsync."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, Final

import duckdb
from arro3.core import DataType

from costspan.core.call import Role
from costspan.core.clock import Clock
from costspan.server.store.charge_classes import charge_classes
from costspan.server.store.duckdb import received, records, rollups, series, tools
from costspan.server.store.duckdb.arrow import registered
from costspan.server.store.duckdb.schema import CALL_COLUMNS
from costspan.server.store.entry import Entry, Posting

_CALL_NAMES: Final = ", ".join(column.name for column in CALL_COLUMNS)
_CALL_EXPRESSIONS: Final = ", ".join(column.expression.format(f"b.{column.name}") for column in CALL_COLUMNS)
_INSERT_CALLS: Final = (
    f"INSERT INTO calls (entry_id, sign, posted_at, {_CALL_NAMES}) "
    f"SELECT b.entry_id, 1, ?, {_CALL_EXPRESSIONS} FROM call_batch b"
)
CHARGE_COLUMNS: Final = {
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
INSERT_CHARGES: Final = (
    "INSERT INTO charges SELECT b.entry_id, 1, ?, make_timestamp(b.started_at), b.unit, b.quantity, b.price, b.per, "
    "b.list_cost, b.cost, b.rate_id, b.card_version FROM charge_batch b"
)
# A reversal keeps the id of the entry it takes back, so the two are found together and sum to nothing.
_REVERSE: Final = (
    "INSERT INTO {table} SELECT c.* REPLACE (-1 AS sign, ? AS posted_at) FROM {table} c "
    "WHERE c.sign > 0 AND c.entry_id IN (SELECT entry_id FROM reversed_batch)"
)


_LAST: Final = (
    "SELECT greatest((SELECT coalesce(max(entry_id), 0) FROM calls), (SELECT coalesce(max(entry_id), 0) FROM tools)), "
    "greatest((SELECT max(posted_at) FROM calls), "
    f"(SELECT max(moment) FROM ledger_marks WHERE name = '{rollups.MARK}'))"
)
_STEP: Final = timedelta(microseconds=1)


class Writer:
    """The one writer of a ledger file. Not thread-safe: one thread commits."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock
        [(last, posted_at)] = connection.execute(_LAST).fetchall()
        self._last_entry_id = last
        self._last_moment = posted_at or rollups.NEVER
        self.metric_state = series.load(connection)
        self.rows_since = rollups.mark(connection, rollups.ROWS_SINCE)

    def commit(self, posting: Posting) -> None:
        """Add `posting` in one durable transaction. Whatever is raised, nothing was added."""
        with self.transaction() as moment:
            if posting.reread:
                records.remove(self._connection, posting.reread)
            if posting.batch.kept:
                received.insert(self._connection, posting.batch.kept, moment)
            if posting.batch.calls or posting.batch.links:
                records.insert(self._connection, posting.batch, moment)
            if posting.metrics is not None:
                series.save(self._connection, self.metric_state, posting.metrics)
            if posting.reversed_entry_ids:
                self._reverse(posting.reversed_entry_ids, moment)
            if posting.entries:
                self._insert(posting.entries, moment)
            if posting.tools:
                ids = list(self.new_entry_ids(len(posting.tools)))
                tools.insert(self._connection, posting.tools, ids, moment)
        self.metric_state = posting.metrics or self.metric_state

    def probe(self) -> None:
        """Write next to nothing in one durable transaction."""
        with self.transaction() as moment:
            rollups.set_mark(self._connection, "probed", moment)

    @contextmanager
    def transaction(self) -> Iterator[datetime]:
        """Make all that the block executes on the writer's connection one durable commit, or nothing of it.

        Yield the moment it is posted at, without a time zone as the tables keep it.
        """
        # Only ever rises, also where the clock is set back: what was posted up to a moment stays what it was.
        moment = self._last_moment = max(self._clock().replace(tzinfo=None), self._last_moment + _STEP)
        self._connection.execute("BEGIN TRANSACTION")
        try:
            yield moment
            self._connection.execute("COMMIT")
        except Exception:
            self._roll_back()
            raise

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """What the writing thread executes on."""
        return self._connection

    def new_entry_ids(self, count: int) -> range:
        """Return ids that no entry has; they rise, so that the latest entry of a record has the highest."""
        first = self._last_entry_id + 1
        self._last_entry_id += count
        return range(first, first + count)

    def _reverse(self, entry_ids: Sequence[int], moment: Any) -> None:
        with registered(self._connection, "reversed_batch", {"entry_id": (entry_ids, DataType.int64())}):
            for table in ("calls", "charges", "tools"):
                self._connection.execute(_REVERSE.format(table=table), [moment])

    def _insert(self, entries: Sequence[Entry], moment: Any) -> None:
        ids = self.new_entry_ids(len(entries))
        with registered(self._connection, "call_batch", _call_columns(entries, ids)):
            self._connection.execute(_INSERT_CALLS, [moment])
        with registered(self._connection, "charge_batch", _charge_columns(entries, ids)):
            self._connection.execute(INSERT_CHARGES, [moment])

    def _roll_back(self) -> None:
        try:
            self._connection.execute("ROLLBACK")
        except duckdb.Error:
            # After a fatal error there is no transaction left to roll back; the caller reopens the file.
            return


def _call_columns(entries: Sequence[Entry], ids: Sequence[int]) -> dict[str, tuple[Iterable[Any], DataType]]:
    classes = [charge_classes(entry.priced) for entry in entries]
    columns: dict[str, tuple[Iterable[Any], DataType]] = {"entry_id": (ids, DataType.int64())}
    for column in CALL_COLUMNS:
        columns[column.name] = (map(column.read, entries, classes), column.arrow)
    return columns


def _charge_columns(entries: Sequence[Entry], ids: Sequence[int]) -> dict[str, tuple[Iterable[Any], DataType]]:
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
        if entry.role is Role.OWNER
        for charge in entry.priced.charges
    ]
    values: Iterable[Iterable[Any]] = zip(*rows, strict=True) if rows else ([] for _ in CHARGE_COLUMNS)
    return dict(zip(CHARGE_COLUMNS, zip(values, CHARGE_COLUMNS.values(), strict=True), strict=True))
