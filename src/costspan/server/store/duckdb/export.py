"""Tables that leave the ledger, in SQL. A second engine, in memory, writes the files: the ledger's own opens none."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import duckdb
from arro3.core import RecordBatchReader
from arro3.core import Table as ArrowTable

from costspan.core.call import Role
from costspan.core.errors import UsageError
from costspan.core.units import Unit
from costspan.server.store.duckdb.rollups import ROWS_SINCE, mark
from costspan.server.store.duckdb.store import DuckDBStore
from costspan.server.store.export import ChargeSum, Form, Kind, Stretch, Table, Wanted
from costspan.server.store.sql.conditions import conditions, naive, utc
from costspan.server.store.sql.dialect import DUCKDB
from costspan.server.store.sql.plan import COUNTED_AT

_OWNS: Final = f"role = '{Role.OWNER}'"
_TIMES: Final = "%Y-%m-%dT%H:%M:%S.%fZ"
_WRITTEN: Final = {
    Form.PARQUET: "FORMAT parquet, COMPRESSION zstd",
    Form.CSV: f"FORMAT csv, HEADER, TIMESTAMPFORMAT '{_TIMES}'",
    Form.JSONL: f"FORMAT json, TIMESTAMPFORMAT '{_TIMES}'",
}
_STANDING: Final = (
    "sign > 0 AND posted_at <= ? AND entry_id NOT IN (SELECT entry_id FROM calls WHERE sign < 0 AND posted_at <= ?)"
)
_NEXT: Final = (
    "WITH later AS (SELECT posted_at FROM calls WHERE posted_at > ?) SELECT coalesce("
    "(SELECT posted_at FROM later ORDER BY posted_at LIMIT 1 OFFSET ?), (SELECT max(posted_at) FROM later))"
)
_SUM_KEYS: Final = (
    "adjusts", "provider", "model", "mode", "rate_id", "card_version", "service", "environment", "feature", "team",
    "tenant",
)  # fmt: skip
_SUMS: Final = f"""SELECT date_trunc('day', {COUNTED_AT}) AS day, unit, {", ".join(_SUM_KEYS)},
sum(k.sign * call_count)::HUGEINT, sum(c.sign * c.quantity)::HUGEINT,
sum(c.sign * coalesce(c.list_cost, c.cost))::HUGEINT, sum(c.sign * c.cost)::HUGEINT
FROM (SELECT * FROM calls WHERE posted_at <= ? AND {{where}}) k
JOIN (SELECT entry_id, sign, unit, quantity, list_cost, cost FROM charges WHERE posted_at <= ?) c
USING (entry_id, sign)
GROUP BY ALL HAVING sum(c.sign * c.quantity) <> 0 OR sum(c.sign * c.cost) <> 0 ORDER BY ALL"""
_BEGINNING: Final = datetime(1, 1, 1)  # noqa: DTZ001 - as the tables keep moments
_END: Final = datetime(9999, 1, 1)  # noqa: DTZ001 - likewise


def _hex(column: str) -> str:
    return f"replace({column}::VARCHAR, '-', '')"


def _span(column: str) -> str:
    return f"format('{{:016x}}', {column})"


def _usd(column: str) -> str:
    # Decimals are multiplied exactly and divided as floats.
    return f"({column})::DECIMAL(19, 0) * 0.000000000001::DECIMAL(12, 12)"


_CALLS: Final[Mapping[str, str]] = {
    "call_id": _hex("key"),
    "duration_ms": "duration_ns / 1e6",
    "ttft_ms": "ttft_ns / 1e6",
    "trace_id": _hex("trace_id"),
    "span_id": _span("span_id"),
    "parent_span_id": _span("parent_span_id"),
    "owner_id": _hex("owner_key"),
    "tags": "to_json(tags)::VARCHAR",
    "catalogue_version": "card_version",
    "cost_usd": _usd(f"CASE WHEN {_OWNS} THEN cost END"),
    "list_cost_usd": _usd(f"CASE WHEN {_OWNS} THEN list_cost END"),
    "uncounted_cost_usd": _usd(f"CASE WHEN NOT {_OWNS} THEN cost END"),
    "estimated_cost_usd": _usd(f"CASE WHEN {_OWNS} THEN estimated_cost END"),
    **{f"{unit}_quantity": f"q_{unit}" for unit in Unit},
}
_CHARGES: Final[Mapping[str, str]] = {
    "cost_usd": _usd("cost"),
    "list_cost_usd": _usd("coalesce(list_cost, cost)"),
}
_TYPES: Final = {
    Kind.TEXT: "VARCHAR",
    Kind.WHOLE: "BIGINT",
    Kind.REAL: "DOUBLE",
    Kind.TRUTH: "BOOLEAN",
    Kind.USD: "DECIMAL(38, 12)",
}


class DuckDBTables:
    """The port `TableSource` over one ledger file."""

    def __init__(self, store: DuckDBStore) -> None:
        self._store = store

    def write(self, wanted: Wanted, target: Path, form: Form) -> int:
        """Write rows to a file that is not there yet; return how many."""
        if target.exists():
            raise UsageError(f"{target} is there already; name another file")
        query, values = _query(wanted)

        def ask(connection: duckdb.DuckDBPyConnection) -> int:
            rows = RecordBatchReader.from_arrow(connection.sql(query, params=values))
            return write_rows(rows, target, form)

        return self._store.look(ask)

    def next_stretch(self, after: datetime | None, most: int) -> Stretch | None:
        """Return the postings that follow a moment, about `most` entries of them."""
        since = naive(after) if after else _BEGINNING

        def ask(connection: duckdb.DuckDBPyConnection) -> datetime | None:
            [(to,)] = connection.execute(_NEXT, [since, most - 1]).fetchall()
            found: datetime | None = to
            return found

        to = self._store.look(ask)
        return Stretch(after, utc(to)) if to else None

    def charge_sums(self, wanted: Wanted) -> Iterator[ChargeSum]:
        """Yield what was charged, by day."""
        if wanted.period is None:
            raise UsageError("charges are added up over a period")
        where, values = conditions(DUCKDB, wanted.period, wanted.filters)
        as_of = naive(wanted.as_of) if wanted.as_of else _END
        since = naive(wanted.period.since)

        def ask(connection: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
            kept_since = mark(connection, ROWS_SINCE)
            if kept_since and since < kept_since:
                raise UsageError(
                    f"before {kept_since:%Y-%m-%d} the ledger kept totals alone, not what was charged; ask from then on"
                )
            return connection.execute(_SUMS.format(where=where), [as_of, *values, as_of]).fetchall()

        for day, unit, *rest in self._store.look(ask):
            told = dict(zip(_SUM_KEYS, rest[: len(_SUM_KEYS)], strict=True))
            calls, quantity, list_cost, cost = map(int, rest[len(_SUM_KEYS) :])
            version = told.pop("card_version")
            yield ChargeSum(
                day=utc(day), unit=Unit(unit), catalogue_version=version, calls=calls, quantity=quantity,
                list_cost=list_cost, cost=cost, **told,
            )  # fmt: skip

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


def _query(wanted: Wanted) -> tuple[str, list[Any]]:
    table = wanted.table
    if table.is_posted:
        return _posted(wanted)
    as_of = naive(wanted.as_of) if wanted.as_of else _END
    clauses, values = [_STANDING], [as_of, as_of]
    if wanted.period:
        asked, used = conditions(DUCKDB, wanted.period, wanted.filters, booked=False)
        clauses, values = [*clauses, asked], [*values, *used]
    where = " AND ".join(clauses)
    if table is Table.CALLS:
        return f"SELECT {_selected(table, _CALLS)} FROM calls WHERE {where} ORDER BY started_at, entry_id", values
    of_calls = f"SELECT entry_id, {_hex('key')} AS call_id FROM calls WHERE {where}"
    query = f"SELECT {_selected(table, _CHARGES)} FROM charges JOIN ({of_calls}) USING (entry_id) WHERE sign > 0"
    return f"{query} ORDER BY started_at, entry_id, unit", values


def _posted(wanted: Wanted) -> tuple[str, list[Any]]:
    stretch = wanted.stretch
    if stretch is None:
        raise UsageError(f"{wanted.table} is given away by stretches of postings")
    told, source = (_CALLS, "calls") if wanted.table is Table.ENTRIES else (_CHARGES, "charges")
    after = naive(stretch.after) if stretch.after else _BEGINNING
    query = f"SELECT {_selected(wanted.table, told)} FROM {source} WHERE posted_at > ? AND posted_at <= ?"
    return f"{query} ORDER BY posted_at, entry_id, sign", [after, naive(stretch.to)]


def _selected(table: Table, told: Mapping[str, str]) -> str:
    columns = []
    for name, column in table.columns.items():
        expression = told.get(name, name)
        if column.kind is Kind.MOMENT:
            typed = f"timezone('UTC', {expression})"
        else:
            typed = f"({expression})::{_TYPES[column.kind]}"
        columns.append(f"{typed} AS {name}")
    return ", ".join(columns)
