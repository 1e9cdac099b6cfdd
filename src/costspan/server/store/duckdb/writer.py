"""Committing a posting: records, reversals and entries in one transaction and one fsync."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import duckdb

from costspan.core.clock import Clock, ns_from_utc
from costspan.server.store.columns import Kind
from costspan.server.store.duckdb import kept, records, rollups, series, tools
from costspan.server.store.duckdb.prepared import Prepared
from costspan.server.store.duckdb.recent import Recent
from costspan.server.store.duckdb.schema import TAGS_TYPE
from costspan.server.store.entry import Posting, Standing
from costspan.server.store.rows import CALL_KINDS, CHARGE_KINDS, QUANTITIES, call_columns, charge_rows, said_by_no_entry

_TAGS: Final = f"""from_json(tags, '"{TAGS_TYPE}"')"""
# An INSERT that returns nothing is prepared for many threads, with row groups of their own: a tenth more CPU for what
# one commit brings.
_ON_THIS_THREAD: Final = " RETURNING NULL"
_CHARGE_KINDS: Final = {**CHARGE_KINDS, "posted_at": Kind.MOMENT}
_INSERT_CHARGES: Final = (
    f"INSERT INTO charges (sign, {', '.join(_CHARGE_KINDS)}) SELECT 1, * FROM {{batch}}{_ON_THIS_THREAD}"
)
_CALL_KINDS: Final = {**CALL_KINDS, "posted_at": Kind.MOMENT}
# A reversal keeps the id of the entry it takes back, so the two are found together and sum to nothing.
# Ids rise with the rows, and DuckDB looks only where those of the batch can be.
_REVERSED_KINDS: Final = {"entry_id": Kind.WHOLE, "posted_at": Kind.MOMENT}
_REVERSE: Final = [
    f"INSERT INTO {table} SELECT c.* REPLACE (-1 AS sign, b.posted_at AS posted_at) FROM {table} c "
    "JOIN {batch} b USING (entry_id) WHERE c.sign > 0"
    for table in ("calls", "charges", "tools")
]
_LAST: Final = (
    "SELECT greatest((SELECT coalesce(max(entry_id), 0) FROM calls), (SELECT coalesce(max(entry_id), 0) FROM tools)), "
    "greatest((SELECT max(posted_at) FROM calls), "
    f"(SELECT max(moment) FROM ledger_marks WHERE name = '{rollups.MARK}'))"
)
_STEP: Final = timedelta(microseconds=1)
_NO_COLUMNS: Final[dict[str, Sequence[Any]]] = {"as_received": (), "digest": ()}


class Writer:
    """The one writer of a ledger file. Not thread-safe: one thread commits."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, clock: Clock, recent: Recent) -> None:
        self._connection = connection
        self._prepared = Prepared(connection)
        self._said: frozenset[str] = frozenset()
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
                kept.insert(self._prepared, posting.batch.kept, _us(moment))
            if unsaid := said_by_no_entry(posting, columns["as_received"]):
                records.insert(self._prepared, unsaid, _us(moment))
            if posting.metrics is not None:
                series.save(self._connection, self.metric_state, posting.metrics)
            if posting.reversed_entry_ids:
                self._reverse(posting.reversed_entry_ids, moment)
            if posting.entries:
                self._insert_calls(columns, moment)
                self.insert_charges(charge_rows(ids, posting.entries), moment)
            if posting.tools:
                tools.insert(self._prepared, posting.tools, tool_ids, _us(moment))
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

    def insert_charges(self, charges: Sequence[tuple[Any, ...]], moment: datetime) -> None:
        """Add lines, which are values of CHARGE_KINDS, within a transaction."""
        if charges:
            columns = dict(zip(CHARGE_KINDS, zip(*charges, strict=True), strict=True))
            self._prepared.run(_INSERT_CHARGES, _CHARGE_KINDS, columns | {"posted_at": (_us(moment),) * len(charges)})

    def _reverse(self, entry_ids: Sequence[int], moment: datetime) -> None:
        once = tuple(dict.fromkeys(entry_ids))
        columns = {"entry_id": once, "posted_at": (_us(moment),) * len(once)}
        for statement in _REVERSE:
            self._prepared.run(statement, _REVERSED_KINDS, columns)

    def _insert_calls(self, columns: Mapping[str, Sequence[Any]], moment: datetime) -> None:
        # Columns that no entry ever used are left out. They only get fewer: each set of columns is a plan of its own.
        self._said |= {
            name
            for name, values in columns.items()
            if name not in self._said and (values[0] is not None or values.count(None) < len(values))
        }
        count = len(columns["entry_id"])
        absent = {name: (0 if name in QUANTITIES else None,) * count for name in self._said - columns.keys()}
        said = {name: columns.get(name) or absent[name] for name in CALL_KINDS if name in self._said}
        self._prepared.run(_insert_calls(said), _CALL_KINDS, said | {"posted_at": (_us(moment),) * count})

    def _roll_back(self) -> None:
        self._prepared.forget()
        try:
            self._connection.execute("ROLLBACK")
        except duckdb.Error:
            # After a fatal error there is no transaction left to roll back; the caller reopens the file.
            return


def _insert_calls(said: Iterable[str]) -> str:
    """Return the statement for batches that say no more columns than these: no quantity is 0, all others are null."""
    values = {name: _TAGS if name == "tags" else name for name in said}
    values |= dict.fromkeys(QUANTITIES - values.keys(), "0")
    return (
        f"INSERT INTO calls (sign, posted_at, {', '.join(values)}) "
        f"SELECT 1, posted_at, {', '.join(values.values())} FROM {{batch}}{_ON_THIS_THREAD}"
    )


def _us(moment: datetime) -> int:
    return ns_from_utc(moment.replace(tzinfo=UTC)) // 1000
