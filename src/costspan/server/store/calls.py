"""Rows behind a figure, as values: which calls are asked for, a page of them, and everything known of one trace."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from costspan.core.attribution import Attribution
from costspan.core.call import Role
from costspan.core.charge import Charge, PriceStatus
from costspan.core.link import Link
from costspan.core.period import Period
from costspan.core.usage import Usage
from costspan.server.store.question import Filter

MAX_CALLS: Final = 1_000
"""Most rows of one page; a cursor leads on."""


class CallOrder(StrEnum):
    """What comes first: the latest start, or the highest cost (calls without one last)."""

    TIME = "time"
    COST = "cost"


@dataclass(frozen=True, slots=True)
class PageEnd:
    """Where a page ended: the ordered value of its last row (microseconds since 1970 or pico-dollars) and its key.

    `as_of` is when the newest entry was posted that the first page could see. The ledger only grows, so every
    further page sees the same ledger, whatever is posted between them.
    """

    as_of: datetime
    value: int
    key: str


@dataclass(frozen=True, slots=True)
class CallsQuestion:
    """Entries that stand, of calls started within `period`; filters as in `SpendQuestion`."""

    period: Period
    filters: tuple[Filter, ...] = ()
    roles: tuple[Role, ...] = (Role.OWNER,)
    order: CallOrder = CallOrder.TIME
    limit: int = 50
    after: PageEnd | None = None


@dataclass(frozen=True, slots=True)
class RecordPlace:
    """Where a record is found. An event or a metric point may belong to no span, or to no trace."""

    trace_id: str | None
    span_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerCall:
    """One entry with its charges, as the ledger holds it. Money is in pico-dollars, None where unknown.

    `key` is the record's identity as tables join on it: the same for an entry and what later stands instead.
    `owner` is the record that counts instead of this one, None for an owner.
    """

    entry_id: int
    posted_at: datetime
    key: str
    place: RecordPlace
    parent_span_id: str | None
    started_at: datetime
    duration_ns: int | None
    ttft_ns: int | None
    role: Role
    reason: str | None
    owner: RecordPlace | None
    owner_key: str | None
    signal: str
    call_count: int
    dialect: str
    scope_name: str
    scope_version: str
    operation: str
    provider: str | None
    model: str | None
    requested_model: str | None
    response_model: str | None
    response_id: str | None
    mode: str
    finish_reason: str | None
    error_type: str | None
    attempt: int
    attribution: Attribution
    usage: Usage
    usage_state: str
    usage_note: str | None
    price_status: PriceStatus
    price_reason: str | None
    rate_id: str | None
    matched_by: str | None
    card_version: str
    cost: int | None
    list_cost: int | None
    reported_cost: int | None
    adjusted_count: float | None
    estimated_cost: int | None
    charges: tuple[Charge, ...] = ()


@dataclass(frozen=True, slots=True)
class CallsPage:
    """Rows in the order asked for; `end` leads to the next page, None where there is none."""

    rows: tuple[LedgerCall, ...]
    end: PageEnd | None


@dataclass(frozen=True, slots=True)
class TakenBack:
    """An entry that stands no more."""

    entry: LedgerCall
    at: datetime


@dataclass(frozen=True, slots=True)
class TraceView:
    """Everything the ledger holds of one trace.

    `entries` stand and are of this trace; `elsewhere` are standing records of the same calls in other traces;
    `links` are the spans that are no calls; `taken_back` is what stood once, oldest first.
    """

    trace_id: str
    entries: tuple[LedgerCall, ...]
    elsewhere: tuple[LedgerCall, ...] = ()
    links: tuple[Link, ...] = ()
    taken_back: tuple[TakenBack, ...] = ()


def order_value(order: CallOrder, started_at_us: int, cost: int | None) -> int:
    """Return what a row is ordered by, the largest first."""
    if order is CallOrder.TIME:
        return started_at_us
    return -1 if cost is None else cost
