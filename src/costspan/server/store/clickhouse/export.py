"""Tables that leave a ledger on ClickHouse: the server answers with Parquet, of which any form is made here."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime
from pathlib import Path

from costspan.core.errors import UsageError
from costspan.server.store.clickhouse.asking import asking, fetching
from costspan.server.store.clickhouse.marks import read_marks
from costspan.server.store.clickhouse.snapshot import take_snapshot
from costspan.server.store.clickhouse.store import ClickHouseStore
from costspan.server.store.export import ChargeSum, Files, Form, Stretch, Wanted
from costspan.server.store.sql.dialect import CLICKHOUSE
from costspan.server.store.sql.export import charge_sums, next_stretch, table_rows


class ClickHouseTables:
    """The port `TableSource` over one ledger."""

    def __init__(self, store: ClickHouseStore, files: Files) -> None:
        self._connection = store.connection
        self._files = files

    def write(self, wanted: Wanted, target: Path, form: Form) -> int:
        """Write rows to a file that is not there yet; return how many."""
        if target.exists():
            raise UsageError(f"{target} is there already; name another file")
        query, values = table_rows(CLICKHOUSE, wanted)
        # A process that has no settings of its own has had no use for a folder.
        target.parent.mkdir(parents=True, exist_ok=True)
        answered = target.with_name(f"{target.name}.parquet.tmp")
        try:
            fetching(self._connection, take_snapshot(self._connection))(query, values, answered)
            return self._files.write_parquet_as(answered, target, form)
        finally:
            answered.unlink(missing_ok=True)

    def next_stretch(self, after: datetime | None, most: int) -> Stretch | None:
        """Return the postings that follow a moment, about `most` entries of them."""
        return next_stretch(asking(self._connection, take_snapshot(self._connection)), after, most)

    def charge_sums(self, wanted: Wanted) -> Iterator[ChargeSum]:
        """Yield what was charged, by day."""
        snapshot = take_snapshot(self._connection)
        marks = read_marks(self._connection, snapshot)
        yield from charge_sums(asking(self._connection, snapshot), CLICKHOUSE, wanted, marks.rows_since)

    def write_csv_as(self, source: Path, target: Path, form: Form, numbers: Collection[str]) -> None:
        """Write a CSV file in another form, the columns of `numbers` as exact decimals."""
        self._files.write_csv_as(source, target, form, numbers)
