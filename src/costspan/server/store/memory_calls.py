"""The rows behind a figure, in plain Python: what every engine must show. Asked through the store in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from costspan.core.call import Call, Role
from costspan.core.clock import utc_from_ns
from costspan.core.link import Link
from costspan.core.units import Unit
from costspan.server.store.calls import (
    CallsPage,
    CallsQuestion,
    LedgerCall,
    PageEnd,
    RecordPlace,
    TakenBack,
    TraceView,
    order_value,
)
from costspan.server.store.entry import Entry, key_text_of
from costspan.server.store.ports import SETTLING_WINDOW


@dataclass(frozen=True, slots=True)
class Posted:
    """An entry, when it was posted, and when it was taken back."""

    entry_id: int
    entry: Entry
    at: datetime
    taken_back_at: datetime | None = None


Places = Callable[[str], RecordPlace | None]
"""From the identity of a record to where it is found."""


def page(asked: Iterable[Posted], question: CallsQuestion, newest: datetime | None, places: Places) -> CallsPage:
    """Return one page of `asked`, which pass period and filters; `newest` is when the last of all was posted."""
    as_of = question.after.as_of if question.after else newest
    if as_of is None:
        return CallsPage((), None)
    seen = [
        posted
        for posted in asked
        if posted.at <= as_of and (posted.taken_back_at is None or posted.taken_back_at > as_of)
    ]

    def rank(posted: Posted) -> tuple[int, str]:
        value = order_value(question.order, posted.entry.call.started_at_ns // 1000, posted.entry.priced.cost)
        return -value, key_text_of(posted.entry.call.identity) or ""

    after = (-question.after.value, question.after.key) if question.after else None
    found = sorted((p for p in seen if p.entry.role in question.roles and (after is None or rank(p) > after)), key=rank)
    kept = found[: question.limit]
    rows = tuple(ledger_call(posted, places) for posted in kept)
    if len(found) == len(kept):
        return CallsPage(rows, None)
    value, key = rank(kept[-1])
    return CallsPage(rows, PageEnd(as_of, -value, key))


def view(trace_id: str, posted: Sequence[Posted], links: Iterable[Link], places: Places) -> TraceView:
    """Return one trace of all that is `posted` and recorded."""
    standing = [ledger_call(each, places) for each in posted if each.taken_back_at is None]
    entries = [call for call in standing if call.place.trace_id == trace_id]
    requests = {call.owner_key or call.key: call for call in entries if call.role is not Role.AGGREGATE}
    elsewhere = [
        call
        for call in standing
        if call.place.trace_id != trace_id and call.role is not Role.AGGREGATE
        if (other := requests.get(call.owner_key or call.key)) is not None
        if abs(call.started_at - other.started_at) <= SETTLING_WINDOW
    ]
    return TraceView(
        trace_id,
        tuple(sorted(entries, key=lambda call: (call.started_at, call.entry_id))),
        tuple(sorted(elsewhere, key=lambda call: (call.started_at, call.key))),
        tuple(sorted((link for link in links if link.trace_id == trace_id), key=lambda link: link.started_at_ns)),
        tuple(
            TakenBack(ledger_call(each, places), each.taken_back_at)
            for each in posted
            if each.taken_back_at is not None and each.entry.call.trace_id == trace_id
        ),
    )


def place_of(record: Call | Link) -> RecordPlace:
    """Return where a record is found."""
    return RecordPlace(record.trace_id or None, record.span_id or None)


def ledger_call(posted: Posted, places: Places) -> LedgerCall:
    """Return a posted entry as a row."""
    call, priced, settled = posted.entry.call, posted.entry.priced, posted.entry.settled
    duration_ns, ttft_s = call.ended_at_ns - call.started_at_ns, call.time_to_first_chunk_s
    return LedgerCall(
        entry_id=posted.entry_id,
        posted_at=posted.at,
        key=key_text_of(call.identity) or "",
        place=place_of(call),
        parent_span_id=call.parent_span_id or None,
        started_at=utc_from_ns(call.started_at_ns),
        duration_ns=duration_ns if duration_ns >= 0 else None,
        ttft_ns=int(ttft_s * 1e9) if ttft_s is not None and 0 <= ttft_s < 3600 else None,
        role=settled.role,
        reason=settled.reason,
        owner=places(settled.owner) if settled.owner else None,
        owner_key=key_text_of(settled.owner),
        signal=call.signal.value,
        call_count=call.call_count,
        dialect=call.dialect,
        scope_name=call.scope_name,
        scope_version=call.scope_version,
        operation=call.operation,
        provider=priced.provider or call.provider,
        model=priced.model or next(iter(call.models), None),
        requested_model=call.requested_model,
        response_model=call.response_model,
        response_id=call.response_id,
        mode=call.mode,
        finish_reason=call.finish_reason,
        error_type=call.error_type,
        attempt=call.attempt,
        attribution=call.attribution,
        usage=call.usage,
        usage_state=call.usage_state.value,
        usage_note=call.usage_note,
        price_status=priced.status,
        price_reason=priced.reason,
        rate_id=priced.rate.rate_id if priced.rate else None,
        matched_by=priced.rate.matched_by if priced.rate else None,
        card_version=posted.entry.card_version,
        cost=priced.cost,
        list_cost=priced.list_cost,
        reported_cost=call.reported_cost,
        adjusted_count=float(settled.adjusted) if settled.adjusted else None,
        estimated_cost=posted.entry.estimated_cost,
        charges=tuple(sorted(priced.charges, key=lambda charge: list(Unit).index(charge.unit)))
        if settled.role is Role.OWNER
        else (),
    )
