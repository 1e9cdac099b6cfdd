"""The rows behind a figure in SQL: pages of entries, and one trace with what it took back. Asked through the store."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import duckdb

from costspan.core.attribution import DIMENSIONS, Attribution
from costspan.core.call import Role
from costspan.core.charge import Charge, PriceStatus
from costspan.core.clock import ns_from_utc
from costspan.core.link import Link
from costspan.core.money import PicoUsd
from costspan.core.units import Unit
from costspan.core.usage import Usage
from costspan.server.store.calls import (
    CallOrder,
    CallsPage,
    CallsQuestion,
    LedgerCall,
    PageEnd,
    RecordPlace,
    TakenBack,
    TraceView,
    order_value,
)
from costspan.server.store.duckdb.conditions import conditions, naive, utc
from costspan.server.store.duckdb.records import read_attribution
from costspan.server.store.duckdb.schema import RECEIVED
from costspan.server.store.ports import SETTLING_WINDOW

_AS_IT_IS: Final = (
    "entry_id", "duration_ns", "ttft_ns", "reason", "signal", "call_count", "dialect", "scope_name", "scope_version",
    "operation", "provider", "model", "requested_model", "response_model", "response_id", "mode", "finish_reason",
    "error_type", "attempt", "usage_state", "usage_note", "price_reason", "rate_id", "matched_by", "card_version",
    "cost", "list_cost", "reported_cost", "adjusted_count", "estimated_cost",
)  # fmt: skip
_READ: Final = (
    *_AS_IT_IS, "posted_at", "key", "owner_key", "trace_id", "span_id", "parent_span_id", "started_at", "role",
    "price_status", "tags", *DIMENSIONS, *(f"q_{unit}" for unit in Unit),
)  # fmt: skip
COLUMNS: Final = ", ".join(_READ)
_VALUES: Final = {CallOrder.TIME: "epoch_us(started_at)", CallOrder.COST: "coalesce(cost, -1)"}
# First which rows, by the columns that decide it, then all they say: a row has eighty columns.
_PAGE: Final = (
    f"SELECT {COLUMNS} FROM calls WHERE rowid IN "
    "(SELECT rowid FROM calls WHERE {clauses} ORDER BY {value} DESC, key LIMIT {limit}) ORDER BY {value} DESC, key"
)
_STANDING: Final = "sign > 0 AND entry_id NOT IN (SELECT entry_id FROM calls WHERE sign < 0)"
_STANDING_AS_OF: Final = (
    "sign > 0 AND posted_at <= ? AND entry_id NOT IN (SELECT entry_id FROM calls WHERE sign < 0 AND posted_at <= ?)"
)
_OF_TRACE: Final = (
    f"SELECT {COLUMNS}, taken_back_at FROM calls LEFT JOIN "
    "(SELECT entry_id AS reversed_id, posted_at AS taken_back_at FROM calls WHERE sign < 0) ON entry_id = reversed_id "
    "WHERE sign > 0 AND trace_id = ?::UUID ORDER BY started_at, entry_id"
)
_ELSEWHERE: Final = (
    f"SELECT {COLUMNS} FROM calls WHERE {_STANDING} AND started_at BETWEEN ? AND ? AND role <> 'aggregate' "
    "AND trace_id IS DISTINCT FROM ?::UUID AND coalesce(owner_key, key) IN (SELECT unnest(?::UUID[])) "
    "ORDER BY started_at, key"
)
_LINKS: Final = (
    "SELECT span_id, parent_span_id, started_at, attribution FROM records WHERE trace_id = ?::UUID AND call IS NULL "
    "ORDER BY started_at, span_id"
)
_TRACES: Final = (
    f"SELECT DISTINCT trace_id FROM {RECEIVED} WHERE trace_id BETWEEN ?::UUID AND ?::UUID ORDER BY 1 LIMIT ?"
)
_CHARGES: Final = (
    "SELECT entry_id, unit, quantity, price, per, coalesce(list_cost, cost), cost FROM charges "
    "WHERE sign > 0 AND started_at BETWEEN ? AND ? AND entry_id BETWEEN ? AND ? "
    "AND entry_id IN (SELECT unnest(?::BIGINT[]))"
)
_PLACES: Final = (
    f"SELECT DISTINCT key, trace_id, span_id FROM {RECEIVED} "
    "WHERE started_at BETWEEN ? AND ? AND key IN (SELECT unnest(?::UUID[]))"
)
_UNITS: Final = tuple(Unit)


def page(connection: duckdb.DuckDBPyConnection, question: CallsQuestion) -> CallsPage:
    """Return one page of the entries asked for."""
    cursor = connection.cursor()
    as_of = naive(question.after.as_of) if question.after else _last_posted_at(cursor)
    if as_of is None:
        return CallsPage((), None)
    asked, values = conditions(question.period, question.filters)
    value = _VALUES[question.order]
    roles = ", ".join("?" for _ in question.roles)
    clauses = f"{_STANDING_AS_OF} AND {asked} AND role IN ({roles})"
    values = [as_of, as_of, *values, *question.roles]
    if question.after:
        clauses += f" AND ({value} < ? OR ({value} = ? AND key > ?::UUID))"
        values += [question.after.value, question.after.value, question.after.key]
    query = _PAGE.format(clauses=clauses, value=value, limit=question.limit + 1)
    found = cursor.execute(query, values).fetchall()
    rows = read_entries(cursor, found[: question.limit])
    if len(found) <= question.limit:
        return CallsPage(rows, None)
    last = rows[-1]
    reached = order_value(question.order, ns_from_utc(last.started_at) // 1000, last.cost)
    return CallsPage(rows, PageEnd(utc(as_of), reached, last.key))


def traces(connection: duckdb.DuckDBPyConnection, prefix: str, limit: int) -> tuple[str, ...]:
    """Return the first recorded trace ids that begin with `prefix`."""
    bounds = [prefix.ljust(32, "0"), prefix.ljust(32, "f")]
    return tuple(row[0].hex for row in connection.cursor().execute(_TRACES, [*bounds, limit]).fetchall())


def trace(connection: duckdb.DuckDBPyConnection, trace_id: str) -> TraceView:
    """Return all that is recorded of a trace."""
    cursor = connection.cursor()
    found = cursor.execute(_OF_TRACE, [trace_id]).fetchall()
    entries = read_entries(cursor, [row[:-1] for row in found])
    standing = tuple(entry for entry, row in zip(entries, found, strict=True) if row[-1] is None)
    reversed_at = [(entry, row[-1]) for entry, row in zip(entries, found, strict=True) if row[-1] is not None]
    return TraceView(
        trace_id,
        standing,
        _elsewhere(cursor, trace_id, standing),
        tuple(_link(trace_id, row) for row in cursor.execute(_LINKS, [trace_id]).fetchall()),
        tuple(TakenBack(entry, utc(at)) for entry, at in sorted(reversed_at, key=lambda each: each[0].entry_id)),
    )


def _elsewhere(
    cursor: duckdb.DuckDBPyConnection, trace_id: str, standing: Sequence[LedgerCall]
) -> tuple[LedgerCall, ...]:
    requests = [entry for entry in standing if entry.role is not Role.AGGREGATE]
    if not requests:
        return ()
    keys = sorted({entry.owner_key or entry.key for entry in requests})
    rows = cursor.execute(_ELSEWHERE, [*_around(entry.started_at for entry in requests), trace_id, keys]).fetchall()
    return read_entries(cursor, rows)


def read_entries(cursor: duckdb.DuckDBPyConnection, rows: Sequence[tuple[Any, ...]]) -> tuple[LedgerCall, ...]:
    """Return rows of `COLUMNS` as entries, their charges and the places of their owners looked up."""
    found = [dict(zip(_READ, row, strict=True)) for row in rows]
    if not found:
        return ()
    times = _around(utc(row["started_at"]) for row in found)
    charges: dict[int, list[Charge]] = defaultdict(list)
    owned = [row["entry_id"] for row in found if row["role"] == Role.OWNER]
    # Ids rise with the rows, so the bounds keep the search to where the charges are.
    asked = [*times, min(owned, default=0), max(owned, default=0), owned]
    for entry_id, unit, quantity, price, per, list_cost, cost in cursor.execute(_CHARGES, asked).fetchall():
        charge = Charge(Unit(unit), quantity, Decimal(price), per, PicoUsd(list_cost), PicoUsd(cost))
        charges[entry_id].append(charge)
    owner_keys = sorted({row["owner_key"].hex for row in found if row["owner_key"]})
    places = {key: _place(*at) for key, *at in cursor.execute(_PLACES, [*times, owner_keys]).fetchall()}
    return tuple(_entry(row, charges[row["entry_id"]], places) for row in found)


def _entry(row: dict[str, Any], charges: list[Charge], places: dict[UUID, RecordPlace]) -> LedgerCall:
    return LedgerCall(
        **{name: row[name] for name in _AS_IT_IS},
        posted_at=utc(row["posted_at"]),
        key=row["key"].hex,
        place=_place(row["trace_id"], row["span_id"]),
        parent_span_id=_span_text(row["parent_span_id"]),
        started_at=utc(row["started_at"]),
        role=Role(row["role"]),
        owner=places.get(row["owner_key"]),
        owner_key=row["owner_key"].hex if row["owner_key"] else None,
        attribution=Attribution(**{name: row[name] for name in DIMENSIONS}, tags=row["tags"] or {}),
        usage=Usage({unit: row[f"q_{unit}"] for unit in _UNITS}),
        price_status=PriceStatus(row["price_status"]),
        charges=tuple(sorted(charges, key=lambda charge: _UNITS.index(charge.unit))),
    )


def _link(trace_id: str, row: tuple[Any, ...]) -> Link:
    span_id, parent_span_id, started_at, attribution = row
    return Link(
        trace_id=trace_id,
        span_id=f"{span_id:016x}",
        parent_span_id=_span_text(parent_span_id),
        started_at_ns=ns_from_utc(started_at.replace(tzinfo=UTC)),
        attribution=read_attribution(attribution),
    )


def _place(trace_id: UUID | None, span_id: int | None) -> RecordPlace:
    return RecordPlace(trace_id.hex if trace_id else None, _span_text(span_id))


def _span_text(span_id: int | None) -> str | None:
    return None if span_id is None else f"{span_id:016x}"


def _around(moments: Iterable[datetime]) -> list[datetime]:
    # Records of one call are settled together within this window, so an owner is never further away.
    starts = sorted(moments)
    return [naive(starts[0]) - SETTLING_WINDOW, naive(starts[-1]) + SETTLING_WINDOW + timedelta(microseconds=1)]


def _last_posted_at(cursor: duckdb.DuckDBPyConnection) -> datetime | None:
    [(last,)] = cursor.execute("SELECT max(posted_at) FROM calls").fetchall()
    moment: datetime | None = last
    return moment
