"""Settling by components changes nothing: what is settled apart could not have borne on the rest."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from test_settle import call, link

from costspan.core.attribution import Attribution
from costspan.core.call import Signal, SpanClass
from costspan.semconv.settlement import witness
from costspan.semconv.settlement.settle import Settled, _settled_together, settle

TRACES = st.sampled_from(["a" * 32, "b" * 32, "c" * 32])
NAMES = st.sampled_from("12345")


@st.composite
def records(draw):
    calls, links = {}, {}
    for _ in range(draw(st.integers(1, 6))):
        one = call(
            draw(NAMES),
            parent=draw(st.none() | NAMES),
            at=draw(st.integers(0, 3)),
            used=draw(st.sampled_from([None, (100, 10), (7, 1)])),
            trace_id=draw(TRACES),
            scope_name=draw(st.sampled_from(["sdk", "framework"])),
            span_class=draw(st.sampled_from([SpanClass.INFERENCE, SpanClass.INFERENCE, SpanClass.AGGREGATE])),
            response_id=draw(st.sampled_from([None, None, "r1", "r2"])),
            error_type=draw(st.sampled_from([None, None, "timeout"])),
            trace_state=draw(st.sampled_from(["", "", "ot=th:c"])),
            attribution=Attribution(service="s", session=draw(st.sampled_from([None, "x"]))),
        )
        if draw(st.integers(0, 4)) == 0:
            placed = draw(st.booleans())
            event = replace(one, signal=Signal.EVENT, span_class=SpanClass.INFERENCE, event_key=f"e/{len(calls)}")
            one = event if placed else replace(event, trace_id="", span_id="", parent_span_id=None)
        calls[one.identity] = one
    for _ in range(draw(st.integers(0, 4))):
        above = replace(
            link(draw(NAMES), parent=draw(st.none() | NAMES)),
            trace_id=draw(TRACES),
            trace_state=draw(st.sampled_from(["", "ot=th:8"])),
            attribution=Attribution(team=draw(st.sampled_from([None, "t"]))),
        )
        if above.identity not in calls:
            links[above.identity] = above
    return list(calls.values()), list(links.values())


def seen(places: list[Settled]) -> dict[str, tuple[object, ...]]:
    return {
        place.call.identity: (place.call, place.role, place.owner, place.reason, place.adjusted) for place in places
    }


@settings(max_examples=400, deadline=None)
@given(records())
def test_all_at_once_and_by_components_are_the_same(sent) -> None:
    calls, links = sent
    assert seen(settle(calls, links)) == seen(_settled_together(calls, links, witness.testimony(calls)))


@given(records())
def test_a_verdict_knows_whether_it_adds_anything_to_the_record(sent) -> None:
    calls, links = sent
    received = {one.identity: one for one in calls}
    for place in settle(calls, links):
        assert place.as_received == (place.call == received[place.call.identity])
