"""A bill that came as a file, CSV or Parquet, added up by DuckDB: a year's export is larger than memory."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import duckdb

from costspan.core.errors import UsageError

_READERS: Final = {
    ".parquet": "read_parquet(?)",
    ".csv": "read_csv(?, all_varchar = true, header = true)",
    ".gz": "read_csv(?, all_varchar = true, header = true)",
}
_MEMORY_LIMIT: Final = "1GB"


def read_bill_file(path: Path, select: Callable[[frozenset[str]], str]) -> list[dict[str, Any]]:
    """Return the rows of the SQL that `select` makes of the file's column names; the file is the table `bill`.

    Values come as text, whole numbers or None. Raise UsageError where the file is none that can be read.
    """
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise UsageError(f"{path}: a bill is a .csv, .csv.gz or .parquet file")
    if not path.is_file():
        raise UsageError(f"there is no file {path}")
    try:
        with duckdb.connect(config={"memory_limit": _MEMORY_LIMIT}) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            columns = frozenset(
                row[0] for row in connection.execute(f"DESCRIBE SELECT * FROM {reader}", [str(path)]).fetchall()
            )
            sql = f"WITH bill AS (SELECT * FROM {reader}) {select(columns)}"
            answer = connection.execute(sql, [str(path)])
            names = [each[0] for each in answer.description or ()]
            return [dict(zip(names, map(_plain, row), strict=True)) for row in answer.fetchall()]
    except duckdb.Error as error:
        raise UsageError(f"{path} cannot be read as a bill: {str(error).splitlines()[0]}") from None


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime | date):
        return value.isoformat()
    return repr(value) if isinstance(value, float) else value
