"""The rows behind a figure in SQL: pages of entries, and one trace with what it took back. Asked through the store."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

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
from costspan.server.store.ports import SETTLING_WINDOW
from costspan.server.store.received import read_attribution
from costspan.server.store.sql.conditions import conditions, naive, utc
from costspan.server.store.sql.dialect import Ask, Dialect
from costspan.server.store.sql.standing import reach, standing

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
_KEYS: Final = frozenset(("key", "owner_key", "trace_id"))
_RECEIVED: Final = """(
SELECT key, trace_id, span_id, started_at FROM records
UNION ALL
SELECT key, trace_id, span_id, started_at FROM calls WHERE as_received AND sign > 0
)"""
_UNITS: Final = tuple(Unit)


def columns(dialect: Dialect) -> str:
    """Return what `read_entries` needs of a row, as it is selected."""
    return ", ".join(f"{dialect.hex(name)} AS {name}" if name in _KEYS else name for name in _READ)


def page(ask: Ask, dialect: Dialect, question: CallsQuestion) -> CallsPage:
    """Return one page of the entries asked for."""
    as_of = naive(question.after.as_of) if question.after else _last_posted_at(ask, dialect)
    if as_of is None:
        return CallsPage((), None)
    asked, values = conditions(dialect, question.period, question.filters)
    value = dialect.micros("started_at") if question.order is CallOrder.TIME else "coalesce(cost, -1)"
    roles = ", ".join("?" for _ in question.roles)
    stands, of_standing = standing(*reach(dialect, question.period), as_of=as_of)
    clauses = f"{stands} AND {asked} AND role IN ({roles})"
    values = [*of_standing, *values, *question.roles]
    if question.after:
        clauses += f" AND ({value} < ? OR ({value} = ? AND key > {dialect.unhex('?')}))"
        values += [question.after.value, question.after.value, question.after.key]
    # First which rows, by the columns that decide it, then all they say: a row has eighty columns.
    first = f" ORDER BY {value} DESC, calls.key LIMIT {question.limit + 1}"
    found = ask(f"SELECT {columns(dialect)} FROM calls WHERE {dialect.rows_where(clauses, first)}{first}", values)
    rows = read_entries(ask, dialect, found[: question.limit])
    if len(found) <= question.limit:
        return CallsPage(rows, None)
    last = rows[-1]
    reached = order_value(question.order, ns_from_utc(last.started_at) // 1000, last.cost)
    return CallsPage(rows, PageEnd(utc(as_of), reached, last.key))


def traces(ask: Ask, dialect: Dialect, prefix: str, limit: int) -> tuple[str, ...]:
    """Return the first recorded trace ids that begin with `prefix`."""
    bound = dialect.unhex("?")
    query = (
        f"SELECT {dialect.hex('trace')} FROM (SELECT DISTINCT trace_id AS trace FROM {_RECEIVED} "
        f"WHERE trace_id BETWEEN {bound} AND {bound} ORDER BY trace LIMIT {int(limit)}) ORDER BY trace"
    )
    return tuple(row[0] for row in ask(query, [prefix.ljust(32, "0"), prefix.ljust(32, "f")]))


def trace(ask: Ask, dialect: Dialect, trace_id: str) -> TraceView:
    """Return all that is recorded of a trace."""
    found = ask(
        f"SELECT {columns(dialect)}, taken_back_at FROM calls LEFT JOIN (SELECT entry_id AS reversed_id, "
        f"posted_at AS taken_back_at FROM calls WHERE sign < 0 AND trace_id = {dialect.unhex('?')}) AS back "
        f"ON calls.entry_id = back.reversed_id WHERE sign > 0 AND calls.trace_id = {dialect.unhex('?')} "
        "ORDER BY started_at, entry_id",
        [trace_id, trace_id],
    )
    links = ask(
        "SELECT span_id, parent_span_id, started_at, attribution FROM records "
        f"WHERE trace_id = {dialect.unhex('?')} AND call IS NULL ORDER BY started_at, span_id",
        [trace_id],
    )
    entries = read_entries(ask, dialect, [row[:-1] for row in found])
    standing = tuple(entry for entry, row in zip(entries, found, strict=True) if row[-1] is None)
    reversed_at = [(entry, row[-1]) for entry, row in zip(entries, found, strict=True) if row[-1] is not None]
    return TraceView(
        trace_id,
        standing,
        _elsewhere(ask, dialect, trace_id, standing),
        tuple(_link(trace_id, row) for row in links),
        tuple(TakenBack(entry, utc(at)) for entry, at in sorted(reversed_at, key=lambda each: each[0].entry_id)),
    )


def _elsewhere(ask: Ask, dialect: Dialect, trace_id: str, entries: Sequence[LedgerCall]) -> tuple[LedgerCall, ...]:
    requests = [entry for entry in entries if entry.role is not Role.AGGREGATE]
    if not requests:
        return ()
    keys = {entry.owner_key or entry.key for entry in requests}
    stands, values = standing("started_at BETWEEN ? AND ?", _around(entry.started_at for entry in requests))
    query = (
        f"SELECT {columns(dialect)} FROM calls WHERE {stands} "
        f"AND role <> 'aggregate' AND trace_id IS DISTINCT FROM {dialect.unhex('?')} "
        f"AND coalesce(owner_key, key) IN (SELECT {dialect.unhex(dialect.split('?'))})"
    )
    rows = [row for part in dialect.listed(keys) for row in ask(query, [*values, trace_id, part])]
    return tuple(sorted(read_entries(ask, dialect, rows), key=lambda call: (call.started_at, call.key)))


def read_entries(ask: Ask, dialect: Dialect, rows: Sequence[tuple[Any, ...]]) -> tuple[LedgerCall, ...]:
    """Return rows of `columns` as entries, their charges and the places of their owners looked up."""
    found = [dict(zip(_READ, row, strict=True)) for row in rows]
    if not found:
        return ()
    times = _around(utc(row["started_at"]) for row in found)
    owned = [row["entry_id"] for row in found if row["role"] == Role.OWNER]
    charges = _charges(ask, dialect, owned, times)
    places = _places(ask, dialect, {row["owner_key"] for row in found if row["owner_key"]}, times)
    return tuple(_entry(row, charges[row["entry_id"]], places) for row in found)


def _charges(ask: Ask, dialect: Dialect, owned: Sequence[int], times: list[datetime]) -> dict[int, list[Charge]]:
    # Ids rise with the rows, so the bounds keep the search to where the charges are.
    query = (
        "SELECT entry_id, unit, quantity, price, per, coalesce(list_cost, cost), cost FROM charges "
        "WHERE sign > 0 AND started_at BETWEEN ? AND ? AND entry_id BETWEEN ? AND ? "
        f"AND entry_id IN (SELECT {dialect.split('?')}::BIGINT)"
    )
    found: dict[int, list[Charge]] = defaultdict(list)
    for part in dialect.listed(owned):
        for entry_id, unit, quantity, price, per, list_cost, cost in ask(query, [*times, min(owned), max(owned), part]):
            charge = Charge(Unit(unit), quantity, Decimal(price), per, PicoUsd(list_cost), PicoUsd(cost))
            found[entry_id].append(charge)
    return found


def _places(ask: Ask, dialect: Dialect, keys: set[str], times: list[datetime]) -> dict[str, RecordPlace]:
    query = (
        f"SELECT DISTINCT {dialect.hex('key')}, {dialect.hex('trace_id')}, span_id FROM {_RECEIVED} "
        f"WHERE started_at BETWEEN ? AND ? AND key IN (SELECT {dialect.unhex(dialect.split('?'))})"
    )
    return {key: _place(*at) for part in dialect.listed(keys) for key, *at in ask(query, [*times, part])}


def _entry(row: dict[str, Any], charges: list[Charge], places: dict[str, RecordPlace]) -> LedgerCall:
    return LedgerCall(
        **{name: row[name] for name in _AS_IT_IS},
        posted_at=utc(row["posted_at"]),
        key=row["key"],
        place=_place(row["trace_id"], row["span_id"]),
        parent_span_id=_span_text(row["parent_span_id"]),
        started_at=utc(row["started_at"]),
        role=Role(row["role"]),
        owner=places.get(row["owner_key"] or ""),
        owner_key=row["owner_key"] or None,
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


def _place(trace_id: str | None, span_id: int | None) -> RecordPlace:
    return RecordPlace(trace_id or None, _span_text(span_id))


def _span_text(span_id: int | None) -> str | None:
    return None if span_id is None else f"{span_id:016x}"


def _around(moments: Iterable[datetime]) -> list[datetime]:
    # Records of one call are settled together within this window, so an owner is never further away.
    starts = sorted(moments)
    return [naive(starts[0]) - SETTLING_WINDOW, naive(starts[-1]) + SETTLING_WINDOW + timedelta(microseconds=1)]


def _last_posted_at(ask: Ask, dialect: Dialect) -> datetime | None:
    [(last, rows)] = ask(f"SELECT max(posted_at), count(*) FROM {dialect.posted}", ())
    return last if rows else None
