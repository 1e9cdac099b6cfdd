"""The tables, column for column those of `duckdb.schema`, so that a question reads the same in both.

What differs: every row of the ledger carries `posting`, the number of the commit it came with. A row counts once the
table `postings` holds its number and the epoch that wrote it had not ended before (`snapshot`): ClickHouse has no
transactions over tables, so a commit is its last insert, of one row. Ids are 16 bytes in place of a UUID, and so sort
as their hex does; `tags` is never null. Sums of money need `toInt128`: a sum of Int64 wraps around.

`inbox` holds what receivers took and nobody settled; `epochs` and `beats` say who may settle (`lease`).

On a cluster every table is replicated; those of the ledger are also spread over its shards, by trace where a row has
one, and read and written through a Distributed table of their name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from costspan.core.attribution import DIMENSIONS
from costspan.server.store.columns import Kind
from costspan.server.store.rows import CALL_KINDS, CHARGE_KINDS
from costspan.server.store.sql.dialect import CLICKHOUSE
from costspan.server.store.sql.plan import OF_USERS, ROLLED, SKETCHED

SCHEMA_VERSION: Final = 3

_TYPES: Final[Mapping[Kind, str]] = {
    Kind.TEXT: "String",
    Kind.WHOLE: "Int64",
    Kind.SMALL: "Int32",
    Kind.REAL: "Float64",
    Kind.TRUTH: "Bool",
    Kind.BYTES: "String",
    Kind.SPAN_ID: "UInt64",
    Kind.KEY: "FixedString(16)",
    Kind.MOMENT: "DateTime64(6, 'UTC')",
}
_NEVER_NULL: Final = {"entry_id", "started_at", "role", "digest", "as_received", "price_status", "unit", "quantity"}
_OF_FEW_VALUES: Final = frozenset((
    "role", "reason", "provider", "sent_provider", "model", "price_status", "price_reason", "rate_id", "matched_by",
    "card_version", "signal", "dialect", "scope_name", "scope_version", "span_class", "operation", "requested_model",
    "response_model", "server_address", "mode", "finish_reason", "error_type", "usage_state", "usage_note", "service",
    "environment", "feature", "team", "agent", "tool", "tenant", "unit", "price",
))  # fmt: skip
"""Kept as numbers of a dictionary. Users and sessions have too many values for it."""

_MOMENT: Final = "DateTime64(6, 'UTC')"
_POSTING: Final[Mapping[str, str]] = {"posting": "UInt64", "sign": "Int8", "posted_at": _MOMENT}
CORRECTION: Final[Mapping[str, str]] = {
    "run_id": "Nullable(String)",
    "corrects": "Nullable(Int64)",
    "undoes": "Nullable(String)",
    "booked_at": f"Nullable({_MOMENT})",
    "adjusts": "LowCardinality(Nullable(String))",
}
"""Set on the lines that re-pricing posts; see `duckdb.schema`."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table: its columns, the order of its rows on disk, and what its rows are spread by where there are shards."""

    columns: Mapping[str, str]
    order_by: str
    partition_by: str = ""
    shard_by: str | None = None
    """None for a table every node holds whole."""
    indexes: tuple[str, ...] = ()
    expires: str = ""
    has_many_writers: bool = False
    """Whether every process adds to it, and not only the one that holds the lease."""


def _kept_as(name: str, kind: Kind) -> str:
    if name == "tags":
        return "Map(String, String)"
    kept = _TYPES[kind] if name in _NEVER_NULL or name.startswith("q_") else f"Nullable({_TYPES[kind]})"
    return f"LowCardinality({kept})" if name in _OF_FEW_VALUES else kept


def _columns(kinds: Mapping[str, Kind]) -> dict[str, str]:
    return {name: _kept_as(name, kind) for name, kind in kinds.items()}


_BY_MONTH: Final = "toYYYYMM(started_at)"
_KEY_INDEX: Final = "INDEX by_key key TYPE bloom_filter(0.001) GRANULARITY 1"
_TRACE_INDEX: Final = "INDEX by_trace trace_id TYPE bloom_filter(0.001) GRANULARITY 1"
_RESPONSE_INDEX: Final = "INDEX by_response response_id TYPE bloom_filter(0.001) GRANULARITY 1"
_ENTRY_INDEX: Final = "INDEX by_entry entry_id TYPE minmax GRANULARITY 1"
_POSTED_INDEX: Final = "INDEX by_posted posted_at TYPE minmax GRANULARITY 1"
_BOOKED_INDEX: Final = "INDEX by_booked booked_at TYPE minmax GRANULARITY 1"
_BY_TRACE: Final = "sipHash64(ifNull(trace_id, key))"


def _rolled_up(dated: str, keys: Iterable[str], said: Mapping[str, str]) -> Table:
    told = {name: _kept_as(name, Kind.TEXT) for name in keys}
    columns = {"posting": "UInt64", dated: _MOMENT, **told, **said}
    return Table(columns, f"({dated}, posting)", f"toYYYYMM({dated})")


_SUMS: Final = dict.fromkeys(CLICKHOUSE.parts, "Int128")
_COUNTS: Final = {"measure": "LowCardinality(String)", "counts": "Array(Tuple(Int16, Int64))"}
ROLLED_UP: Final[Mapping[str, Table]] = {
    "rollups": _rolled_up("hour", ROLLED, _SUMS),
    "user_rollups": _rolled_up("day", OF_USERS, _SUMS),
    "sketches": _rolled_up("day", SKETCHED, _COUNTS),
}
LEDGER: Final[Mapping[str, Table]] = {
    "calls": Table(
        {**_POSTING, **_columns(CALL_KINDS), **CORRECTION},
        "(started_at, entry_id)",
        _BY_MONTH,
        _BY_TRACE,
        (_KEY_INDEX, _TRACE_INDEX, _RESPONSE_INDEX, _ENTRY_INDEX, _POSTED_INDEX, _BOOKED_INDEX),
    ),
    "charges": Table(
        {**_POSTING, **_columns(CHARGE_KINDS), "cost": "Int64"},
        "(started_at, entry_id)",
        _BY_MONTH,
        "entry_id",
        (_ENTRY_INDEX,),
    ),
    "records": Table(
        {
            "posting": "UInt64",
            "key": "FixedString(16)",
            "trace_id": "Nullable(FixedString(16))",
            "span_id": "Nullable(UInt64)",
            "parent_span_id": "Nullable(UInt64)",
            "started_at": _MOMENT,
            "received_at": _MOMENT,
            "response_id": "Nullable(String)",
            "call": "Nullable(String)",
            "trace_state": "Nullable(String)",
            "attribution": "Nullable(String)",
        },
        "(started_at, key)",
        _BY_MONTH,
        _BY_TRACE,
        (_KEY_INDEX, _TRACE_INDEX, _RESPONSE_INDEX),
    ),
    "tools": Table(
        {
            **_POSTING,
            "entry_id": "Int64",
            "trace_id": "FixedString(16)",
            "span_id": "UInt64",
            "started_at": _MOMENT,
            "digest": "String",
            "use": "String",
            **{name: _kept_as(name, Kind.TEXT) for name in DIMENSIONS},
            "tags": "Map(String, String)",
        },
        "(started_at, entry_id)",
        _BY_MONTH,
        "sipHash64(trace_id)",
        (_TRACE_INDEX, _ENTRY_INDEX),
    ),
    "metric_series": Table(
        {
            "posting": "UInt64",
            "series": "String",
            "start_ns": "Int64",
            "time_ns": "Int64",
            "value": "Int64",
            "requests": "Int64",
            "gone": "Bool",
        },
        "(series, posting)",
    ),
    "alert_log": Table({"posting": "UInt64", "is_whole": "Bool", "document": "String"}, "posting"),
    "reprice_runs": Table(
        {
            "posting": "UInt64",
            "run_id": "String",
            "card_version": "String",
            "scope": "String",
            "state": "String",
            "started_at": _MOMENT,
            "finished_at": f"Nullable({_MOMENT})",
        },
        "(run_id, posting)",
    ),
    "bill_sheets": Table(
        {
            "posting": "UInt64",
            "posted_at": _MOMENT,
            "provider": "String",
            "source": "String",
            "report": "String",
            "since": _MOMENT,
            "until": _MOMENT,
            "fetched_at": _MOMENT,
            "digest": "String",
            "body": "Nullable(String)",
        },
        "(provider, since, posting)",
    ),
    "reconciliations": Table(
        {
            "posting": "UInt64",
            "reconciliation_id": "String",
            "provider": "String",
            "since": _MOMENT,
            "until": _MOMENT,
            "made_at": _MOMENT,
            "state": "String",
            "net_share": "Nullable(Float64)",
            "gross_share": "Nullable(Float64)",
            "unexplained_share": "Nullable(Float64)",
            "drift_limit": "Float64",
            "digest": "String",
            "document": "String",
        },
        "(provider, posting)",
    ),
    "marks": Table({"posting": "UInt64", "name": "String", "moment": _MOMENT}, "(name, posting)"),
    **ROLLED_UP,
}
"""The tables whose rows count with their posting."""

CONTROL: Final[Mapping[str, Table]] = {
    "ledger_schema": Table({"version": "UInt32"}, "version"),
    "epochs": Table(
        {
            "epoch": "UInt32",
            "event": "String",
            "last_sequence": "UInt32",
            "holder": "String",
            "at": f"{_MOMENT} DEFAULT now64(6)",
        },
        "(epoch, event)",
    ),
    "beats": Table(
        {"epoch": "UInt32", "holder": "String", "gone": "Bool", "at": f"{_MOMENT} DEFAULT now64(6)"},
        "(epoch, at)",
        expires="toDateTime(at) + INTERVAL 1 DAY",
        has_many_writers=True,
    ),
    "postings": Table(
        {"posting": "UInt64", "posted_at": _MOMENT, "last_entry_id": "Int64", "taken": "Array(FixedString(16))"},
        "posting",
        "toYYYYMM(posted_at)",
        indexes=("INDEX by_moment posted_at TYPE minmax GRANULARITY 1",),
    ),
    "inbox": Table(
        {"batch_id": "FixedString(16)", "body": "String", "arrived_at": f"{_MOMENT} DEFAULT now64(6)"},
        "(arrived_at, batch_id)",
        "toRelativeHourNum(arrived_at)",
        has_many_writers=True,
    ),
    "set_aside": Table(
        {
            "batch_id": "FixedString(16)",
            "body": "String",
            "why": "String",
            "at": f"{_MOMENT} DEFAULT now64(6)",
        },
        "at",
    ),
}
"""Who may write, what was committed, and what waits. Every node has them whole."""

RECEIVED: Final = """(
SELECT key, trace_id, span_id, parent_span_id, started_at, response_id, call, trace_state, attribution,
  CAST(NULL, 'Nullable(Int64)') AS entry_id FROM records
UNION ALL
SELECT key, trace_id, span_id, parent_span_id, started_at, response_id, CAST(NULL, 'Nullable(String)'), trace_state,
  CAST(NULL, 'Nullable(String)'), CAST(entry_id, 'Nullable(Int64)') FROM calls WHERE as_received AND sign > 0
)"""
"""Every record, wherever it is kept; of one that was entered more than once, each entry; as in `duckdb.schema`."""

_DURABLE: Final = "fsync_after_insert = 1, fsync_part_directory = 1, non_replicated_deduplication_window = 10000"
"""A single node has no replica that remembers what it lost, and repeats nothing that is sent twice."""
_REPLICATED: Final = "replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 2592000"


def ddl(database: str, cluster: str | None) -> Iterator[str]:
    """Yield the statements that make the tables, where they are not there, on one node or on all of a cluster."""
    for name, table in {**CONTROL, **LEDGER}.items():
        if cluster is None:
            yield _create(name, table, "MergeTree", _DURABLE)
            yield from _indexes(name, table)
        elif table.shard_by is None:
            path = "'/clickhouse/tables/{database}/{table}', '{shard}-{replica}'"
            yield _create(name, table, f"ReplicatedMergeTree({path})", _REPLICATED, cluster)
        else:
            path = "'/clickhouse/tables/{shard}/{database}/{table}', '{replica}'"
            yield _create(f"{name}_shard", table, f"ReplicatedMergeTree({path})", _REPLICATED, cluster)
            yield from _indexes(f"{name}_shard", table, cluster)
            yield (
                f"CREATE TABLE IF NOT EXISTS {name} ON CLUSTER {cluster} AS {name}_shard "
                f"ENGINE = Distributed({cluster}, {database}, {name}_shard, {table.shard_by})"
            )


def _indexes(name: str, table: Table, cluster: str | None = None) -> Iterator[str]:
    """Yield what gives a table of an earlier version its later indexes."""
    on = f" ON CLUSTER {cluster}" if cluster else ""
    for index in table.indexes:
        if index in (_POSTED_INDEX, _BOOKED_INDEX):
            yield f"ALTER TABLE {name}{on} ADD {index.replace('INDEX', 'INDEX IF NOT EXISTS')}"


def _create(name: str, table: Table, engine: str, settings: str, cluster: str | None = None) -> str:
    columns = ", ".join((*(f"{column} {kept}" for column, kept in table.columns.items()), *table.indexes))
    return (
        f"CREATE TABLE IF NOT EXISTS {name}{f' ON CLUSTER {cluster}' if cluster else ''} ({columns}) "
        f"ENGINE = {engine} ORDER BY {table.order_by}"
        + (f" PARTITION BY {table.partition_by}" if table.partition_by else "")
        + (f" TTL {table.expires}" if table.expires else "")
        + f" SETTINGS {settings}"
    )
