"""Files of rows, written and read by a second engine, in memory: the ledger's own opens none."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any, Final

import duckdb
from arro3.core import RecordBatchReader
from arro3.core import Table as ArrowTable

from costspan.core.errors import StoreUnavailable
from costspan.server.store.export import Form

_TIMES: Final = "%Y-%m-%dT%H:%M:%S.%fZ"
_WRITTEN: Final = {
    Form.PARQUET: "FORMAT parquet, COMPRESSION zstd",
    Form.CSV: f"FORMAT csv, HEADER, TIMESTAMPFORMAT '{_TIMES}'",
    Form.JSONL: f"FORMAT json, TIMESTAMPFORMAT '{_TIMES}'",
}


class DuckDBFiles:
    """The port `Files`."""

    def write_parquet_as(self, source: Path, target: Path, form: Form) -> int:
        """Write a Parquet file in another form; return how many rows."""
        try:
            return write_rows(rows_of(source), target, form)
        except duckdb.Error as error:
            # An answer that was cut off is no Parquet file, since its directory comes last.
            raise StoreUnavailable(f"the rows could not be written: {str(error).splitlines()[0]}") from error

    def write_csv_as(self, source: Path, target: Path, form: Form, numbers: Collection[str]) -> None:
        """Write a CSV file in another form, the columns of `numbers` as exact decimals."""
        with duckdb.connect() as reader:
            reader.execute("SET TimeZone = 'UTC'")
            query = "SELECT * FROM read_csv(?, all_varchar = true, header = true)"
            names = [column[0] for column in reader.execute(f"{query} LIMIT 0", [str(source)]).description]
            selected = ", ".join(
                f'"{name}"::DECIMAL(38, 12) AS "{name}"' if name in numbers else f'"{name}"' for name in names
            )
            rows = reader.sql(query.replace("*", selected, 1), params=[str(source)])
            write_rows(RecordBatchReader.from_arrow(rows), target, form)


def write_rows(rows: RecordBatchReader, target: Path, form: Form) -> int:
    """Write a stream of rows to a file; return how many."""
    with duckdb.connect() as writer:
        writer.execute("SET TimeZone = 'UTC'")
        writer.register("rows_to_write", rows)
        path = str(target).replace("'", "''")
        [(count,)] = writer.execute(f"COPY rows_to_write TO '{path}' ({_WRITTEN[form]})").fetchall()
    return int(count)


def rows_of(file: Path) -> RecordBatchReader:
    """Return the rows of a Parquet file as a stream."""
    reader = duckdb.connect()
    reader.execute("SET TimeZone = 'UTC'")
    return RecordBatchReader.from_arrow(reader.sql("SELECT * FROM read_parquet(?)", params=[str(file)]))


def values_of(rows: Any) -> list[tuple[Any, ...]]:
    """Return the rows of an Arrow stream as Python values."""
    found = ArrowTable.from_arrow(rows)
    columns = [found.column(place).to_pylist() for place in range(found.num_columns)]
    return list(zip(*columns, strict=True))
