"""The shapes of calls and traces, beside `documents`: what `/openapi.json` is made from."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel

from costspan.server.web.api.documents import Usd

RoleName = Literal["owner", "duplicate", "aggregate"]


class RecordPlace(BaseModel):
    """Where a record is found; an event or a metric point may belong to no span."""

    trace_id: str | None
    span_id: str | None


class ChargeDocument(BaseModel):
    """One line of the ledger: `quantity` of `unit` at `price_usd` for `per` units."""

    unit: str
    quantity: int
    price_usd: str
    per: int
    list_cost_usd: str
    cost_usd: str


class RateDocument(BaseModel):
    """The line of the price list that was used. Beyond its id and why it matched, null where the list in use has it
    no more."""

    rate_id: str
    matched_by: str | None
    provider: str | None
    model: str | None
    mode: str | None
    valid_from: str | None
    valid_to: str | None
    source: str | None
    checked: str | None
    layer: str | None


class CallDocument(RecordPlace):
    """One entry of the ledger that stands. Only an `owner` counts; `reason` says why another does not."""

    entry_id: int
    posted_at: str
    parent_span_id: str | None
    started_at: str
    duration_ms: float | None
    ttft_ms: float | None
    role: RoleName
    owner: RecordPlace | None
    reason: str | None
    signal: str
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
    call_count: int
    service: str | None
    environment: str | None
    feature: str | None
    team: str | None
    user: str | None
    session: str | None
    agent: str | None
    tool: str | None
    tenant: str | None
    prompt: str | None
    tags: dict[str, str]
    usage: dict[str, int]
    usage_state: str
    usage_note: str | None
    input_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    output_tokens: int
    reasoning_tokens: int
    price_status: str
    price_reason: str | None
    card_version: str
    cost_usd: Usd
    list_cost_usd: Usd
    reported_cost_usd: Usd
    adjusted_count: float | None
    estimated_cost_usd: Usd
    charges: list[ChargeDocument]
    rate: RateDocument | None


class CallsDocument(BaseModel):
    """The answer of `/api/v1/calls`. `next_cursor` leads to the next page of the same ledger, whatever came since."""

    since: str
    until: str
    order: str
    roles: list[RoleName]
    currency: str
    rows: list[CallDocument]
    next_cursor: str | None


class SpanDocument(BaseModel):
    """A span of a trace; `call` is null for one that is no model call. `subtree_*` is what counts in and below it."""

    span_id: str | None
    parent_span_id: str | None
    depth: int
    started_at: str
    subtree_cost_usd: Usd
    subtree_calls: int
    call: CallDocument | None


class TraceTotal(BaseModel):
    """What counts and what does not. `calls` = `billed_calls` + `unpriced_calls` + `errors`; other records apart."""

    cost_usd: Usd
    not_counted_cost_usd: Usd
    calls: int
    billed_calls: int
    unpriced_calls: int
    errors: int
    duplicate_calls: int
    aggregate_calls: int


class CorrectionDocument(RecordPlace):
    """An entry that was taken back: when, why, and which entry stands or stood instead."""

    entry_id: int
    posted_at: str
    taken_back_at: str
    role: RoleName
    cost_usd: Usd
    replaced_by: int | None
    changed: list[str]
    why: str


class TraceDocument(BaseModel):
    """The answer of `/api/v1/traces/{trace_id}`: spans in tree order, records of its calls in other traces apart."""

    trace_id: str
    currency: str
    spans: list[SpanDocument]
    elsewhere: list[CallDocument]
    total: TraceTotal
    history: list[CorrectionDocument]
