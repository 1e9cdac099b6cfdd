"""Committing a posting: its rows first, then the one row that makes them count."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from costspan.core.clock import Clock
from costspan.core.errors import PermanentError
from costspan.server.store.clickhouse import series, tools
from costspan.server.store.clickhouse.connection import Connection
from costspan.server.store.clickhouse.lease import Lease, deposed
from costspan.server.store.clickhouse.snapshot import SEQUENCE_BITS, Snapshot, take_snapshot
from costspan.server.store.entry import Posting
from costspan.server.store.migration import Stretch
from costspan.server.store.received import record_columns
from costspan.server.store.rows import CHARGE_KINDS, call_columns, charge_rows, said_by_no_entry
from costspan.server.store.sql.conditions import utc

# From a query within: names in WHERE would mean what REPLACE makes of them.
_REVERSE: Final = (
    "INSERT INTO {table} SELECT * REPLACE (-1 AS sign, {posting} AS posting, "
    "fromUnixTimestamp64Micro({posted_us}, 'UTC') AS posted_at) FROM ("
    "SELECT * FROM {table} WHERE sign > 0 AND entry_id IN ({ids}))"
)
_LAST: Final = "SELECT posted_at, last_entry_id FROM postings ORDER BY posting DESC LIMIT 1"
_STEP: Final = timedelta(microseconds=1)
_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _Number:
    """The number of a posting and the moment it is posted at."""

    posting: int
    posted_us: int

    def columns(self, rows: int) -> dict[str, list[Any]]:
        """Return the columns that say so, for `rows` new rows."""
        return {"posting": [self.posting] * rows, "sign": [1] * rows, "posted_at": [self.posted_us] * rows}


class Writer:
    """The one writer of an epoch. Not thread-safe: one thread commits.

    A commit that fails leaves rows that only a later posting of the same epoch could make count, so it ends the epoch.
    """

    def __init__(self, connection: Connection, lease: Lease, epoch: int, clock: Clock) -> None:
        self.connection = connection
        self._lease = lease
        self._epoch = epoch
        self._clock = clock
        before = take_snapshot(connection)
        self._ends_before = before.ends[: epoch - 1]
        self._of_shards = before.of_shards
        self._sequence = 0
        last = connection.rows(_LAST, settings=before.settings)
        self._last_moment: datetime = last[0][0] if last else _LONG_AGO
        self._last_entry_id: int = last[0][1] if last else 0
        self.metric_state = series.load(connection, before)

    @property
    def snapshot(self) -> Snapshot:
        """What this writer, and nobody else, has committed so far, on top of the epochs before."""
        return Snapshot((*self._ends_before, self._sequence), self._of_shards)

    @property
    def now(self) -> datetime:
        """The moment of the last posting."""
        return self._last_moment

    def commit(self, posting: Posting, taken: Sequence[bytes] = ()) -> None:
        """Add a posting, and that it settles the batches `taken` of the inbox. Raise as the port says.

        When it raises StoreUnavailable the posting may count all the same; who posts again finds out.
        """
        if posting.reread:
            raise PermanentError("records are not read again on ClickHouse yet")
        ids = self.new_ids(len(posting.entries))
        tool_ids = self.new_ids(len(posting.tools))
        number = self._number()
        inserts = self._inserts(posting, ids, tool_ids, number)
        with self._counting(number, taken):
            if posting.reversed_entry_ids:
                self._reverse(posting.reversed_entry_ids, number)
            self._add(inserts)
        self.metric_state = posting.metrics or self.metric_state

    def take_over(self, stretch: Stretch) -> None:
        """Add rows as they were posted to another ledger, under their ids and at their moments. Raise as `commit`."""
        self._last_moment, self._last_entry_id = stretch.until, stretch.last_entry_id
        number = self._number_at(stretch.until)
        inserts = {
            table: {"posting": [number.posting] * len(next(iter(columns.values()))), **columns}
            for table, columns in stretch.tables.items()
        }
        with self._counting(number):
            self._add(inserts)
        self.metric_state = series.load(self.connection, self.snapshot)

    def note(self, document: bytes, *, is_whole: bool) -> None:
        """Add a document to the log of alerting. Raise as `commit`."""

        def add(posting: int) -> None:
            self.connection.insert("alert_log", {"posting": [posting], "is_whole": [is_whole], "document": [document]})

        self.post(add)

    def post(self, add: Callable[[int], None]) -> None:
        """Make what `add` inserts under the number it is given count, all of it. Raise as `commit`."""
        number = self._number()
        with self._counting(number):
            add(number.posting)

    def set_mark(self, posting: int, name: str, moment: datetime) -> None:
        """Set a mark of upkeep, under a posting that is not counted yet."""
        self.connection.insert("marks", {"posting": [posting], "name": [name], "moment": [micros(moment)]})

    def new_ids(self, count: int) -> range:
        """Return ids for new entries; the next posting says that they are taken."""
        first = self._last_entry_id + 1
        self._last_entry_id += count
        return range(first, first + count)

    @contextmanager
    def _counting(self, number: _Number, taken: Sequence[bytes] = ()) -> Iterator[None]:
        try:
            yield
            self._count(number, taken)
        except Exception:
            self._lease.lose()
            raise
        self._sequence += 1

    def _add(self, inserts: Mapping[str, Mapping[str, Sequence[Any]]]) -> None:
        for table, columns in inserts.items():
            if any(columns.values()):
                self.connection.insert(table, columns)

    def _inserts(
        self, posting: Posting, ids: Sequence[int], tool_ids: Sequence[int], number: _Number
    ) -> Mapping[str, Mapping[str, Sequence[Any]]]:
        found: dict[str, Mapping[str, Sequence[Any]]] = {}
        as_received: Sequence[bool] = ()
        if posting.entries:
            calls = dict(call_columns(ids, posting.entries))
            as_received = calls["as_received"]
            calls["tags"] = [dict(entry.call.attribution.tags) for entry in posting.entries]
            found["calls"] = {**number.columns(len(ids)), **calls}
            if charges := charge_rows(ids, posting.entries):
                found["charges"] = {**number.columns(len(charges)), **_transposed(CHARGE_KINDS, charges)}
        if unsaid := said_by_no_entry(posting, as_received):
            records = record_columns(unsaid)
            moments = {"posting": [number.posting] * len(unsaid), "received_at": [number.posted_us] * len(unsaid)}
            found["records"] = {**moments, **records}
        if posting.tools:
            found["tools"] = {**number.columns(len(tool_ids)), **tools.columns(tool_ids, posting.tools)}
        if posting.metrics is not None:
            changed = series.columns(self.metric_state, posting.metrics)
            found["metric_series"] = {"posting": [number.posting] * len(changed["series"]), **changed}
        return found

    def _reverse(self, entry_ids: Sequence[int], number: _Number) -> None:
        ids = ", ".join(map(str, entry_ids))
        for table in ("calls", "charges", "tools"):
            statement = _REVERSE.format(table=table, ids=ids, posting=number.posting, posted_us=number.posted_us)
            # One thread makes one block, which the client may send again where it lost the answer.
            token = {"insert_deduplication_token": f"reversed-{number.posting}", "max_threads": 1}
            self.connection.execute(statement, settings={**self.snapshot.settings, **token})

    def _count(self, number: _Number, taken: Sequence[bytes]) -> None:
        """Make the posting count, and make sure that it does."""
        self.connection.insert(
            "postings",
            {
                "posting": [number.posting],
                "posted_at": [number.posted_us],
                "last_entry_id": [self._last_entry_id],
                "taken": [list(taken)],
            },
        )
        # Who claims the next epoch reads where this one ended after the claim. So where there is no claim by now, it
        # will find this posting; where there is one, it may have looked too early.
        if not self._lease.is_current():
            raise deposed()

    def _number(self) -> _Number:
        # Only ever rises, also where the clock is set back or another machine's was ahead.
        moment = self._last_moment = max(self._clock(), self._last_moment + _STEP)
        return self._number_at(moment)

    def _number_at(self, moment: datetime) -> _Number:
        return _Number((self._epoch << SEQUENCE_BITS) + self._sequence + 1, micros(moment))


def micros(moment: datetime) -> int:
    """Return a moment as it is inserted."""
    return (utc(moment) - _LONG_AGO) // _STEP


def _transposed(kinds: Mapping[str, Any], rows: Sequence[tuple[Any, ...]]) -> dict[str, Sequence[Any]]:
    return dict(zip(kinds, zip(*rows, strict=True), strict=True))
