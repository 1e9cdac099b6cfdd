"""The trace document: every span of one trace in tree order, what counts, what does not and why, what was corrected."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

from costspan.core.call import Role
from costspan.core.clock import utc_from_ns
from costspan.core.errors import NotFound, UsageError
from costspan.core.period import iso
from costspan.pricing.rate_card import RateCard
from costspan.server.analytics.calls import call_document, place_document, usd
from costspan.server.analytics.span_tree import Node, in_tree_order
from costspan.server.store.calls import LedgerCall, TakenBack, TraceView
from costspan.server.store.ports import CallReader

_ID: Final = re.compile(r"[0-9a-f]{6,32}")
_SHOWN: Final = 3

_FACTS: Final = (
    "role", "reason", "owner", "attribution", "usage", "usage_state", "response_id", "response_model",
    "requested_model", "mode", "finish_reason", "attempt", "provider", "model", "price_status", "rate_id", "cost",
    "list_cost", "adjusted_count",
)  # fmt: skip
"""What may differ between an entry and the one that stands instead, as a reader would look for it."""


def find_trace(reader: CallReader, text: str) -> str:
    """Return the trace id that `text`, an id or its beginning, names.

    Raise UsageError for text that is no beginning of an id or of several, NotFound where none is recorded.
    """
    wanted = text.strip().lower()
    if not _ID.fullmatch(wanted):
        raise UsageError(f"trace id {text[:40]!r} is not 32 hexadecimal digits, or at least the first 6 of them")
    found = reader.traces(wanted, _SHOWN)
    if not found:
        raise NotFound(f"no trace {wanted} is recorded")
    if len(found) > 1:
        more = " and more" if len(found) == _SHOWN else ""
        raise UsageError(f"several traces begin with {wanted}: {', '.join(found)}{more}")
    return found[0]


def parse_trace_parameters(parameters: Sequence[tuple[str, str]]) -> None:
    """Raise UsageError where a query string asks a trace for anything: it is always shown whole."""
    if parameters:
        raise UsageError(f"unknown parameter {parameters[0][0]!r}; a trace takes none")


def trace_document(reader: CallReader, trace_id: str, card: RateCard) -> dict[str, Any]:
    """Return all that is known of the trace as the document `/api/v1/traces/{trace_id}` sends.

    `total` is of this trace alone, so that totals of traces add up; records of the same calls in other traces stand
    in `elsewhere`. Raise as `find_trace` does.
    """
    view = reader.trace(find_trace(reader, trace_id))
    return {
        "trace_id": view.trace_id,
        "currency": "USD",
        "spans": [_span_document(node, card) for node in in_tree_order(view)],
        "elsewhere": [call_document(call, card) for call in view.elsewhere],
        "total": total_document(view.entries),
        "history": [_history_document(taken_back, view) for taken_back in view.taken_back],
    }


def total_document(entries: Sequence[LedgerCall]) -> dict[str, Any]:
    """Return what counts and what does not: `calls` = billed + unpriced + errors, the other records apart."""
    owned = [entry for entry in entries if entry.role is Role.OWNER]
    without = [entry for entry in owned if entry.cost is None]
    errors = [entry for entry in without if entry.error_type is not None]
    return {
        "cost_usd": usd(summed(entry.cost for entry in owned)),
        "not_counted_cost_usd": usd(summed(entry.cost for entry in entries if entry.role is not Role.OWNER)),
        "calls": _requests(owned),
        "billed_calls": _requests(owned) - _requests(without),
        "unpriced_calls": _requests(without) - _requests(errors),
        "errors": _requests(errors),
        "duplicate_calls": _requests(entry for entry in entries if entry.role is Role.DUPLICATE),
        "aggregate_calls": _requests(entry for entry in entries if entry.role is Role.AGGREGATE),
    }


def summed(amounts: Iterable[int | None]) -> int | None:
    """Return the sum of the known amounts, None where none is known."""
    known = [amount for amount in amounts if amount is not None]
    return sum(known) if known else None


def _requests(entries: Iterable[LedgerCall]) -> int:
    return sum(entry.call_count for entry in entries)


def _span_document(node: Node, card: RateCard) -> dict[str, Any]:
    return {
        "span_id": node.span_id,
        "parent_span_id": node.parent_span_id,
        "depth": node.depth,
        "started_at": iso(utc_from_ns(node.started_at_ns)),
        "subtree_cost_usd": usd(node.subtree_cost),
        "subtree_calls": node.subtree_calls,
        "call": call_document(node.call, card) if node.call else None,
    }


def _history_document(taken_back: TakenBack, view: TraceView) -> dict[str, Any]:
    entry = taken_back.entry
    instead = _successor(entry, view)
    changed = [name for name in _FACTS if instead and getattr(entry, name) != getattr(instead, name)]
    return {
        "entry_id": entry.entry_id,
        **place_document(entry.place),
        "posted_at": iso(entry.posted_at),
        "taken_back_at": iso(taken_back.at),
        "role": entry.role.value,
        "cost_usd": usd(entry.cost),
        "replaced_by": instead.entry_id if instead else None,
        "changed": changed,
        "why": _why(entry, instead, changed),
    }


def _successor(entry: LedgerCall, view: TraceView) -> LedgerCall | None:
    """Return what was posted for the same record next."""
    posted = [*view.entries, *(other.entry for other in view.taken_back)]
    later = [other for other in posted if other.key == entry.key and other.entry_id > entry.entry_id]
    return min(later, key=lambda other: other.entry_id, default=None)


def _why(entry: LedgerCall, instead: LedgerCall | None, changed: list[str]) -> str:
    if instead is None:
        return "taken back without another in its place"
    if entry.role is not instead.role:
        why = instead.reason or "nothing else of the call counts now"
        return f"{entry.role} became {instead.role}: {why}"
    if entry.rate_id != instead.rate_id or entry.card_version != instead.card_version:
        return f"priced anew: {entry.rate_id or 'no rate'} became {instead.rate_id or 'no rate'}"
    return f"another record of the call changed: {', '.join(changed).replace('_', ' ') or 'nothing shown here'}"
