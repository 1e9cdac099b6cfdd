"""The embedded ledger's side of replay."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Final

from arro3.core import DataType

from costspan.core.call import Call
from costspan.core.link import Link
from costspan.core.period import Period
from costspan.server.store.duckdb import kept, records
from costspan.server.store.duckdb.arrow import registered
from costspan.server.store.duckdb.store import DuckDBStore
from costspan.server.store.duckdb.writer import Writer
from costspan.server.store.entry import Batch, KeptRecord, Neighbourhood, Posting
from costspan.server.store.sql.conditions import naive

_COST: Final = (
    "SELECT coalesce(sum(cost), 0) FROM calls WHERE sign > 0 AND role = 'owner' AND entry_id IN "
    "(SELECT entry_id FROM wanted_entries)"
)


class DuckDBReplay:
    """The port `ReplayLedger` over one ledger file."""

    def __init__(self, store: DuckDBStore) -> None:
        self._store = store

    def received(self, period: Period) -> int:
        """Return how many kept records there are to read."""
        return self._store.look(lambda connection: kept.count(connection, naive(period.since), naive(period.until)))

    def frames(self, period: Period) -> Iterator[Sequence[KeptRecord]]:
        """Yield kept records with those that began in `period`, in the order they came."""
        times = naive(period.since), naive(period.until)
        for moment in self._store.look(lambda connection: kept.moments(connection, *times)):
            yield self._store.look(partial(kept.received_at, moment=moment))

    def recorded(self, batch: Batch) -> Mapping[str, Call | Link]:
        """Return how the records of `batch` were read before, by identity."""
        return self._store.look(lambda connection: records.recorded(connection, batch))

    def neighbourhood(self, batch: Batch) -> Neighbourhood:
        """Return what is recorded of the traces and response ids in `batch`."""
        return self._store.neighbourhood(batch)

    def commit(self, posting: Posting) -> None:
        """Add a posting in one atomic commit."""
        self._store.commit(posting)

    def cost_of(self, entry_ids: Sequence[int]) -> int:
        """Return what counts of the cost of entries."""

        def ask(writer: Writer) -> int:
            with registered(writer.connection, "wanted_entries", {"entry_id": (entry_ids, DataType.int64())}):
                [(cost,)] = writer.connection.execute(_COST).fetchall()
            return int(cost)

        return self._store.tend(ask) if entry_ids else 0
