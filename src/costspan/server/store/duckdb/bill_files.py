"""A bill that came as a file, CSV or Parquet, added up by DuckDB: a year's export is larger than memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import duckdb

from costspan.core.errors import UsageError
from costspan.server.store.bill_form import BillForm

_READERS: Final = {
    ".parquet": "read_parquet(?)",
    ".csv": "read_csv(?, all_varchar = true, header = true)",
    ".gz": "read_csv(?, all_varchar = true, header = true)",
}
_SETTINGS: Final[dict[str, str | bool | int | float | list[str]]] = {
    "memory_limit": "1GB",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}
_AMOUNT: Final = "DECIMAL(38, 12)"
_NOTHING: Final = "NULL"
# A moment without an offset is UTC, whatever the host's zone.
_DAY: Final = "try_cast({column}::VARCHAR AS TIMESTAMPTZ)::DATE::VARCHAR"

Rows = list[dict[str, str | None]]


def read_bill_file(path: Path, forms: Sequence[BillForm]) -> tuple[str, Rows]:
    """Return the name of the first form that fits the file, and its lines added up by the form's keys, as text.

    Raise UsageError where the file is none that can be read, or has no form that is known.
    """
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise UsageError(f"{path}: a bill is a .csv, .csv.gz or .parquet file")
    if not path.is_file():
        raise UsageError(f"there is no file {path}")
    try:
        with duckdb.connect(config=_SETTINGS) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            described = connection.execute(f"DESCRIBE SELECT * FROM {reader}", [str(path)]).fetchall()
            columns = {row[0]: str(row[1]) for row in described}
            form = next((each for each in forms if all(_found(columns, name) for name in each.required)), None)
            if form is None:
                known = "; ".join(f"{each.name} has {', '.join(each.required)}" for each in forms)
                raise UsageError(f"{path}: none of the forms of a bill that are known: {known}")
            sql = f"{_select(form, columns)} FROM {reader} {_where(form, columns)}"
            rows = connection.execute(sql, [str(path)]).fetchall()
            names = [*form.keys, *form.sums]
            return form.name, [dict(zip(names, row, strict=True)) for row in rows]
    except duckdb.Error as error:
        raise UsageError(f"{path} cannot be read as a bill: {str(error).splitlines()[0]}") from None


def _select(form: BillForm, columns: Mapping[str, str]) -> str:
    keys = []
    for key, names in form.keys.items():
        column = _first(columns, names)
        keys.append(_DAY.format(column=column) if key == form.day else f"{column}::VARCHAR")
    sums = [f"sum(try_cast({_first(columns, names)} AS {_AMOUNT}))::VARCHAR" for names in form.sums.values()]
    return f"SELECT {', '.join([*keys, *sums])}"


def _where(form: BillForm, columns: Mapping[str, str]) -> str:
    texts = [column for name in form.only if (column := _found(columns, name))]
    tests = [f"{column}::VARCHAR ILIKE '%{word}%'" for column in texts for word in form.words]
    return f"{'WHERE ' + ' OR '.join(tests) if tests else ''} GROUP BY ALL ORDER BY ALL"


def _first(columns: Mapping[str, str], names: Sequence[str]) -> str:
    return next((column for name in names if (column := _found(columns, name))), _NOTHING)


def _found(columns: Mapping[str, str], name: str) -> str | None:
    """Return a column, or a field of one, as SQL; a flat export writes the dots of nested names as they are or as _."""
    for flat in (name, name.replace("[]", ""), name.replace("[]", "").replace(".", "_")):
        if flat in columns:
            return _quoted(flat)
    root, _, rest = name.partition(".")
    if root.endswith("[]") and columns.get(root[:-2], "").endswith("[]"):
        return f"list_sum([each.{_quoted(rest)} for each in {_quoted(root[:-2])}])"
    if rest and columns.get(root, "").startswith("STRUCT") and f"{rest.partition('.')[0]} " in columns[root]:
        return ".".join(_quoted(part) for part in (root, *rest.split(".")))
    return None


def _quoted(name: str) -> str:
    doubled = name.replace('"', '""')
    return f'"{doubled}"'
