"""The ledger's postings in a data warehouse: the same rows however often it is run and wherever it is cut off.

The ledger only grows, and so does its copy: a stretch of postings and the mark of how far the copy reaches go in
together. Where a warehouse has no transactions, what lies beyond the mark is removed before the next stretch goes in,
which comes to the same. Arrow in, through ADBC (https://arrow.apache.org/adbc/), whichever the warehouse.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Final, Protocol, Self, TypeVar
from urllib.parse import urlsplit
from uuid import uuid4

from costspan.core.errors import CostspanError, Unreachable, UsageError
from costspan.core.period import iso
from costspan.server.store.export import Kind, Stretch, Table

Answer = TypeVar("Answer")

POSTED: Final[Mapping[Table, str]] = {
    Table.ENTRIES: "costspan_entries",
    Table.CHARGE_ENTRIES: "costspan_charge_entries",
}
_MARKS: Final = "costspan_export_marks"
_VIEW: Final = "costspan_calls"
_SCHEMA_VERSION: Final = 1
_STANDING: Final = (
    f"CREATE OR REPLACE VIEW {_VIEW} AS SELECT e.* FROM {POSTED[Table.ENTRIES]} e WHERE e.sign > 0 AND NOT "
    f"EXISTS (SELECT 1 FROM {POSTED[Table.ENTRIES]} r WHERE r.entry_id = e.entry_id AND r.sign < 0)"
)
"""The calls as they stand: entries that were not taken back."""


class Fetch(Protocol):
    """Where the postings come from: this process's ledger or a server."""

    def next_stretch(self, after: datetime | None) -> Stretch | None:
        """Return the postings that follow a moment; None where none do."""

    def table(self, table: Table, stretch: Stretch, target: Path) -> int:
        """Write a stretch of a table to a Parquet file; return how many rows."""


@dataclass(frozen=True, slots=True)
class Copied:
    """How many entries and charge lines were added, and up to which posting the copy reaches now."""

    entries: int
    charge_entries: int
    posted_to: datetime | None


class Rows(Protocol):
    """A stream of rows by the Arrow C stream interface."""

    def __arrow_c_stream__(self, requested_schema: object = None) -> object: ...


@dataclass(frozen=True, slots=True)
class Dialect:
    """What differs between warehouses: the ADBC driver, the extra that installs it, the names of types."""

    driver: str
    extra: str
    types: Mapping[Kind, str]
    has_transactions: bool = True


_STANDARD: Final = {
    Kind.TEXT: "TEXT",
    Kind.WHOLE: "BIGINT",
    Kind.REAL: "DOUBLE PRECISION",
    Kind.TRUTH: "BOOLEAN",
    Kind.MOMENT: "TIMESTAMP WITH TIME ZONE",
    Kind.USD: "NUMERIC(38, 12)",
}
DIALECTS: Final[Mapping[str, Dialect]] = {
    "postgresql": Dialect("adbc_driver_postgresql", "postgresql", _STANDARD),
    "snowflake": Dialect("adbc_driver_snowflake", "snowflake", _STANDARD | {Kind.MOMENT: "TIMESTAMP_TZ"}),
    "bigquery": Dialect(
        "adbc_driver_bigquery",
        "bigquery",
        {
            Kind.TEXT: "STRING",
            Kind.WHOLE: "INT64",
            Kind.REAL: "FLOAT64",
            Kind.TRUTH: "BOOL",
            Kind.MOMENT: "TIMESTAMP",
            Kind.USD: "BIGNUMERIC(38, 12)",
        },
        has_transactions=False,
    ),
}
_SYNONYMS: Final = {"postgres": "postgresql"}


def dialect_of(url: str) -> Dialect:
    """Return how the warehouse of an address speaks. Raise UsageError, naming the known ones, for any other."""
    scheme = urlsplit(url).scheme
    found = DIALECTS.get(_SYNONYMS.get(scheme, scheme))
    if found is None:
        raise UsageError(f"--to {scheme or url}: known are {', '.join(f'{name}://' for name in DIALECTS)}")
    return found


class Warehouse:
    """A copy of the ledger's postings in tables of its own, made where they are not there."""

    def __init__(self, url: str, values: Callable[[Rows], list[tuple[Any, ...]]]) -> None:
        """Connect; `values` reads the few rows that are asked back.

        Raise UsageError for an unknown scheme or a driver that is not installed, Unreachable for all else.
        """
        self._values = values
        self._dialect = dialect_of(url)
        self._place = _without_secrets(url)
        driver = self._dialect.driver
        try:
            self._driver = import_module(f"{driver}.dbapi")
        except ModuleNotFoundError:
            raise UsageError(f"--to needs {driver}: pip install 'costspan[{self._dialect.extra}]'") from None
        try:
            self._connection = self._driver.connect(url, autocommit=not self._dialect.has_transactions)
        except self._driver.Error as error:
            raise self._unreachable(error) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(self._driver.Error):
            self._connection.close()

    def copied_to(self) -> datetime | None:
        """Return the moment of the ledger up to which its postings are here; make the tables where they are not."""
        return self._in_one(self._begin)

    def add(self, stretch: Stretch, rows: Mapping[Table, Rows]) -> None:
        """Add a stretch of postings to what is here up to its beginning. Done twice, it is the same.

        Raise Unreachable where another export has moved the mark meanwhile.
        """

        def act(cursor: Any) -> None:
            if self._dialect.has_transactions:
                # First, so that a second export waits here, finds the mark moved, and adds nothing.
                self._move_mark(cursor, stretch)
            for table, name in POSTED.items():
                if not self._dialect.has_transactions:
                    cursor.execute(f"DELETE FROM {name} WHERE {_beyond(stretch.after)}")
                cursor.adbc_ingest(name, rows[table], mode="append")
            if not self._dialect.has_transactions:
                self._move_mark(cursor, stretch)

        self._in_one(act)

    def _move_mark(self, cursor: Any, stretch: Stretch) -> None:
        mine = uuid4().hex
        cursor.execute(
            f"UPDATE {_MARKS} SET posted_to = '{iso(stretch.to)}', run = '{mine}' "
            f"WHERE posted_to = '{iso(stretch.after) if stretch.after else ''}'"
        )
        cursor.execute(f"SELECT run FROM {_MARKS}")
        if self._values(cursor.fetch_arrow()) != [(mine,)]:
            raise Unreachable(f"{self._place}: another export is under way; nothing was added twice")

    def _begin(self, cursor: Any) -> datetime | None:
        for table, name in POSTED.items():
            columns = ", ".join(f"{each} {self._dialect.types[told.kind]}" for each, told in table.columns.items())
            cursor.execute(f"CREATE TABLE IF NOT EXISTS {name} ({columns})")
        text, whole = self._dialect.types[Kind.TEXT], self._dialect.types[Kind.WHOLE]
        # The moment as text, so that every driver gives it back to the microsecond.
        cursor.execute(f"CREATE TABLE IF NOT EXISTS {_MARKS} (schema_version {whole}, posted_to {text}, run {text})")
        cursor.execute(_STANDING)
        cursor.execute(f"SELECT schema_version, posted_to FROM {_MARKS}")
        marks = self._values(cursor.fetch_arrow())
        if not marks:
            cursor.execute(f"INSERT INTO {_MARKS} VALUES ({_SCHEMA_VERSION}, '', '')")
            return None
        [(version, posted_to), *more] = marks
        if version != _SCHEMA_VERSION or more:
            raise Unreachable(f"{self._place} holds a copy of another costspan; name another schema or database")
        return datetime.fromisoformat(posted_to) if posted_to else None

    def _in_one(self, act: Callable[[Any], Answer]) -> Answer:
        try:
            with self._connection.cursor() as cursor:
                answer = act(cursor)
            if self._dialect.has_transactions:
                self._connection.commit()
        except (self._driver.Error, CostspanError) as error:
            if self._dialect.has_transactions:
                with suppress(self._driver.Error):
                    self._connection.rollback()
            raise error if isinstance(error, CostspanError) else self._unreachable(error) from None
        return answer

    def _unreachable(self, error: Exception) -> Unreachable:
        return Unreachable(f"{self._place}: {str(error).strip().splitlines()[0]}")


def bring_up_to_date(
    warehouse: Warehouse, fetch: Fetch, rows_of: Callable[[Path], Rows], show: Callable[[str], None]
) -> Copied:
    """Copy what was posted since the last time, a stretch a transaction; `show` is told how far it has come.

    Raise Unreachable where the copy is of another ledger or a side cannot be reached; what went in stays.
    """
    counts = dict.fromkeys(POSTED, 0)
    reached = warehouse.copied_to()
    while stretch := fetch.next_stretch(reached):
        with TemporaryDirectory(prefix="costspan-export-") as folder:
            files = {table: Path(folder) / f"{table}.parquet" for table in POSTED}
            for table, file in files.items():
                counts[table] += fetch.table(table, stretch, file)
            warehouse.add(stretch, {table: rows_of(file) for table, file in files.items()})
        reached = stretch.to
        show(iso(reached))
    return Copied(counts[Table.ENTRIES], counts[Table.CHARGE_ENTRIES], reached)


def _beyond(moment: datetime | None) -> str:
    return f"posted_at > '{iso(moment)}'" if moment else "TRUE"


def _without_secrets(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname or ''}{parts.path}"
