"""Who caused what a call cost: fees, calls inside a tool, and the completion that reads its result."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from costspan.core.attribution import Attribution
from costspan.core.call import SpanClass
from costspan.core.tool import ToolUse
from costspan.core.units import Unit
from costspan.semconv.settlement.tools import CostedCall, Fee, Part, ToolTrace, tool_shares

MS = 1_000_000


def use(span_id: str, parent: str | None, ended_ms: int, *, agent: str | None = None) -> ToolUse:
    return ToolUse(
        trace_id="t",
        span_id=span_id,
        parent_span_id=parent,
        name=span_id.rstrip("0123456789"),
        started_at_ns=(ended_ms - 1) * MS,
        ended_at_ns=ended_ms * MS,
        attribution=Attribution(agent=agent),
    )


def call(span_id: str, started_ms: int, cost: int | None, **said: Any) -> CostedCall:
    defaults: dict[str, Any] = {
        "identity": span_id,
        "span_id": span_id,
        "started_at_ns": started_ms * MS,
        "operation": "chat",
        "span_class": SpanClass.INFERENCE,
        "agent": None,
        "failed": False,
        "cost": cost,
    }
    return CostedCall(**(defaults | said))


def told(parents: dict[str, str | None], uses: list[ToolUse], calls: list[CostedCall]) -> list[tuple[Any, ...]]:
    shares = tool_shares(ToolTrace(parents, uses, calls))
    return [(share.part.value, share.use.span_id if share.use else share.tool, share.amount) for share in shares]


def test_the_completion_that_reads_three_results_is_split_to_the_last_pico_dollar():
    parents = {"agent": None, "ask": "agent", "read": "agent", "a": "agent", "b": "agent", "c": "agent"}
    uses = [use("a", "agent", 20), use("b", "agent", 22), use("c", "agent", 21)]
    calls = [call("ask", 1, 500), call("read", 30, 100)]

    assert told(parents, uses, calls) == [("follow_up", "a", 34), ("follow_up", "c", 33), ("follow_up", "b", 33)]


def test_each_completion_pays_for_the_tools_that_ended_since_the_one_before():
    parents = {"x1": "agent", "x2": "agent", "ask": "agent", "read1": "agent", "read2": "agent"}
    uses = [use("x1", "agent", 20), use("x2", "agent", 40)]
    calls = [call("ask", 1, 5), call("read1", 30, 70), call("read2", 50, 90)]

    assert told(parents, uses, calls) == [("follow_up", "x1", 70), ("follow_up", "x2", 90)]


def test_the_reader_may_stand_in_the_next_step_of_the_agent():
    parents = {"step1": "agent", "step2": "agent", "x": "step1", "ask": "step1", "read": "step2"}

    assert told(parents, [use("x", "step1", 20)], [call("ask", 1, 5), call("read", 30, 70)]) == [("follow_up", "x", 70)]


def test_what_a_nested_tool_caused_is_its_own_and_not_the_outer_one_s_again():
    # agent: chat, research(sub-agent: chat, search, chat), chat
    parents = {
        "ask": "agent", "research": "agent", "read": "agent",
        "sub": "research", "sub_ask": "sub", "search": "sub", "sub_read": "sub", "embed": "search",
    }  # fmt: skip
    uses = [use("research", "agent", 90), use("search", "sub", 50)]
    calls = [
        call("ask", 1, 1_000),
        call("sub_ask", 20, 200),
        call("embed", 40, 7, operation="embeddings"),
        call("sub_read", 60, 300),
        call("read", 100, 4_000),
    ]

    assert told(parents, uses, calls) == [
        ("inside", "research", 200),
        ("inside", "search", 7),
        ("follow_up", "search", 300),
        ("follow_up", "research", 4_000),
    ]


def test_another_agent_s_completion_reads_no_result_of_this_one():
    parents = {"x": "a", "a": "root", "b": "root", "other": "b"}

    assert told(parents, [use("x", "a", 20, agent="a")], [call("other", 30, 70, agent="b")]) == []


def test_an_embedding_reads_nothing_and_a_root_tool_has_no_loop():
    parents = {"x": "agent", "embed": "agent", "alone": None}
    calls = [call("embed", 30, 70, operation="embeddings")]

    assert told(parents, [use("x", "agent", 20), use("alone", None, 20)], calls) == []


def test_every_attempt_to_read_a_result_is_charged_to_it():
    parents = {"x": "agent", "first": "agent", "second": "agent", "later": "agent"}
    calls = [call("first", 30, None, failed=True), call("second", 40, 70), call("later", 50, 90)]

    assert told(parents, [use("x", "agent", 20)], calls) == [("follow_up", "x", None), ("follow_up", "x", 70)]


def test_a_provider_s_fee_belongs_to_its_tool_and_the_rest_of_the_call_to_what_it_reads():
    parents = {"x": "agent", "read": "agent"}
    calls = [call("read", 30, 100, fees=(Fee(Unit.WEB_SEARCH, 2, 20),))]

    assert told(parents, [use("x", "agent", 20)], calls) == [("fee", "web_search", 20), ("follow_up", "x", 80)]


def test_usage_on_a_tool_s_own_span_is_inside_the_tool():
    parents = {"x": "agent"}

    assert told(parents, [use("x", "agent", 20)], [call("x", 19, 9, span_class=SpanClass.AGGREGATE)]) == [
        ("inside", "x", 9)
    ]


def test_a_circle_of_parents_ends():
    parents = {"x": "y", "y": "x", "read": "y"}

    assert told(parents, [use("x", "y", 20)], [call("read", 30, 5)]) == [("inside", "x", 5)]


@st.composite
def traces(draw: st.DrawFn) -> ToolTrace:
    """Any forest of spans, some of them tools and some calls, at any times."""
    size = draw(st.integers(2, 14))
    parents: dict[str, str | None] = {}
    uses, calls = [], []
    for number in range(size):
        span_id = f"s{number}"
        parents[span_id] = draw(st.sampled_from([None, "absent", *(f"s{above}" for above in range(number))]))
        moment, agent = draw(st.integers(1, 30)), draw(st.sampled_from([None, None, "a", "b"]))
        kind = draw(st.sampled_from(["tool", "tool", "call", "call", "link"]))
        if kind == "tool":
            uses.append(use(span_id, parents[span_id], moment, agent=agent))
        elif kind == "call":
            fees = draw(st.sampled_from([(), (), (Fee(Unit.WEB_SEARCH, 1, 10),)]))
            cost = draw(st.one_of(st.integers(10, 10**13), st.none())) if not fees else draw(st.integers(10, 999))
            operation = draw(st.sampled_from(["chat", "chat", "embeddings"]))
            failed = cost is None and draw(st.booleans())
            calls.append(call(span_id, moment, cost, agent=agent, fees=fees, operation=operation, failed=failed))
    return ToolTrace(parents, uses, calls)


@given(traces(), st.randoms(use_true_random=False))
def test_no_call_is_shared_out_beyond_its_cost_and_arrival_order_never_matters(
    trace: ToolTrace, chance: random.Random
) -> None:
    shares = tool_shares(trace)

    for one in trace.calls:
        of_call = [share for share in shares if share.call is one]
        fees = sum(fee.cost for fee in one.fees)
        if one.cost is None:
            assert all(share.amount is None for share in of_call)
        else:
            assert sum(share.amount or 0 for share in of_call) in {one.cost, fees}
        parts = [share.amount for share in of_call if share.part is Part.FOLLOW_UP and share.amount is not None]
        assert not parts or max(parts) - min(parts) <= 1
        assert len({share.part for share in of_call} - {Part.FEE}) <= 1

    uses, calls = list(trace.uses), list(trace.calls)
    chance.shuffle(uses)
    chance.shuffle(calls)
    parents = dict(sorted(trace.parents.items(), key=lambda _: chance.random()))
    assert tool_shares(ToolTrace(parents, uses, calls)) == shares
