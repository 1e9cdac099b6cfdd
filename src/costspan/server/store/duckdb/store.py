"""The embedded ledger behind the store's ports: opens the file, appends, answers, and recovers from a failed commit."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import duckdb

from costspan.core.clock import Clock, system_clock
from costspan.core.errors import StoreUnavailable
from costspan.server.store.duckdb.connection import open_ledger_file
from costspan.server.store.duckdb.reader import Reader
from costspan.server.store.duckdb.writer import Writer
from costspan.server.store.entry import Appended, Entry
from costspan.server.store.question import LedgerSummary, SpendAnswer, SpendQuestion

_log = logging.getLogger("costspan.store")


class DuckDBStore:
    """One ledger file. `append` is called by one thread; questions may come from several."""

    def __init__(self, data: Path, *, read_only: bool = False, clock: Clock = system_clock) -> None:
        self._data = data
        self._read_only = read_only
        self._clock = clock
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._open()

    def append(self, entries: Sequence[Entry]) -> Appended:
        """Add entries in one durable commit. Raise StoreUnavailable, with nothing added, when that fails."""
        if not entries:
            return Appended(0, 0)
        try:
            self._open()
            return self._writer.append(entries)
        except duckdb.Error as error:
            _log.error("commit failed, nothing of this batch was taken: %s", str(error).splitlines()[0])  # noqa: TRY400 - the text says it
            if isinstance(error, duckdb.FatalException | duckdb.ConnectionException):
                self.close()
            raise StoreUnavailable("the ledger could not be written; try again") from error

    def spend(self, question: SpendQuestion) -> SpendAnswer:
        """Return the measures of the calls asked about."""
        try:
            return self._reader.spend(question)
        except duckdb.Error as error:
            raise StoreUnavailable(f"the ledger could not be read: {str(error).splitlines()[0]}") from error

    def summary(self) -> LedgerSummary:
        """Return how much the ledger holds."""
        try:
            return self._reader.summary()
        except duckdb.Error as error:
            raise StoreUnavailable(f"the ledger could not be read: {str(error).splitlines()[0]}") from error

    def close(self) -> None:
        """Close the file; a later append opens it again."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _open(self) -> None:
        if self._connection is None:
            self._connection = open_ledger_file(self._data, read_only=self._read_only)
            self._writer = Writer(self._connection, self._clock)
            self._reader = Reader(self._connection)
