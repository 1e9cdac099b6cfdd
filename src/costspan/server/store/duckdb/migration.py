"""The embedded ledger as where a migration comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import duckdb

from costspan.core.attribution import DIMENSIONS
from costspan.core.errors import UsageError
from costspan.server.store.columns import Kind
from costspan.server.store.duckdb.rollups import ROWS_SINCE, mark
from costspan.server.store.duckdb.store import DuckDBStore
from costspan.server.store.migration import Columns, Held, Stretch
from costspan.server.store.received import RECORD_KINDS
from costspan.server.store.rows import CALL_KINDS, CHARGE_KINDS
from costspan.server.store.sql.conditions import naive, utc

ROWS_AT_ONCE: Final = 20_000
"""About so many rows are in memory, and in one commit."""
_POSTED: Final = ("entry_id", "sign", "posted_at")
_MOMENTS: Final = frozenset(("posted_at", "received_at", "booked_at", "started_at"))
_IDS: Final = frozenset(name for name, kind in {**CALL_KINDS, **RECORD_KINDS}.items() if kind is Kind.KEY)
_OF_CORRECTION: Final = ("run_id", "corrects", "undoes", "booked_at", "adjusts")
_COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "calls": ("sign", "posted_at", *CALL_KINDS, *_OF_CORRECTION),
    "charges": ("sign", "posted_at", *CHARGE_KINDS),
    "records": ("received_at", *RECORD_KINDS),
    "tools": (*_POSTED, "trace_id", "span_id", "started_at", "digest", "use", *DIMENSIONS, "tags"),
}
_SERIES: Final = ("series", "start_ns", "time_ns", "value", "requests")
_DATED: Final = {name: "received_at" if name == "records" else "posted_at" for name in _COLUMNS}
_MOMENTS_AFTER: Final = " UNION ALL ".join(
    f"SELECT {dated} AS moment FROM {table} WHERE {dated} > $after" for table, dated in _DATED.items()
)
_NEXT: Final = (
    f"WITH waiting AS ({_MOMENTS_AFTER}) SELECT coalesce("
    "(SELECT moment FROM waiting ORDER BY moment LIMIT 1 OFFSET $most), (SELECT max(moment) FROM waiting)), "
    "(SELECT max(moment) FROM waiting)"
)
_LAST_ID: Final = (
    "SELECT greatest((SELECT coalesce(max(entry_id), 0) FROM calls WHERE posted_at <= $until), "
    "(SELECT coalesce(max(entry_id), 0) FROM tools WHERE posted_at <= $until))"
)
_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)
_AT_LAST: Final = datetime(9999, 1, 1, tzinfo=UTC)


class DuckDBOrigin:
    """The port `Origin` over one ledger file that nobody serves."""

    def __init__(self, store: DuckDBStore, rows_at_once: int = ROWS_AT_ONCE) -> None:
        """Raise UsageError for a ledger of which only roll-ups are left of some time."""
        self._store = store
        self._rows_at_once = rows_at_once
        if since := store.look(lambda connection: mark(connection, ROWS_SINCE)):
            raise UsageError(
                f"of calls before {since:%Y-%m-%d} this ledger has roll-ups alone, which cannot be migrated yet"
            )

    def held(self, until: datetime | None = None) -> Held:
        """Return what was posted up to a moment, or ever."""
        at = naive(until or _AT_LAST)

        def count(connection: duckdb.DuckDBPyConnection) -> Held:
            def number(what: str, table: str) -> int:
                query = f"SELECT coalesce({what}, 0) FROM {table} WHERE {_DATED[table]} <= ?"
                [(found,)] = connection.execute(query, [at]).fetchall()
                return int(found)

            rows = {table: number("count(*)", table) for table in _COLUMNS}
            return Held(rows, number("sum(sign * cost)", "calls"), number("sum(sign * cost)", "charges"))

        return self._store.look(count)

    def after(self, moment: datetime | None) -> Stretch | None:
        """Return the next rows posted after a moment, whole postings only; None where there are none."""
        after = naive(moment or _LONG_AGO)

        def read(connection: duckdb.DuckDBPyConnection) -> Stretch | None:
            [(until, last)] = connection.execute(_NEXT, {"after": after, "most": self._rows_at_once}).fetchall()
            if until is None:
                return None
            [(last_id,)] = connection.execute(_LAST_ID, {"until": until}).fetchall()
            tables = {table: _columns(connection, table, after, until) for table in _COLUMNS}
            if until == last:
                tables["metric_series"] = _series(connection)
            return Stretch(utc(until), int(last_id), tables)

        return self._store.look(read)


def _columns(connection: duckdb.DuckDBPyConnection, table: str, after: datetime, until: datetime) -> Columns:
    names, dated = _COLUMNS[table], _DATED[table]
    query = f"SELECT {', '.join(map(_value, names))} FROM {table} WHERE {dated} > ? AND {dated} <= ? ORDER BY {dated}"
    rows = connection.execute(query, [after, until]).fetchall()
    columns = _transposed(names, rows)
    if "tags" in columns:
        columns["tags"] = tuple(tags or {} for tags in columns["tags"])
    return columns


def _value(name: str) -> str:
    """Return a column as other engines take it: moments as microseconds, ids as 16 bytes."""
    if name in _MOMENTS:
        return f"epoch_us({name})"
    if name in _IDS:
        return f"unhex(replace({name}::VARCHAR, '-', ''))"
    return f"coalesce({name}, false)" if name == "as_received" else name


def _series(connection: duckdb.DuckDBPyConnection) -> Columns:
    rows = connection.execute(f"SELECT {', '.join(_SERIES)} FROM metric_series").fetchall()
    return {**_transposed(_SERIES, rows), "gone": (False,) * len(rows)}


def _transposed(names: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> dict[str, Sequence[Any]]:
    return dict(zip(names, zip(*rows, strict=True), strict=True)) if rows else dict.fromkeys(names, ())
