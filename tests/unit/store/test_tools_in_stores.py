"""Tool costs and standard errors from both ledgers: the same whatever arrives first, and exact."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from costspan.core.attribution import Attribution
from costspan.core.call import Call
from costspan.core.link import Link
from costspan.core.tool import ToolUse
from costspan.pricing.load import load_rate_card
from costspan.server.analytics.spend import parse_question, spend_document
from costspan.server.analytics.tools import parse_tool_question, tools_document
from costspan.server.pipeline.settlement import post
from costspan.server.store.duckdb.store import DuckDBStore
from costspan.server.store.entry import Batch
from costspan.server.store.memory import MemoryStore
from costspan.server.store.ports import Store
from costspan.testing.spans import sample_call
from costspan.testing.spans.call import NOVEMBER_2026_NS

CARD = load_rate_card()
NOW = datetime(2026, 11, 20, tzinfo=UTC)
MS = 1_000_000
Piece = Call | Link | ToolUse
WINDOW = [("since", "2026-11-01"), ("until", "2026-11-02")]


@pytest.fixture(params=["memory", "duckdb"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    opened: Store = MemoryStore() if request.param == "memory" else DuckDBStore(tmp_path)
    yield opened
    opened.close()


def batch(pieces: Sequence[Piece]) -> Batch:
    """The span of a tool use is a link as well, as the pipeline makes it."""
    uses = [piece for piece in pieces if isinstance(piece, ToolUse)]
    links = [piece for piece in pieces if isinstance(piece, Link)]
    links += [
        Link(
            trace_id=use.trace_id,
            span_id=use.span_id,
            parent_span_id=use.parent_span_id,
            started_at_ns=use.started_at_ns,
            attribution=Attribution(tool=use.name),
        )
        for use in uses
    ]
    return Batch([piece for piece in pieces if isinstance(piece, Call)], links, tools=uses)


def call(number: int, parent: int, started_ms: int, **said: Any) -> Call:
    return sample_call(
        trace_id=said.pop("trace_id", "5" * 32),
        span_id=f"{number:016x}",
        parent_span_id=f"{parent:016x}",
        response_id=f"r{number}",
        started_at_ns=NOVEMBER_2026_NS + started_ms * MS,
        **said,
    )


def use(number: int, parent: int, name: str, ended_ms: int) -> ToolUse:
    return ToolUse(
        trace_id="5" * 32,
        span_id=f"{number:016x}",
        parent_span_id=f"{parent:016x}",
        name=name,
        started_at_ns=NOVEMBER_2026_NS + (ended_ms - 10) * MS,
        ended_at_ns=NOVEMBER_2026_NS + ended_ms * MS,
        attribution=Attribution(tool=name, service="sample"),
    )


def tools(store: Store, *filters: str) -> dict[str, Any]:
    return tools_document(store, parse_tool_question([*WINDOW, *(("filter", f) for f in filters)], NOW))


SEARCHING = {"provider": "anthropic", "requested_model": "claude-sonnet-4-6"}


def test_a_provider_s_fee_stands_under_its_tool_and_in_no_other_part(store: Store) -> None:
    # Sonnet 4.6: $3 and $15 a million, $10 per 1,000 searches: 1,000 + 500 tokens and 3 searches are $0.0405.
    reading = call(3, 1, 500, input=1_000, output=500, web_search=3, **SEARCHING)
    alone = call(4, 9, 600, trace_id="6" * 32, input=1_000, output=500, web_search=1, **SEARCHING)
    post(store, batch([use(2, 1, "lookup", 400), reading, alone]), CARD)

    told = tools(store)

    parts = ("tool", "calls", "charged_calls", "fees_usd", "follow_up_usd", "cost_usd", "cost_per_call_usd")
    assert [tuple(row[part] for part in parts) for row in told["rows"]] == [
        ("web_search", 4, 4, "0.04", None, "0.04", "0.01"),
        ("lookup", 1, 0, None, "0.0105", "0.0105", "0.0105"),
    ]
    assert told["total"]["cost_usd"] == "0.0505"
    assert told["rows"][0]["error_rate"] is None
    assert told["rows"][0]["latency_ms"] is None
    assert [row["tool"] for row in tools(store, "tool:web_search")["rows"]] == ["web_search"]
    assert [row["tool"] for row in tools(store, "tool:!web_search")["rows"]] == ["lookup"]


def test_a_call_without_a_price_leaves_the_tool_s_cost_unknown_and_says_so(store: Store) -> None:
    post(store, batch([use(2, 1, "lookup", 400), call(3, 1, 500, requested_model="mystery-1")]), CARD)

    told = tools(store)

    assert [(row["tool"], row["cost_usd"], row["follow_up_calls"]) for row in told["rows"]] == [("lookup", None, 1)]
    assert told["completeness"] == {"follow_up_unknown_calls": 0, "unpriced_calls": 1}


def test_a_late_parent_gives_a_tool_use_its_feature_and_counts_it_once(store: Store) -> None:
    root = Link(
        trace_id="5" * 32,
        span_id=f"{1:016x}",
        parent_span_id=None,
        started_at_ns=NOVEMBER_2026_NS,
        attribution=Attribution(feature="support"),
    )
    post(store, batch([use(2, 1, "lookup", 400)]), CARD)
    before = tools(store, "feature:support")["rows"]
    post(store, batch([root]), CARD)
    post(store, batch([use(2, 1, "lookup", 400), root]), CARD)

    assert before == []
    assert [(row["tool"], row["calls"]) for row in tools(store, "feature:support")["rows"]] == [("lookup", 1)]
    assert tools(store)["total"]["calls"] == 1


def test_a_question_at_the_end_of_the_calendar_is_answered(store: Store) -> None:
    post(store, batch([use(2, 1, "lookup", 400)]), CARD)

    asked = parse_tool_question([("since", "0001-01-01"), ("until", "9999-12-30")], NOW)
    assert tools_document(store, asked)["total"]["calls"] == 1


@st.composite
def agents(draw: st.DrawFn) -> list[Piece]:
    """One agent of nested loops: tools under the root or under one another, chats anywhere."""
    pieces: list[Piece] = []
    for number in range(2, draw(st.integers(3, 9))):
        parent, moment = draw(st.integers(1, number - 1)), 20 * draw(st.integers(1, 30))
        if draw(st.booleans()):
            pieces.append(use(number, parent, draw(st.sampled_from(["a", "b"])), moment))
        else:
            tokens = draw(st.integers(1, 5_000))
            searches = draw(st.sampled_from([0, 0, 2]))
            pieces.append(call(number, parent, moment, input=tokens, output=7, web_search=searches, **SEARCHING))
    return pieces


@example(
    pieces=[call(2, 1, 20, input=2, output=7), call(3, 1, 20, input=1, output=7), use(4, 1, "a", 10)],
    chance=random.Random(0),
)
@settings(max_examples=10, deadline=None)
@given(agents(), st.randoms(use_true_random=False))
def test_both_ledgers_tell_the_same_in_any_order_of_arrival(pieces: list[Piece], chance: random.Random) -> None:
    whole = MemoryStore()
    post(whole, batch(pieces), CARD)
    shuffled = list(pieces)
    chance.shuffle(shuffled)
    cut = chance.randint(0, len(shuffled))
    with TemporaryDirectory() as folder:
        disk = DuckDBStore(Path(folder))
        for part in (shuffled[:cut], shuffled[cut:], shuffled):
            post(disk, batch(part), CARD)
        told = tools(disk)
        spent = spend_document(disk, parse_question(WINDOW, NOW))["total"]["cost_usd"]
        disk.close()

    assert told == tools(whole)
    assert float(told["total"]["cost_usd"] or 0) <= float(spent or 0) + 1e-12


@settings(max_examples=10, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(1, 4), st.sampled_from(["", "ot=th:8", "ot=th:c", "ot=th:0"]), st.sampled_from("xy")),
        min_size=1,
        max_size=8,
    )
)
def test_both_ledgers_estimate_with_the_same_error(told: list[tuple[int, str, str]]) -> None:
    # The trace decides: the first state said for it holds for all of its calls.
    states: dict[int, str] = {}
    calls = [
        call(
            number,
            99,
            number,
            trace_id=f"{trace:032x}",
            trace_state=states.setdefault(trace, state),
            attribution=Attribution(feature=feature),
        )
        for number, (trace, state, feature) in enumerate(told, start=1)
    ]
    asked = parse_question([*WINDOW, ("group_by", "feature"), ("interval", "1d"), ("order", "-calls")], NOW)
    memory = MemoryStore()
    post(memory, batch(calls), CARD)
    with TemporaryDirectory() as folder:
        disk = DuckDBStore(Path(folder))
        for one in reversed(calls):
            post(disk, batch([one]), CARD)
        documents = [spend_document(ledger, asked) for ledger in (memory, disk)]
        disk.close()

    assert documents[0] == documents[1]
    total = documents[0]["total"]
    weights = {"": None, "ot=th:8": 2, "ot=th:c": 4, "ot=th:0": 1}
    counted = {trace: [t for t, _, _ in told].count(trace) for trace in states}
    # Every call is $0.0055.
    variance = sum(
        w * (w - 1) * (counted[trace] * 0.0055) ** 2 for trace, state in states.items() if (w := weights[state])
    )
    if all(state == "" for state in states.values()):
        assert total["estimated_cost_stderr_usd"] is None
    else:
        assert float(total["estimated_cost_stderr_usd"]) == pytest.approx(variance**0.5, rel=1e-5)
