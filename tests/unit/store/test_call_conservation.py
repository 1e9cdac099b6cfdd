"""Nothing is lost or counted twice between the total of all spend, the rows behind it and the traces they are of."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as some
from ledgers import MODEL, SteppingClock, ask_calls, ask_trace, post_spans

from costspan.core.clock import NS_PER_S
from costspan.core.period import Period
from costspan.core.record import SpanRecord
from costspan.server.store.duckdb.store import DuckDBStore
from costspan.server.store.memory import MemoryStore
from costspan.server.store.ports import Store
from costspan.server.store.question import SpendQuestion
from costspan.testing.spans import agent_span, openinference, openllmetry, otel_genai, sample_call
from costspan.testing.spans.call import NOVEMBER_2026_NS

NOVEMBER = Period(datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC))
BUILDERS = (agent_span, openllmetry, openinference, otel_genai)
TRACES = ("a" * 32, "b" * 32)


@some.composite
def spans(draw: some.DrawFn) -> SpanRecord:
    """A span of one of two small traces; response ids, parents and counts meet often."""
    number = draw(some.integers(1, 6))
    second = draw(some.integers(0, 3))
    call = sample_call(
        trace_id=draw(some.sampled_from(TRACES)),
        span_id=f"{number:016x}",
        parent_span_id=draw(some.sampled_from([None, *(f"{other:016x}" for other in range(1, 7) if other != number)])),
        started_at_ns=NOVEMBER_2026_NS + second * NS_PER_S,
        response_id=draw(some.sampled_from([None, "r1", "r2"])),
        requested_model=draw(some.sampled_from([MODEL, MODEL, "nobody-lists-this"])),
        input=draw(some.sampled_from([1_000, 2_000])),
    )
    return draw(some.sampled_from(BUILDERS))(call)


BATCHES = some.lists(spans(), min_size=1, max_size=12, unique_by=lambda span: (span.trace_id, span.span_id)).flatmap(
    lambda made: some.integers(1, 4).map(lambda size: [made[i : i + size] for i in range(0, len(made), size)])
)


def money(amounts: list[str | None]) -> Decimal:
    return sum((Decimal(amount) for amount in amounts if amount is not None), Decimal(0))


def documents(store: Store, batches: list[list[SpanRecord]]) -> dict[str, Any]:
    for batch in batches:
        post_spans(store, *batch)
    recorded = [trace_id for trace_id in TRACES if store.traces(trace_id, 1)]
    return {
        "rows": ask_calls(store, role="all", limit="1000")["rows"],
        "traces": [ask_trace(store, trace_id) for trace_id in recorded],
        "spent": store.spend(SpendQuestion(NOVEMBER)).total.cost,
    }


@settings(max_examples=12, deadline=None)
@given(BATCHES)
def test_counted_and_not_counted_are_all_there_is_in_both_engines_alike(batches) -> None:
    with TemporaryDirectory() as folder:
        store = DuckDBStore(Path(folder), clock=SteppingClock())
        found = documents(store, batches)
        store.close()

    assert found == documents(MemoryStore(SteppingClock()), batches)
    rows, traces = found["rows"], found["traces"]
    for trace in traces:
        standing = [row["cost_usd"] for row in rows if row["trace_id"] == trace["trace_id"]]
        total = trace["total"]
        assert money([total["cost_usd"], total["not_counted_cost_usd"]]) == money(standing)
        assert sorted(s["call"]["entry_id"] for s in trace["spans"] if s["call"]) == sorted(
            row["entry_id"] for row in rows if row["trace_id"] == trace["trace_id"]
        )
        roots = [span["subtree_cost_usd"] for span in trace["spans"] if span["depth"] == 0]
        assert money(roots) == money([total["cost_usd"]])
    counted = money([trace["total"]["cost_usd"] for trace in traces])
    assert counted == money([row["cost_usd"] for row in rows if row["role"] == "owner"])
    assert counted == Decimal(found["spent"] or 0).scaleb(-12)
