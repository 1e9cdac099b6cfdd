"""Who counts among the records of a call: the cases seen in the field, one fact each."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from costspan.core.attribution import Attribution
from costspan.core.call import Call, Role, Signal, SpanClass, UsageState
from costspan.core.link import Link
from costspan.core.units import Unit
from costspan.core.usage import Usage
from costspan.semconv.settlement.settle import Settled, settle
from costspan.testing.spans import sample_call

S = 1_000_000_000
TRACE = "a" * 32


def span_id(name: str) -> str:
    return name.encode().hex().rjust(16, "0")


def call(name: str, *, parent=None, at=0.0, lasts=1.0, used=(100, 10), **facts) -> Call:
    """A record of a request; `used` is (input, output) tokens or None for no usage."""
    usage = Usage({Unit.INPUT: used[0], Unit.OUTPUT: used[1]}) if used else Usage()
    known = {
        "trace_id": TRACE,
        "span_id": span_id(name),
        "parent_span_id": span_id(parent) if parent else None,
        "started_at_ns": int(at * S),
        "ended_at_ns": int((at + lasts) * S),
        "dialect": "otel_genai",
        "scope_name": "sdk",
        "requested_model": "gpt-4o",
        "usage": usage,
        "usage_state": UsageState.REPORTED if used else UsageState.MISSING,
    }
    return Call(**(known | facts))


def link(name: str, *, parent: str | None = None, **facts) -> Link:
    known = {"trace_id": TRACE, "span_id": span_id(name), "parent_span_id": span_id(parent) if parent else None}
    return Link(**(known | {"started_at_ns": 0} | facts))


def roles(settled: list[Settled]) -> dict[str, Role]:
    return {bytes.fromhex(place.call.span_id).lstrip(b"\0").decode(): place.role for place in settled}


def test_a_framework_span_around_the_client_span_is_a_duplicate_of_it():
    outer = call("outer", lasts=2, scope_name="framework")
    inner = call("inner", parent="outer", at=0.5)
    assert roles(settle([outer, inner], [])) == {"outer": Role.DUPLICATE, "inner": Role.OWNER}


def test_of_two_records_of_a_response_the_one_that_saw_more_of_the_answer_counts():
    early = call("early", used=(100, 9), response_id="msg_1")
    late = call("late", at=2, used=(100, 211), response_id="msg_1")
    assert roles(settle([early, late], [])) == {"early": Role.DUPLICATE, "late": Role.OWNER}


def test_three_instrumentations_in_one_another_are_one_call():
    records = [
        call("a", scope_name="one"),
        call("b", parent="a", scope_name="two"),
        call("c", parent="b", scope_name="three"),
    ]
    assert roles(settle(records, [])) == {"a": Role.DUPLICATE, "b": Role.DUPLICATE, "c": Role.OWNER}


def test_the_record_with_the_finer_counts_owns_the_call_and_takes_over_who_it_was_for():
    fine = replace(call("fine", response_id="r"), usage=Usage({Unit.INPUT: 60, Unit.CACHE_READ: 40, Unit.OUTPUT: 10}))
    told = call("told", parent="fine", response_id="r", scope_name="other", attribution=Attribution(feature="search"))
    owner, duplicate = settle([fine, told], [])
    assert (owner.call.span_id, owner.call.attribution.feature) == (span_id("fine"), "search")
    assert (duplicate.role, duplicate.owner, duplicate.reason) == (Role.DUPLICATE, fine.identity, "same response id")


def test_one_response_id_in_two_traces_is_one_call():
    here = call("here", response_id="chatcmpl-1")
    there = call("there", response_id="chatcmpl-1", trace_id="b" * 32, scope_name="other")
    assert sorted(roles(settle([here, there], [])).values()) == [Role.DUPLICATE, Role.OWNER]


def test_parallel_twins_of_one_instrumentation_are_two_calls():
    assert set(roles(settle([call("one", parent="p"), call("two", parent="p")], [])).values()) == {Role.OWNER}


def test_siblings_of_two_instrumentations_with_equal_counts_at_the_same_time_are_one_call():
    assert sorted(roles(settle([call("one"), call("two", scope_name="other")], [])).values()) == [
        Role.DUPLICATE,
        Role.OWNER,
    ]


def test_siblings_of_two_instrumentations_one_after_the_other_are_two_calls():
    assert set(roles(settle([call("one"), call("two", at=5, scope_name="other")], [])).values()) == {Role.OWNER}


def test_twins_seen_by_two_instrumentations_are_two_calls_and_not_four_or_one():
    records = [call("a"), call("b"), call("c", scope_name="other"), call("d", scope_name="other")]
    assert sorted(roles(settle(records, [])).values()) == [Role.DUPLICATE, Role.DUPLICATE, Role.OWNER, Role.OWNER]


def test_different_response_ids_within_one_instrumentation_are_two_calls_even_when_nested():
    outer, inner = call("outer", response_id="r1"), call("inner", parent="outer", response_id="r2")
    assert set(roles(settle([outer, inner], [])).values()) == {Role.OWNER}


def test_a_proxy_that_rewrites_the_response_id_does_not_double_the_call():
    outer = call("outer", response_id="rewritten", scope_name="client")
    inner = call("inner", parent="outer", response_id="upstream", scope_name="proxy")
    assert sorted(roles(settle([outer, inner], [])).values()) == [Role.DUPLICATE, Role.OWNER]


def test_an_attempt_is_numbered_by_the_client_that_counted_or_by_its_place_whichever_is_later():
    def attempts(*said: int) -> list[int]:
        calls = [
            call(str(at), parent="loop", at=2 * at, used=None, error_type="rate_limit", attempt=attempt)
            for at, attempt in enumerate(said)
        ]
        settled = sorted(settle(calls, [link("loop")]), key=lambda place: place.call.started_at_ns)
        return [place.call.attempt for place in settled]

    assert attempts(1, 1, 1) == [1, 2, 3]
    assert attempts(3, 1) == [3, 4]
    assert attempts(1, 2, 5) == [1, 2, 5]


def test_a_failed_attempt_below_a_wrapper_stays_a_call_of_its_own():
    outer = call("outer", lasts=3, scope_name="framework")
    failed = call("failed", parent="outer", used=None, usage_state=UsageState.REPORTED, error_type="rate_limit")
    good = call("good", parent="outer", at=1.5)
    settled = settle([outer, failed, good], [])
    assert roles(settled) == {"outer": Role.DUPLICATE, "failed": Role.OWNER, "good": Role.OWNER}
    assert [place.call.attempt for place in settled if place.call.span_id == span_id("good")] == [2]


def test_an_agent_span_counts_nothing_while_a_call_below_it_has_usage():
    agent = call("agent", span_class=SpanClass.AGGREGATE, used=(500, 50))
    settled = settle([agent, call("chat", parent="tool")], [link("tool", parent="agent")])
    assert roles(settled) == {"agent": Role.AGGREGATE, "chat": Role.OWNER}


def test_an_agent_span_counts_when_it_is_the_only_one_with_usage():
    agent = call("agent", span_class=SpanClass.AGGREGATE)
    assert roles(settle([agent, call("chat", parent="agent", used=None)], []))["agent"] is Role.OWNER


def test_of_nested_aggregates_the_innermost_counts():
    workflow = call("flow", span_class=SpanClass.AGGREGATE)
    agent = call("agent", parent="flow", span_class=SpanClass.AGGREGATE)
    assert roles(settle([workflow, agent], [])) == {"flow": Role.AGGREGATE, "agent": Role.OWNER}


def test_an_event_of_a_span_is_not_a_second_call():
    event = call("chat", signal=Signal.DETAILS_EVENT, event_key="event/1")
    span = call("chat")
    settled = {place.call.identity: place.role for place in settle([event, span], [])}
    assert settled == {"event/1": Role.DUPLICATE, span.identity: Role.OWNER}


def test_who_a_call_was_for_comes_down_from_the_spans_above_nearest_first():
    above = [
        link("request", attribution=Attribution(feature="checkout", user_id="u-1")),
        link("step", parent="request", attribution=Attribution(feature="fraud")),
    ]
    [place] = settle([call("chat", parent="step")], above)
    assert (place.call.attribution.feature, place.call.attribution.user_id) == ("fraud", "u-1")


def test_a_child_inherits_how_its_root_was_sampled():
    [place] = settle([call("chat", parent="root")], [link("root", trace_state="vendor=x,ot=th:c")])
    assert float(place.adjusted) == 4.0


def test_parents_in_a_circle_end():
    one, other = call("one", parent="two"), call("two", parent="one", scope_name="other")
    assert sorted(roles(settle([one, other], [])).values()) == [Role.DUPLICATE, Role.OWNER]


NAMES = "abcdef"
records = st.lists(
    st.builds(
        call,
        st.sampled_from(NAMES),
        parent=st.sampled_from([None, *NAMES]),
        at=st.integers(0, 3),
        used=st.sampled_from([None, (100, 10), (100, 10), (7, 3)]),
        scope_name=st.sampled_from(["one", "two"]),
        response_id=st.sampled_from([None, None, "r1", "r2"]),
        span_class=st.sampled_from([SpanClass.INFERENCE, SpanClass.INFERENCE, SpanClass.AGGREGATE]),
    ),
    max_size=6,
    unique_by=lambda record: record.identity,
)


@given(records, st.randoms())
def test_the_order_of_arrival_never_changes_who_counts(calls, random):
    shuffled = list(calls)
    random.shuffle(shuffled)
    assert sorted(map(repr, settle(shuffled, []))) == sorted(map(repr, settle(calls, [])))


@given(records)
def test_every_record_has_one_place_and_whoever_is_not_counted_names_one_who_is_known(calls):
    settled = settle(calls, [])
    assert sorted(place.call.identity for place in settled) == sorted(record.identity for record in calls)
    known = {record.identity for record in calls}
    assert all(place.owner in known for place in settled if place.role is not Role.OWNER)


@given(records)
def test_usage_never_vanishes_where_a_record_has_some_one_that_counts_has_some(calls):
    settled = settle(calls, [])
    if any(record.usage for record in calls):
        assert any(place.call.usage for place in settled if place.role is Role.OWNER)


def test_of_calls_that_began_at_once_the_order_of_arrival_decides_nothing() -> None:
    """Entries get their ids in this order, and engines find what is recorded in any."""
    calls = [sample_call(span_id=f"{number:016x}", response_id=f"r{number % 2}") for number in range(1, 7)]
    assert settle(calls, []) == settle(calls[::-1], [])
