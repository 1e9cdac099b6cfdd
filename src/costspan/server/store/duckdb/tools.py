"""Tool uses on disk: entered, found again by trace when it is settled anew, and read back as whole traces."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

import duckdb
from arro3.core import DataType

from costspan.core.attribution import DIMENSIONS, Attribution
from costspan.core.call import SpanClass
from costspan.core.clock import ns_from_utc
from costspan.core.tool import ToolUse
from costspan.core.units import Unit
from costspan.semconv.settlement.tools import PROVIDER_TOOLS, CostedCall, Fee, ToolTrace
from costspan.server.store.duckdb.arrow import registered
from costspan.server.store.duckdb.schema import RECEIVED
from costspan.server.store.encoding import decode_use, encode_use
from costspan.server.store.entry import Standing, ToolEntry
from costspan.server.store.ports import SETTLING_WINDOW
from costspan.server.store.sql.conditions import conditions
from costspan.server.store.sql.dialect import DUCKDB
from costspan.server.store.tools import MAX_TRACES, AskedTrace, ToolQuestion, too_many, without_tool

_COLUMNS: Final = ("trace_id", "span_id", "started_at", "digest", "use", *DIMENSIONS, "tags")
_INSERT: Final = (
    f"INSERT INTO tools (entry_id, sign, posted_at, {', '.join(_COLUMNS)}) SELECT b.entry_id, 1, ?, b.trace_id::UUID, "
    f"b.span_id, make_timestamp(b.started_at), b.digest, b.use, {', '.join(f'b.{name}' for name in DIMENSIONS)}, "
    """from_json(b.tags, '"MAP(VARCHAR, VARCHAR)"') FROM tool_batch b"""
)
_NEAR: Final = (
    "SELECT any_value(use), entry_id, any_value(digest) FROM tools WHERE started_at BETWEEN ? AND ? "
    "AND trace_id IN (SELECT value::UUID FROM wanted) GROUP BY entry_id HAVING sum(sign) > 0"
)
_WINDOW: Final = f"INTERVAL {int(SETTLING_WINDOW.total_seconds())} SECOND"
_STANDS: Final = "sign > 0 AND entry_id NOT IN (SELECT entry_id FROM {table} WHERE sign < 0)"
_FEE_UNITS: Final = ", ".join(f"'{unit.value}'" for unit in PROVIDER_TOOLS)
_HAS_FEE: Final = f"entry_id IN (SELECT entry_id FROM charges WHERE unit IN ({_FEE_UNITS}))"
_USES_STAND: Final = _STANDS.format(table="tools")
_CALLS_COUNT: Final = f"role = 'owner' AND {_STANDS.format(table='calls')}"
_AROUND: Final = f"started_at BETWEEN ?::TIMESTAMP - {_WINDOW} AND ?::TIMESTAMP + {_WINDOW}"
_IN_ASKED: Final = f"{_AROUND} AND trace_id IN (SELECT value::UUID FROM asked)"
_PARENTS: Final = (
    f"SELECT trace_id::VARCHAR, span_id, max(parent_span_id) FROM {RECEIVED} "
    f"WHERE {_IN_ASKED} AND span_id IS NOT NULL GROUP BY 1, 2"
)
_FEES: Final = (
    "SELECT entry_id, unit, sum(sign * quantity)::BIGINT, sum(sign * cost)::BIGINT FROM charges "
    f"WHERE unit IN ({_FEE_UNITS}) AND {_AROUND} GROUP BY 1, 2 HAVING sum(sign) > 0 ORDER BY 1, 2"
)


def insert(
    connection: duckdb.DuckDBPyConnection, entries: Sequence[ToolEntry], ids: Sequence[int], moment: datetime
) -> None:
    """Add tool entries under `ids`."""
    said = [entry.attribution for entry in entries]
    columns: dict[str, tuple[Any, DataType]] = {
        "entry_id": (ids, DataType.int64()),
        "trace_id": ((entry.use.trace_id for entry in entries), DataType.string()),
        "span_id": ((int(entry.use.span_id, 16) for entry in entries), DataType.uint64()),
        "started_at": ((entry.use.started_at_ns // 1000 for entry in entries), DataType.int64()),
        "digest": ((entry.digest for entry in entries), DataType.string()),
        "use": ((encode_use(entry.use) for entry in entries), DataType.binary()),
        **{name: ([getattr(one, name) for one in said], DataType.string()) for name in DIMENSIONS},
        "tags": ((json.dumps(dict(one.tags)) if one.tags else None for one in said), DataType.string()),
    }
    with registered(connection, "tool_batch", columns):
        connection.execute(_INSERT, [moment])


def near(
    connection: duckdb.DuckDBPyConnection, trace_ids: set[str], times: list[datetime]
) -> tuple[tuple[ToolUse, ...], dict[str, Standing]]:
    """Return the tool uses of `trace_ids` as received, and the entries that stand for them by identity."""
    if not trace_ids:
        return (), {}
    with registered(connection, "wanted", {"value": (sorted(trace_ids), DataType.string())}):
        rows = connection.execute(_NEAR, times).fetchall()
    uses = tuple(decode_use(row[0]) for row in rows)
    return uses, {use.identity: Standing(row[1], row[2]) for use, row in zip(uses, rows, strict=True)}


def tool_traces(connection: duckdb.DuckDBPyConnection, question: ToolQuestion) -> list[AskedTrace]:
    """Return the traces that hold a tool use or a fee asked about, from one snapshot, each of one tenant.

    Raise UsageError for too many.
    """
    with closing(connection.cursor()) as cursor:
        cursor.execute("BEGIN TRANSACTION")
        return _Traces(cursor, question).read()


class _Traces:
    """The reads of one question."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection, question: ToolQuestion) -> None:
        period = question.period
        self._cursor = cursor
        self._uses_asked = conditions(DUCKDB, period, question.filters, booked=False)
        self._calls_asked = conditions(DUCKDB, period, without_tool(question.filters))
        self._times = [moment.astimezone(UTC).replace(tzinfo=None) for moment in (period.since, period.until)]

    def read(self) -> list[AskedTrace]:
        trace_ids = self._trace_ids()
        if len(trace_ids) > MAX_TRACES:
            raise too_many(len(trace_ids))
        with registered(self._cursor, "asked", {"value": (trace_ids, DataType.string())}):
            uses, asked_uses = self._uses()
            calls, asked_calls = self._calls()
            parents = self._parents()
        return [
            AskedTrace(ToolTrace(parents[key.rpartition(":")[2]], uses[key], calls[key]), asked_uses, asked_calls)
            for key in sorted(uses.keys() | calls.keys())
        ]

    def _trace_ids(self) -> list[str]:
        (uses_where, uses_values), (calls_where, calls_values) = self._uses_asked, self._calls_asked
        query = (
            f"SELECT trace_id::VARCHAR FROM tools WHERE {uses_where} AND {_USES_STAND} UNION "
            f"SELECT trace_id::VARCHAR FROM calls WHERE {calls_where} AND {_CALLS_COUNT} "
            f"AND {_HAS_FEE} AND trace_id IS NOT NULL"
        )
        return [row[0] for row in self._cursor.execute(query, [*uses_values, *calls_values]).fetchall()]

    def _uses(self) -> tuple[dict[str, list[ToolUse]], frozenset[str]]:
        where, values = self._uses_asked
        query = f"SELECT trace_id::VARCHAR, use, tool, agent, ({where}) FROM tools WHERE {_IN_ASKED} AND {_USES_STAND}"
        found: dict[str, list[ToolUse]] = defaultdict(list)
        asked: set[str] = set()
        for trace_id, encoded, tool, agent, is_asked in self._cursor.execute(query, [*values, *self._times]).fetchall():
            received = decode_use(encoded)
            use = replace(received, name=tool, attribution=replace(received.attribution, agent=agent))
            found[use.attribution.scoped(trace_id)].append(use)
            if is_asked:
                asked.add(use.identity)
        return found, frozenset(asked)

    def _calls(self) -> tuple[dict[str, list[CostedCall]], frozenset[str]]:
        where, values = self._calls_asked
        fees: dict[int, list[Fee]] = defaultdict(list)
        for entry_id, unit, quantity, cost in self._cursor.execute(_FEES, self._times).fetchall():
            fees[entry_id].append(Fee(Unit(unit), quantity, cost))
        query = (
            "SELECT entry_id, trace_id::VARCHAR, key::VARCHAR, span_id, started_at, operation, span_class, agent, "
            f"error_type, cost, ({where}), tenant FROM calls WHERE {_CALLS_COUNT} "
            f"AND ({_IN_ASKED} OR (trace_id IS NULL AND {where} AND {_HAS_FEE}))"
        )
        found: dict[str, list[CostedCall]] = defaultdict(list)
        asked: set[str] = set()
        for row in self._cursor.execute(query, [*values, *self._times, *values]).fetchall():
            call = _costed(row, tuple(fees.get(row[0], ())))
            trace = row[1] or call.identity
            found[Attribution(tenant=row[11]).scoped(trace)].append(call)
            if row[10]:
                asked.add(call.identity)
        return found, frozenset(asked)

    def _parents(self) -> dict[str, dict[str, str | None]]:
        found: dict[str, dict[str, str | None]] = defaultdict(dict)
        for trace_id, span_id, parent in self._cursor.execute(_PARENTS, self._times).fetchall():
            found[trace_id][_span(span_id)] = None if parent is None else _span(parent)
        return found


def _costed(row: tuple[Any, ...], fees: tuple[Fee, ...]) -> CostedCall:
    _, trace_id, key, span_id, started_at, operation, span_class, agent, error_type, cost, *_ = row
    return CostedCall(
        identity=key,
        span_id=None if span_id is None or trace_id is None else _span(span_id),
        started_at_ns=ns_from_utc(started_at.replace(tzinfo=UTC)),
        operation=operation,
        span_class=SpanClass(span_class),
        agent=agent,
        failed=error_type is not None,
        cost=cost,
        fees=fees if cost is not None else (),
    )


def _span(span_id: int) -> str:
    return f"{span_id:016x}"
