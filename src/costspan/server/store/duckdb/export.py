"""Tables that leave a ledger file."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime
from pathlib import Path

import duckdb
from arro3.core import RecordBatchReader

from costspan.core.errors import UsageError
from costspan.server.store.duckdb.asking import asking
from costspan.server.store.duckdb.files import DuckDBFiles, write_rows
from costspan.server.store.duckdb.rollups import ROWS_SINCE, mark
from costspan.server.store.duckdb.store import DuckDBStore
from costspan.server.store.export import ChargeSum, Form, Stretch, Wanted
from costspan.server.store.sql.dialect import DUCKDB
from costspan.server.store.sql.export import charge_sums, next_stretch, table_rows


class DuckDBTables:
    """The port `TableSource` over one ledger file."""

    def __init__(self, store: DuckDBStore) -> None:
        self._store = store

    def write(self, wanted: Wanted, target: Path, form: Form) -> int:
        """Write rows to a file that is not there yet; return how many."""
        if target.exists():
            raise UsageError(f"{target} is there already; name another file")
        query, values = table_rows(DUCKDB, wanted)

        def ask(connection: duckdb.DuckDBPyConnection) -> int:
            rows = RecordBatchReader.from_arrow(connection.sql(query, params=values))
            return write_rows(rows, target, form)

        return self._store.look(ask)

    def next_stretch(self, after: datetime | None, most: int) -> Stretch | None:
        """Return the postings that follow a moment, about `most` entries of them."""
        return self._store.look(lambda connection: next_stretch(asking(connection), after, most))

    def charge_sums(self, wanted: Wanted) -> Iterator[ChargeSum]:
        """Yield what was charged, by day."""

        def ask(connection: duckdb.DuckDBPyConnection) -> list[ChargeSum]:
            return list(charge_sums(asking(connection), DUCKDB, wanted, mark(connection, ROWS_SINCE)))

        yield from self._store.look(ask)

    def write_csv_as(self, source: Path, target: Path, form: Form, numbers: Collection[str]) -> None:
        """Write a CSV file in another form, the columns of `numbers` as exact decimals."""
        DuckDBFiles().write_csv_as(source, target, form, numbers)
