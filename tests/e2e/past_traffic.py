"""Calls of past days, sent to a server as an application would have sent them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from costspan.core.attribution import Attribution
from costspan.core.units import Unit
from costspan.core.usage import Usage
from costspan.testing.otlp import protobuf_body
from costspan.testing.spans import otel_genai, sample_call

CENT_TOKENS = 4_000
"""Input tokens of gpt-4o that cost one cent."""


def midnight() -> datetime:
    """Return the beginning of today, UTC."""
    return datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def call_at(number: int, moment: datetime, *, cents: int = 1, **said: Any) -> Any:
    """Return the span of a call at `moment` that cost so many cents."""
    who = Attribution(service="web", **{key: said.pop(key) for key in ("team", "feature", "session") if key in said})
    said.setdefault("usage", Usage({Unit.INPUT: CENT_TOKENS * cents}))
    began_ns = int(moment.timestamp()) * 10**9
    call = sample_call(
        trace_id=said.pop("trace_id", f"{number:032x}"),
        span_id=f"{number:016x}",
        response_id=f"r{number}",
        requested_model=said.pop("model", "gpt-4o"),
        attribution=who,
        **said,
    )
    return replace(otel_genai(call), start_ns=began_ns, end_ns=began_ns + 10**9)


def past_days(days: int, *, cents: int = 1, first_number: int = 1, **said: Any) -> Iterator[Any]:
    """Yield two calls of `cents` on each of the last `days` whole days, at 8 and at 16 o'clock."""
    for back in range(days, 0, -1):
        for hour in (8, 16):
            number = first_number + 2 * (days - back) + (hour == 16)
            yield call_at(number, midnight() - timedelta(days=back) + timedelta(hours=hour), cents=cents, **said)


def body(spans: Iterator[Any]) -> bytes:
    """Return spans as one OTLP request."""
    return protobuf_body(list(spans))
