"""The tables, as data: one list of columns makes the DDL, the Arrow batch and the row.

`records` holds what came in, as it was read; `calls` an entry per record with its verdict; `charges` the ledger lines
of the entries that count; `tools` the tool uses, which are no calls. All only grow: a correction is a row with `sign`
-1 that repeats the entry it takes back, followed by the new one, so every total is a signed sum and never depends on
which entry is the latest.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from arro3.core import DataType

from costspan.core.attribution import DIMENSIONS
from costspan.core.units import TOKEN_UNITS, Unit
from costspan.server.store.charge_classes import ChargeClasses
from costspan.server.store.duckdb import received, rollups
from costspan.server.store.entry import Entry, digest, key_of

SCHEMA_VERSION: Final = 3


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its SQL type, how it leaves Python, and the SQL that turns the one into the other."""

    name: str
    sql_type: str
    read: Callable[[Entry, ChargeClasses], Any]
    arrow: Any
    expression: str = "{}"


def _text(name: str, read: Callable[[Entry, ChargeClasses], str | None]) -> Column:
    return Column(name, "VARCHAR", read, DataType.string())


def _whole(name: str, read: Callable[[Entry, ChargeClasses], int | None], sql_type: str = "BIGINT") -> Column:
    return Column(name, sql_type, read, DataType.int64())


def _called(name: str, attribute: str | None = None) -> Column:
    source = attribute or name
    return _text(name, lambda entry, _: getattr(entry.call, source))


def _attributed(name: str) -> Column:
    return _text(name, lambda entry, _: getattr(entry.call.attribution, name))


def _priced(name: str, attribute: str | None = None) -> Column:
    source = attribute or name
    return _text(name, lambda entry, _: getattr(entry.priced.rate, source) if entry.priced.rate else None)


def _money(name: str, read: Callable[[Entry, ChargeClasses], int | None]) -> Column:
    return _whole(name, read)


def _quantity(unit: Unit) -> Column:
    return _whole(f"q_{unit}", lambda entry, _: entry.call.usage[unit])


def _duration_ns(entry: Entry, _: ChargeClasses) -> int | None:
    duration = entry.call.ended_at_ns - entry.call.started_at_ns
    return duration if duration >= 0 else None


def _ttft_ns(entry: Entry, _: ChargeClasses) -> int | None:
    seconds = entry.call.time_to_first_chunk_s
    # An hour is longer than any provider's timeout; emitters that send milliseconds as seconds would poison quantiles.
    return int(seconds * 1e9) if seconds is not None and 0 <= seconds < 3600 else None


def _parent_span_id(entry: Entry, _: ChargeClasses) -> int | None:
    return int(entry.call.parent_span_id, 16) if entry.call.parent_span_id else None


def _started_at_us(entry: Entry, _: ChargeClasses) -> int:
    return entry.call.started_at_ns // 1000


def _tags(entry: Entry, _: ChargeClasses) -> str | None:
    return json.dumps(dict(entry.call.attribution.tags)) if entry.call.attribution.tags else None


def _span_id(entry: Entry, _: ChargeClasses) -> int | None:
    return int(entry.call.span_id, 16) if entry.call.span_id else None


def _adjusted(entry: Entry, _: ChargeClasses) -> float | None:
    return float(entry.settled.adjusted) if entry.settled.adjusted else None


CALL_COLUMNS: Final = (
    Column("key", "UUID", lambda e, _: key_of(e.call.identity), DataType.string(), "{}::UUID"),
    Column("owner_key", "UUID", lambda e, _: key_of(e.settled.owner), DataType.string(), "{}::UUID"),
    _text("digest", lambda e, _: digest(e.settled)),
    _text("reason", lambda e, _: e.settled.reason),
    _text("signal", lambda e, _: e.call.signal.value),
    _whole("call_count", lambda e, _: e.call.call_count, "INTEGER"),
    Column("adjusted_count", "DOUBLE", _adjusted, DataType.float64()),
    _whole("estimated_cost", lambda e, _: e.estimated_cost),
    Column("trace_id", "UUID", lambda e, _: e.call.trace_id or None, DataType.string(), "{}::UUID"),
    Column("span_id", "UBIGINT", _span_id, DataType.uint64()),
    Column("parent_span_id", "UBIGINT", _parent_span_id, DataType.uint64()),
    Column("started_at", "TIMESTAMP", _started_at_us, DataType.int64(), "make_timestamp({})"),
    _whole("duration_ns", _duration_ns),
    _whole("ttft_ns", _ttft_ns),
    _text("role", lambda e, _: e.role.value),
    _called("dialect"),
    _called("scope_name"),
    _called("scope_version"),
    _text("span_class", lambda e, _: e.call.span_class.value),
    _called("operation"),
    _text("provider", lambda e, _: e.priced.provider or e.call.provider),
    _text("model", lambda e, _: e.priced.model or next(iter(e.call.models), None)),
    _called("requested_model"),
    _called("response_model"),
    _called("response_id"),
    _called("server_address"),
    _called("mode"),
    _called("finish_reason"),
    _called("error_type"),
    Column("streamed", "BOOLEAN", lambda e, _: e.call.streamed, DataType.bool()),
    _whole("attempt", lambda e, _: e.call.attempt, "INTEGER"),
    *(_attributed(name) for name in DIMENSIONS),
    Column("tags", "MAP(VARCHAR, VARCHAR)", _tags, DataType.string(), """from_json({}, '"MAP(VARCHAR, VARCHAR)"')"""),
    *(_quantity(unit) for unit in Unit),
    _whole("tokens", lambda e, _: e.call.usage.total(TOKEN_UNITS)),
    _text("usage_state", lambda e, _: e.call.usage_state.value),
    _called("usage_note"),
    _text("price_status", lambda e, _: e.priced.status.value),
    _text("price_reason", lambda e, _: e.priced.reason),
    _priced("rate_id"),
    _priced("matched_by"),
    _text("card_version", lambda e, _: e.card_version),
    _money("cost", lambda e, _: e.priced.cost),
    _money("list_cost", lambda e, _: e.priced.list_cost),
    _money("input_cost", lambda _, c: c.input),
    _money("cache_read_cost", lambda _, c: c.cache_read),
    _money("cache_write_cost", lambda _, c: c.cache_write),
    _money("output_cost", lambda _, c: c.output),
    _money("fee_cost", lambda _, c: c.fee),
    _money("cache_savings", lambda e, _: e.priced.cache_savings),
    _money("reported_cost", lambda e, _: e.call.reported_cost),
    _called("sent_provider", "provider"),
    _whole("kept", lambda e, _: e.settled.adjusted.kept if e.settled.adjusted else None),
    _whole("kept_of", lambda e, _: e.settled.adjusted.of if e.settled.adjusted else None),
)  # fmt: skip

_POSTING: Final = "entry_id BIGINT NOT NULL, sign TINYINT NOT NULL, posted_at TIMESTAMP NOT NULL"
_CALLS: Final = ", ".join(f"{column.name} {column.sql_type}" for column in CALL_COLUMNS)
CORRECTION: Final = {
    "run_id": "VARCHAR",
    "corrects": "BIGINT",
    "undoes": "VARCHAR",
    "booked_at": "TIMESTAMP",
    "adjusts": "VARCHAR",
}
"""Set on the lines that re-pricing posts: which run, which entry it corrects, which run it takes back; and where the
call's own month is closed, when the line counts instead and the month it belongs to. NULL on all others."""
_CORRECTION: Final = ", ".join(f"{name} {sql_type}" for name, sql_type in CORRECTION.items())
_RUNS: Final = """run_id VARCHAR PRIMARY KEY, card_version VARCHAR NOT NULL, scope VARCHAR NOT NULL,
state VARCHAR NOT NULL, started_at TIMESTAMP NOT NULL, finished_at TIMESTAMP"""
_CHARGES: Final = """started_at TIMESTAMP NOT NULL, unit VARCHAR NOT NULL, quantity BIGINT NOT NULL,
price VARCHAR NOT NULL, per BIGINT NOT NULL, list_cost BIGINT NOT NULL, cost BIGINT NOT NULL, rate_id VARCHAR,
card_version VARCHAR NOT NULL"""

_TOOLS: Final = f"""trace_id UUID NOT NULL, span_id UBIGINT NOT NULL, started_at TIMESTAMP NOT NULL,
digest VARCHAR NOT NULL, use BLOB NOT NULL, {", ".join(f"{name} VARCHAR" for name in DIMENSIONS)},
tags MAP(VARCHAR, VARCHAR)"""

_RECORDS: Final = """key UUID NOT NULL, trace_id UUID, span_id UBIGINT, parent_span_id UBIGINT,
started_at TIMESTAMP NOT NULL, received_at TIMESTAMP NOT NULL, response_id VARCHAR, call BLOB, trace_state VARCHAR,
attribution VARCHAR"""

_SERIES: Final = "series VARCHAR NOT NULL, start_ns BIGINT, time_ns BIGINT, value BIGINT, requests BIGINT"

DDL: Final = (
    "CREATE TABLE IF NOT EXISTS ledger_schema (version INTEGER NOT NULL)",
    f"CREATE TABLE IF NOT EXISTS metric_series ({_SERIES})",
    f"CREATE TABLE IF NOT EXISTS records ({_RECORDS})",
    f"CREATE TABLE IF NOT EXISTS calls ({_POSTING}, {_CALLS}, {_CORRECTION})",
    f"CREATE TABLE IF NOT EXISTS charges ({_POSTING}, {_CHARGES})",
    f"CREATE TABLE IF NOT EXISTS tools ({_POSTING}, {_TOOLS})",
    f"CREATE TABLE IF NOT EXISTS reprice_runs ({_RUNS})",
    *rollups.DDL,
    *received.DDL,
)
