"""Entries and charges as the columns of their tables.

Written for every call, so facts that a column holds as they are come out together, by one getter for each object.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import partial
from operator import attrgetter
from typing import Any, Final

from costspan.core.attribution import DIMENSIONS
from costspan.core.call import Call, Role, Signal
from costspan.core.charge import Charge
from costspan.core.link import Link
from costspan.core.units import FEE_UNITS, Unit
from costspan.server.store.charge_classes import charge_classes
from costspan.server.store.columns import Kind
from costspan.server.store.entry import Entry, Posting, digest, key_of

LONGEST_TTFT_S: Final = 3_600
"""Longer than any provider's timeout; emitters that send milliseconds as seconds would poison quantiles."""

_OF_CALL: Final = (
    "signal", "call_count", "dialect", "scope_name", "scope_version", "trace_state", "span_class", "operation",
    "requested_model", "response_model", "response_id", "server_address", "mode", "finish_reason", "error_type",
    "streamed", "attempt", "usage_state", "usage_note", "reported_cost",
)  # fmt: skip
_NOT_TEXT: Final = {
    "call_count": Kind.SMALL,
    "streamed": Kind.TRUTH,
    "attempt": Kind.SMALL,
    "reported_cost": Kind.WHOLE,
}
QUANTITIES: Final = {f"q_{unit}": unit for unit in Unit}
_COSTS: Final = (
    "cost", "list_cost", "input_cost", "cache_read_cost", "cache_write_cost", "output_cost", "fee_cost",
    "cache_savings", "estimated_cost",
)  # fmt: skip

CALL_KINDS: Final[Mapping[str, Kind]] = {
    "entry_id": Kind.WHOLE,
    "key": Kind.KEY,
    "owner_key": Kind.KEY,
    "digest": Kind.TEXT,
    "as_received": Kind.TRUTH,
    "role": Kind.TEXT,
    "reason": Kind.TEXT,
    "adjusted_count": Kind.REAL,
    "kept": Kind.WHOLE,
    "kept_of": Kind.WHOLE,
    "trace_id": Kind.KEY,
    "span_id": Kind.SPAN_ID,
    "parent_span_id": Kind.SPAN_ID,
    "started_at": Kind.MOMENT,
    "started_ns": Kind.SMALL,
    "duration_ns": Kind.WHOLE,
    "ttft_ns": Kind.WHOLE,
    "tokens": Kind.WHOLE,
    "tags": Kind.TEXT,
    "sent_provider": Kind.TEXT,
    "provider": Kind.TEXT,
    "model": Kind.TEXT,
    "price_status": Kind.TEXT,
    "price_reason": Kind.TEXT,
    "rate_id": Kind.TEXT,
    "matched_by": Kind.TEXT,
    "card_version": Kind.TEXT,
    **dict.fromkeys(_COSTS, Kind.WHOLE),
    **{name: _NOT_TEXT.get(name, Kind.TEXT) for name in _OF_CALL},
    **dict.fromkeys(DIMENSIONS, Kind.TEXT),
    **dict.fromkeys(QUANTITIES, Kind.WHOLE),
}
"""Name -> kind."""

CHARGE_KINDS: Final[Mapping[str, Kind]] = {
    "entry_id": Kind.WHOLE,
    "started_at": Kind.MOMENT,
    "unit": Kind.TEXT,
    "quantity": Kind.WHOLE,
    "price": Kind.TEXT,
    "per": Kind.WHOLE,
    "list_cost": Kind.WHOLE,
    "cost": Kind.WHOLE,
}
"""A line's rate and price list are its entry's; `list_cost` is there only where it is not `cost`."""

_call_facts: Final = attrgetter(*_OF_CALL)
_dimensions: Final = attrgetter(*DIMENSIONS)
_FACTS: Final = tuple(name for name in CALL_KINDS if name not in QUANTITIES)
"""The columns of `_call_row` before the quantities."""
_FEES: Final = frozenset(FEE_UNITS)
_OWNER: Final = Role.OWNER
_SPAN: Final = Signal.SPAN


def call_columns(entry_ids: Sequence[int], entries: Sequence[Entry]) -> dict[str, Sequence[Any]]:
    """Return the columns of CALL_KINDS for some entries. What none of them used is left out: its quantity is 0."""
    used = frozenset().union(*(entry.settled.call.usage.quantities for entry in entries))
    quantities = {name: unit for name, unit in QUANTITIES.items() if unit in used}
    rows = map(partial(_call_row, tuple(quantities.values()), (0,) * len(quantities)), entry_ids, entries)
    return dict(zip((*_FACTS, *quantities), zip(*rows, strict=True), strict=True))


def _call_row(units: tuple[Unit, ...], none: tuple[int, ...], entry_id: int, entry: Entry) -> tuple[Any, ...]:
    settled, priced = entry.settled, entry.priced
    call, rate, adjusted = settled.call, priced.rate, settled.adjusted
    attribution, quantities = call.attribution, call.usage.quantities
    tags, started_at_ns = attribution.tags, call.started_at_ns
    duration_ns = call.ended_at_ns - started_at_ns
    tokens_in, cache_read, cache_write, tokens_out, fee, total, listed = charge_classes(priced)
    return (
        entry_id,
        key_of(call.identity),
        key_of(settled.owner),
        digest(settled),
        keeps_record(entry),
        settled.role,
        settled.reason,
        None if adjusted is None else float(adjusted),
        None if adjusted is None else adjusted.kept,
        None if adjusted is None else adjusted.of,
        bytes.fromhex(call.trace_id) or None,
        int(call.span_id, 16) if call.span_id else None,
        int(call.parent_span_id, 16) if call.parent_span_id else None,
        started_at_ns // 1000,
        started_at_ns % 1000,
        duration_ns if duration_ns >= 0 else None,
        ttft_ns(call),
        sum(quantities.values()) if _FEES.isdisjoint(quantities) else call.usage.tokens,
        json.dumps(dict(tags)) if tags else None,
        call.provider,
        priced.provider or call.provider,
        priced.model or call.response_model or call.requested_model or None,
        priced.status,
        priced.reason,
        None if rate is None else rate.rate_id,
        None if rate is None else rate.matched_by,
        entry.card_version,
        total,
        listed,
        tokens_in,
        cache_read,
        cache_write,
        tokens_out,
        fee,
        priced.cache_savings,
        entry.estimated_cost,
        *_call_facts(call),
        *_dimensions(attribution),
        *map(quantities.get, units, none),
    )


def charge_rows(entry_ids: Sequence[int], entries: Sequence[Entry]) -> list[tuple[Any, ...]]:
    """Return the values of CHARGE_KINDS for each line of the entries that count."""
    return [
        line
        for entry_id, entry in zip(entry_ids, entries, strict=True)
        if entry.settled.role is _OWNER and entry.priced.charges
        for line in lines(entry_id, entry.settled.call.started_at_ns // 1000, entry.priced.charges)
    ]


def lines(entry_id: int, started_at_us: int, charges: Sequence[Charge]) -> list[tuple[Any, ...]]:
    """Return the values of CHARGE_KINDS for charges of one entry."""
    return [
        (entry_id, started_at_us, unit, quantity, str(price), per, None if list_cost == cost else list_cost, cost)
        for unit, quantity, price, per, list_cost, cost in charges
    ]


def ttft_ns(call: Call) -> int | None:
    """Return the time to the first chunk in nanoseconds; None where there is none or it is absurd."""
    seconds = call.time_to_first_chunk_s
    return round(seconds * 1e9) if seconds is not None and 0 <= seconds < LONGEST_TTFT_S else None


def keeps_record(entry: Entry) -> bool:
    """Return True when the row of an entry says all that was received, so that the record needs no row of its own."""
    call = entry.settled.call
    if call.signal is not _SPAN or call.ended_at_ns < call.started_at_ns or not entry.settled.as_received:
        return False
    seconds, kept_ns = call.time_to_first_chunk_s, ttft_ns(call)
    return seconds is None or (kept_ns is not None and kept_ns / 1e9 == seconds)


def said_by_no_entry(posting: Posting, as_received: Sequence[bool]) -> list[Call | Link]:
    """Return the new records of which no entry of the posting says all; `as_received` is that column of its entries."""
    if all(as_received):
        return list(posting.batch.links)
    said = {entry.call.identity for entry, is_said in zip(posting.entries, as_received, strict=True) if is_said}
    return [*(call for call in posting.batch.calls if call.identity not in said), *posting.batch.links]
