"""The embedded ledger's side of upkeep: each act one transaction on the writing thread, each question a look."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from costspan.server.store.duckdb import backup, kept, rollups
from costspan.server.store.duckdb import retention as removing
from costspan.server.store.duckdb.store import DuckDBStore
from costspan.server.store.duckdb.verify import verify
from costspan.server.store.duckdb.writer import Writer
from costspan.server.store.sql.conditions import naive
from costspan.server.store.upkeep import LINKS_KEPT, Manifest, Removed, Retention, Verdict


class DuckDBUpkeep:
    """The port `Upkeep` over one ledger file."""

    def __init__(self, store: DuckDBStore) -> None:
        self._store = store

    def waiting(self) -> int:
        """Return how many rows are not rolled up yet."""
        return self._store.look(rollups.waiting)

    def roll_up(self, most: int) -> int:
        """Roll up about `most` rows; return how many."""

        def act(writer: Writer) -> int:
            with writer.transaction():
                return rollups.advance(writer.connection, most)

        return self._store.tend(act)

    def merge(self, worth: int) -> int:
        """Merge roll-ups of one hour where `worth` rows go away by it."""

        def act(writer: Writer) -> int:
            with writer.transaction():
                return rollups.merge(writer.connection, worth)

        return self._store.tend(act)

    def retain(self, retention: Retention, now: datetime) -> Removed:
        """Remove a day's worth of what is past its time."""

        def act(writer: Writer) -> Removed:
            with writer.transaction():
                calls = removing.remove_calls(writer.connection, naive(now - retention.calls)) if retention.calls else 0
                links = removing.remove_loose_links(writer.connection, naive(now - LINKS_KEPT))
                raw = kept.remove(writer.connection, naive(now - retention.raw)) if retention.raw is not None else 0
            writer.rows_since = rollups.mark(writer.connection, rollups.ROWS_SINCE)
            return Removed(calls=calls, links=links, raw=raw)

        return self._store.correct(act)

    def checkpoint(self) -> None:
        """Write the log into the file."""

        def act(writer: Writer) -> None:
            if not writer.is_copied:
                writer.connection.execute("CHECKPOINT")

        self._store.tend(act)

    def begin_copy(self) -> Manifest:
        """Let the ledger's file stay as it is until `end_copy`, and say what it holds."""
        return self._store.tend(backup.begin)

    def copy(self, target: Path, progress: Callable[[float], None]) -> None:
        """Copy the file."""
        backup.copy(self._store.path, target, progress)

    def end_copy(self) -> None:
        """Let the file be written again."""
        self._store.tend(backup.end)

    def verify(self, progress: Callable[[float], None]) -> Verdict:
        """Look over every day of which there are rows."""
        return self._store.look(lambda connection: verify(connection, progress))

    def add_up_again(self, day: datetime) -> None:
        """Make the roll-ups of a day from its rows."""

        def act(writer: Writer) -> None:
            with writer.transaction():
                rollups.add_up_again(writer.connection, naive(day))

        self._store.tend(act)
