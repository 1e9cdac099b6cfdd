"""Upkeep of a ledger on ClickHouse, by the process that settles: each act a posting, or nothing of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import NoReturn

from costspan.core.errors import UsageError
from costspan.server.store.clickhouse import retention as removing
from costspan.server.store.clickhouse import rollups
from costspan.server.store.clickhouse.asking import asking
from costspan.server.store.clickhouse.marks import read_marks, with_roll_ups
from costspan.server.store.clickhouse.snapshot import take_snapshot
from costspan.server.store.clickhouse.store import ClickHouseStore
from costspan.server.store.clickhouse.verify import add_up_again, verify
from costspan.server.store.sql.conditions import naive
from costspan.server.store.upkeep import Manifest, Removed, Retention, Verdict


class ClickHouseUpkeep:
    """The port `Upkeep` over one ledger. What writes raises StoreUnavailable where another process settles."""

    def __init__(self, store: ClickHouseStore) -> None:
        self._store = store

    def waiting(self) -> int:
        """Return how many rows are not rolled up yet."""
        connection = self._store.connection
        snapshot = take_snapshot(connection)
        return rollups.waiting(asking(connection, snapshot), read_marks(connection, snapshot).rolled_up_to)

    def roll_up(self, most: int) -> int:
        """Roll up `most` rows, or many more where they wait; return how many."""
        return self._store.tend(lambda writer: rollups.advance(writer, most))

    def merge(self, worth: int) -> int:
        """Merge roll-ups of months in which `worth` rows go away by it."""
        return self._store.tend(lambda writer: rollups.merge(writer, worth))

    def retain(self, retention: Retention, now: datetime) -> Removed:
        """Remove all calls that are past their time. Other spans stay, and records as received are not kept here."""
        if retention.calls is None:
            return Removed()
        before = naive(now - retention.calls)
        return Removed(calls=self._store.tend(lambda writer: removing.remove_calls(writer, before)))

    def verify(self, progress: Callable[[float], None]) -> Verdict:
        """Look over every day of which there are rows."""
        snapshot = take_snapshot(self._store.connection)
        marks = read_marks(self._store.connection, snapshot)
        return verify(asking(self._store.connection, with_roll_ups(snapshot, marks)), marks, progress)

    def add_up_again(self, day: datetime) -> None:
        """Add to the roll-ups of a day what they differ by from its rows."""
        self._store.tend(lambda writer: add_up_again(writer, naive(day)))

    def checkpoint(self) -> None:
        """Do nothing: the engine writes parts that stay as they are."""

    def begin_copy(self) -> Manifest:
        """Raise UsageError."""
        return _use_the_engines_own()

    def copy(self, target: Path, progress: Callable[[float], None]) -> None:  # noqa: ARG002 - the port's
        """Raise UsageError."""
        _use_the_engines_own()

    def end_copy(self) -> None:
        """Do nothing: there was no copy."""


def _use_the_engines_own() -> NoReturn:
    raise UsageError("a ledger on ClickHouse is copied by ClickHouse's own BACKUP")
