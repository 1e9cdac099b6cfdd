"""Committing a posting: records, reversals and entries in one transaction and one fsync."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, Final

import duckdb
from arro3.core import DataType

from costspan.core.clock import Clock
from costspan.server.store.duckdb import kept, records, rollups, series, tools
from costspan.server.store.duckdb.arrow import registered, registered_columns, registered_rows
from costspan.server.store.duckdb.recent import Recent
from costspan.server.store.duckdb.schema import TAGS_TYPE
from costspan.server.store.entry import Posting, Standing
from costspan.server.store.rows import CALL_KINDS, CHARGE_KINDS, QUANTITIES, call_columns, charge_rows, said_by_no_entry

_TAGS: Final = f"""from_json(tags, '"{TAGS_TYPE}"')"""
INSERT_CHARGES: Final = (
    f"INSERT INTO charges (sign, posted_at, {', '.join(CHARGE_KINDS)}) SELECT 1, ?, * FROM charge_batch"
)
# A reversal keeps the id of the entry it takes back, so the two are found together and sum to nothing.
# Ids rise with the rows, so the bounds keep the search to where the entries are.
_REVERSE: Final = (
    "INSERT INTO {table} SELECT c.* REPLACE (-1 AS sign, ? AS posted_at) FROM {table} c "
    "WHERE c.sign > 0 AND c.entry_id BETWEEN ? AND ? AND c.entry_id IN (SELECT entry_id FROM reversed_batch)"
)


_LAST: Final = (
    "SELECT greatest((SELECT coalesce(max(entry_id), 0) FROM calls), (SELECT coalesce(max(entry_id), 0) FROM tools)), "
    "greatest((SELECT max(posted_at) FROM calls), "
    f"(SELECT max(moment) FROM ledger_marks WHERE name = '{rollups.MARK}'))"
)
# An INSERT that returns nothing is prepared for many threads, with row groups of their own: a tenth more CPU for what
# one commit brings.
_ON_THIS_THREAD: Final = " RETURNING NULL"
_STEP: Final = timedelta(microseconds=1)
_NO_COLUMNS: Final[dict[str, Sequence[Any]]] = {"as_received": (), "digest": ()}


class Writer:
    """The one writer of a ledger file. Not thread-safe: one thread commits."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, clock: Clock, recent: Recent) -> None:
        self._connection = connection
        self._clock = clock
        self.recent = recent
        [(last, posted_at)] = connection.execute(_LAST).fetchall()
        self._last_entry_id = last
        self._last_moment = posted_at or rollups.NEVER
        self.metric_state = series.load(connection)
        self.is_copied = False
        self.rows_since = rollups.mark(connection, rollups.ROWS_SINCE)

    def commit(self, posting: Posting) -> None:
        """Add `posting` in one durable transaction. Whatever is raised, nothing was added."""
        ids = self.new_entry_ids(len(posting.entries))
        tool_ids = self.new_entry_ids(len(posting.tools))
        columns = call_columns(ids, posting.entries) if posting.entries else _NO_COLUMNS
        if posting.reread:
            self.recent.forget()
        with self.transaction() as moment:
            if posting.reread:
                records.disown(self._connection, posting.reread, posting.batch)
            if posting.batch.kept:
                kept.insert(self._connection, posting.batch.kept, moment)
            if unsaid := said_by_no_entry(posting, columns["as_received"]):
                records.insert(self._connection, unsaid, moment)
            if posting.metrics is not None:
                series.save(self._connection, self.metric_state, posting.metrics)
            if posting.reversed_entry_ids:
                self._reverse(posting.reversed_entry_ids, moment)
            if posting.entries:
                self._insert(columns, charge_rows(ids, posting.entries), moment)
            if posting.tools:
                tools.insert(self._connection, posting.tools, tool_ids, moment)
        self.recent.add(posting, list(map(Standing, ids, columns["digest"])), tool_ids)
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
                self._connection.execute(_REVERSE.format(table=table), [moment, min(entry_ids), max(entry_ids)])

    def _insert(
        self, columns: Mapping[str, Sequence[Any]], charges: Sequence[tuple[Any, ...]], moment: datetime
    ) -> None:
        said = {
            name: values
            for name, values in columns.items()
            if values[0] is not None or values.count(None) < len(values)
        }
        with registered_columns(self._connection, "call_batch", CALL_KINDS, said):
            self._connection.execute(_insert_calls(said) + _ON_THIS_THREAD, [moment]).fetchall()
        if charges:
            with registered_rows(self._connection, "charge_batch", CHARGE_KINDS, charges):
                self._connection.execute(INSERT_CHARGES + _ON_THIS_THREAD, [moment]).fetchall()

    def _roll_back(self) -> None:
        try:
            self._connection.execute("ROLLBACK")
        except duckdb.Error:
            # After a fatal error there is no transaction left to roll back; the caller reopens the file.
            return


def _insert_calls(said: Iterable[str]) -> str:
    """Return the statement for a batch that says no more columns than these: no quantity is 0, all others are null."""
    values = {name: _TAGS if name == "tags" else name for name in said}
    values |= dict.fromkeys(QUANTITIES - values.keys(), "0")
    return (
        f"INSERT INTO calls (sign, posted_at, {', '.join(values)}) "
        f"SELECT 1, ?, {', '.join(values.values())} FROM call_batch"
    )
