"""A ledger on ClickHouse as where a migration leads to: one posting for each stretch."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from costspan.server.store.clickhouse.snapshot import take_snapshot
from costspan.server.store.clickhouse.store import ClickHouseStore
from costspan.server.store.migration import Held, Stretch
from costspan.server.store.sql.conditions import utc

_TABLES: Final = ("calls", "charges", "records", "tools")
_REACHED: Final = "SELECT max(posted_at), count() FROM postings"
_SUM: Final = "SELECT ifNull(sum(toInt128(sign * cost)), 0) FROM {table}"


class ClickHouseDestination:
    """The port `Destination` over one ledger that nobody else writes."""

    def __init__(self, store: ClickHouseStore) -> None:
        self._store = store

    def reached(self) -> datetime | None:
        """Return the moment of the last posting that counts."""
        [(last, postings)] = self._rows(_REACHED)
        return utc(last) if postings else None

    def held(self) -> Held:
        """Return what counts."""
        rows = {table: int(self._rows(f"SELECT count() FROM {table}")[0][0]) for table in _TABLES}
        cost = [int(self._rows(_SUM.format(table=table))[0][0]) for table in ("calls", "charges")]
        return Held(rows, *cost)

    def add(self, stretch: Stretch) -> None:
        """Add a stretch in one commit."""
        self._store.take_over(stretch)

    def _rows(self, query: str) -> list[tuple[Any, ...]]:
        settings = take_snapshot(self._store.connection).settings
        return self._store.connection.rows(query, settings=settings)
