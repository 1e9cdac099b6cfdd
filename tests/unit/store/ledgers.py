"""A ledger with prices of its own, and spans posted to it as the pipeline posts them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from costspan.core.record import SpanRecord
from costspan.pricing.load import load_rate_card
from costspan.semconv.normalize import read_call, read_link
from costspan.server.analytics.calls import calls_document, parse_calls_question
from costspan.server.analytics.traces import trace_document
from costspan.server.pipeline.settlement import post
from costspan.server.store.entry import Batch
from costspan.server.store.ports import Store

MODEL = "test-model"
CARD = load_rate_card(
    [
        {
            "provider": "openai",
            "model": MODEL,
            "input": "2.50",
            "cache_read": "0.25",
            "output": "15.00",
            "source": "quote",
        }
    ]
)
NOW = datetime(2026, 11, 20, tzinfo=UTC)
FIRST_POSTED_AT = "2026-11-20T00:00:01Z"


class SteppingClock:
    """Each look is a second later."""

    def __init__(self) -> None:
        self._now = NOW

    def __call__(self) -> datetime:
        self._now += timedelta(seconds=1)
        return self._now


def post_spans(store: Store, *spans: SpanRecord) -> None:
    """Post spans in one batch."""
    read = [(span, read_call(span)) for span in spans]
    calls = [call for _, call in read if call is not None]
    post(store, Batch(calls, [read_link(span) for span, call in read if call is None]), CARD)


def ask_calls(store: Store, **parameters: str) -> dict[str, Any]:
    """Return a page of November's calls, as the API would."""
    asked = {"since": "2026-11", **parameters}
    return calls_document(store, parse_calls_question(list(asked.items()), NOW), CARD)


def ask_trace(store: Store, trace_id: str) -> dict[str, Any]:
    """Return a trace, as the API would."""
    return trace_document(store, trace_id, CARD)
