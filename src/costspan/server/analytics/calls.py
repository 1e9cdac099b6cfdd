"""The calls document: parameters in, page asked, rows out; and the call document, which traces are made of too."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Final

import msgspec

from costspan.core.attribution import DIMENSIONS
from costspan.core.call import Role
from costspan.core.charge import Charge, RateReference
from costspan.core.errors import UsageError
from costspan.core.money import usd_text
from costspan.core.period import Period, iso, parse_period
from costspan.pricing.price_call import price_usage
from costspan.pricing.rate_card import RateCard
from costspan.server.analytics.spend import parse_filter
from costspan.server.store.calls import MAX_CALLS, CallOrder, CallsQuestion, LedgerCall, PageEnd, RecordPlace
from costspan.server.store.ports import CallReader

PARAMETERS: Final = ("since", "until", "filter", "role", "order", "limit", "cursor")
DEFAULT_LIMIT: Final = 50
ALL_ROLES: Final = "all"

_AS_IT_IS: Final = (
    "signal", "dialect", "scope_name", "scope_version", "operation", "provider", "model", "requested_model",
    "response_model", "response_id", "mode", "finish_reason", "error_type", "attempt", "call_count", "reason",
    "usage_state", "usage_note", "price_reason", "card_version", "adjusted_count",
)  # fmt: skip
_DIMENSIONS: Final = {name: "user" if name == "user_id" else name for name in DIMENSIONS}


_Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class _Cursor(msgspec.Struct, array_like=True):
    """What a cursor's text holds: the question's period as it was first understood, and where the last page ended."""

    question: str
    since: _Moment
    until: _Moment
    as_of: _Moment
    value: Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
    key: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{32}$")]


def parse_calls_question(parameters: Sequence[tuple[str, str]], now: datetime) -> CallsQuestion:
    """Return the question a query string asks. Raise UsageError, naming what is accepted, where it makes no sense."""
    unknown = [name for name, _ in parameters if name not in PARAMETERS]
    if unknown:
        raise UsageError(f"unknown parameter {unknown[0]!r}; known: {', '.join(PARAMETERS)}")
    given = dict(parameters)
    question = CallsQuestion(
        period=parse_period(given.get("since"), given.get("until"), now),
        filters=tuple(parse_filter(value) for name, value in parameters if name == "filter"),
        roles=_roles(given.get("role", Role.OWNER)),
        order=_order(given.get("order", CallOrder.TIME)),
        limit=_limit(given.get("limit")),
    )
    return _continued(question, given["cursor"]) if given.get("cursor") else question


def calls_document(reader: CallReader, question: CallsQuestion, card: RateCard) -> dict[str, Any]:
    """Return the answer to `question` as the document `/api/v1/calls` sends and `calls --json` prints."""
    page = reader.calls(question)
    return {
        "since": iso(question.period.since),
        "until": iso(question.period.until),
        "order": question.order.value,
        "roles": [role.value for role in question.roles],
        "currency": "USD",
        "rows": [call_document(call, card) for call in page.rows],
        "next_cursor": _cursor_text(question, page.end) if page.end else None,
    }


def all_call_documents(reader: CallReader, question: CallsQuestion, card: RateCard) -> Iterator[dict[str, Any]]:
    """Yield every call that `question` asks for, whatever its limit, as the ledger is when the first one is read."""
    question = replace(question, limit=MAX_CALLS)
    while True:
        page = reader.calls(question)
        for call in page.rows:
            yield call_document(call, card)
        if page.end is None:
            return
        question = replace(question, after=page.end)


def call_document(call: LedgerCall, card: RateCard) -> dict[str, Any]:
    """Return one entry with the rate behind its charges, as the price list in use has it."""
    return entry_document(call) | {"rate": _rate_document(call, card) if call.rate_id else None}


def entry_document(call: LedgerCall) -> dict[str, Any]:
    """Return one entry with its attribution, usage and charges, and why it counts or does not."""
    return {
        "entry_id": call.entry_id,
        "posted_at": iso(call.posted_at),
        **place_document(call.place),
        "parent_span_id": call.parent_span_id,
        "started_at": iso(call.started_at),
        "duration_ms": _ms(call.duration_ns),
        "ttft_ms": _ms(call.ttft_ns),
        "role": call.role.value,
        "owner": place_document(call.owner) if call.owner else None,
        **{name: getattr(call, name) for name in _AS_IT_IS},
        **{key: getattr(call.attribution, name) for name, key in _DIMENSIONS.items()},
        "tags": dict(call.attribution.tags),
        "usage": {unit.value: quantity for unit, quantity in call.usage},
        "input_tokens": call.usage.input_tokens,
        "cache_read_tokens": call.usage.cache_read_tokens,
        "cache_write_tokens": call.usage.cache_write_tokens,
        "output_tokens": call.usage.output_tokens,
        "reasoning_tokens": call.usage.reasoning_tokens,
        "price_status": call.price_status.value,
        "cost_usd": usd(call.cost),
        "list_cost_usd": usd(call.list_cost),
        "reported_cost_usd": usd(call.reported_cost),
        "estimated_cost_usd": usd(call.estimated_cost),
        "charges": [_charge_document(charge) for charge in call.charges],
    }


def place_document(place: RecordPlace) -> dict[str, Any]:
    """Return where a record is found."""
    return {"trace_id": place.trace_id, "span_id": place.span_id}


def usd(amount: int | None) -> str | None:
    """Return pico-dollars as decimal text, unknown as None."""
    return None if amount is None else usd_text(amount)


def _charge_document(charge: Charge) -> dict[str, Any]:
    return {
        "unit": charge.unit.value,
        "quantity": charge.quantity,
        "price_usd": f"{charge.price:f}",
        "per": charge.per,
        "list_cost_usd": usd(charge.list_cost),
        "cost_usd": usd(charge.cost),
    }


def _rate_document(call: LedgerCall, card: RateCard) -> dict[str, Any]:
    reference = _reference(call, card)
    said = {
        name: getattr(reference, name, None) for name in ("provider", "model", "mode", "source", "checked", "layer")
    }
    return {
        "rate_id": call.rate_id,
        "matched_by": call.matched_by,
        **said,
        "valid_from": iso(reference.valid_from) if reference and reference.valid_from else None,
        "valid_to": iso(reference.valid_to) if reference and reference.valid_to else None,
    }


def _reference(call: LedgerCall, card: RateCard) -> RateReference | None:
    """Return what the price list in use says of the rate a call was priced with; None where it has it no more."""
    models = tuple(dict.fromkeys(name for name in (call.response_model, call.requested_model) if name))
    found = price_usage(
        card, call.usage, provider=call.provider, models=models, mode=call.mode, at=call.started_at
    ).rate
    return found if found and found.rate_id == call.rate_id else None


def _ms(duration_ns: int | None) -> float | None:
    return None if duration_ns is None else round(duration_ns / 1e6, 3)


def _roles(text: str) -> tuple[Role, ...]:
    if text == ALL_ROLES:
        return tuple(Role)
    try:
        return (Role(text),)
    except ValueError:
        raise UsageError(f"unknown role {text!r}; known: {', '.join(Role)}, {ALL_ROLES}") from None


def _order(text: str) -> CallOrder:
    try:
        return CallOrder(text)
    except ValueError:
        raise UsageError(
            f"cannot order by {text!r}; known: {', '.join(CallOrder)} (the latest, the dearest first)"
        ) from None


def _limit(text: str | None) -> int:
    if text is None:
        return DEFAULT_LIMIT
    if not (text.isascii() and text.isdecimal()) or not 1 <= int(text[:9]) <= MAX_CALLS or len(text) > 9:
        raise UsageError(f"limit {text[:20]!r} is not a whole number from 1 to {MAX_CALLS}")
    return int(text)


def _continued(question: CallsQuestion, text: str) -> CallsQuestion:
    try:
        cursor = msgspec.msgpack.decode(base64.b64decode(text, altchars=b"-_", validate=True), type=_Cursor)
        period = Period(cursor.since, cursor.until)
    except (ValueError, TypeError, UsageError) as error:
        raise UsageError("the cursor is damaged; ask again without one") from error
    if cursor.question != _fingerprint(question):
        raise UsageError(
            "the cursor belongs to another question; repeat filter, role and order, or leave the cursor out"
        )
    return replace(question, period=period, after=PageEnd(cursor.as_of, cursor.value, cursor.key))


def _cursor_text(question: CallsQuestion, end: PageEnd) -> str:
    period = question.period
    cursor = _Cursor(_fingerprint(question), period.since, period.until, end.as_of, end.value, end.key)
    return base64.urlsafe_b64encode(msgspec.msgpack.encode(cursor)).decode()


def _fingerprint(question: CallsQuestion) -> str:
    """Return what tells two questions apart; the period is left out, since ages like 7d mean another one later."""
    asked = msgspec.msgpack.encode((question.filters, question.roles, question.order))
    return hashlib.blake2b(asked, digest_size=6).hexdigest()
