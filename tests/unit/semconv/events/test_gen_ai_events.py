"""What the specification's details event, and any log record with usage, claims."""

from __future__ import annotations

from dataclasses import replace

from costspan.core.call import Call, Signal, SpanClass
from costspan.core.record import LogRecord, Scope
from costspan.core.units import Unit
from costspan.semconv.events import read_event

DETAILS = LogRecord(
    time_ns=1_795_223_461_456_180_042,
    event_name="gen_ai.client.inference.operation.details",
    trace_id="83e52" + "0" * 26 + "1",
    span_id="8d968" + "0" * 10 + "1",
    attributes={
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o-mini",
        "gen_ai.response.model": "gpt-4o-mini-2024-07-18",
        "gen_ai.response.id": "chatcmpl-1",
        "gen_ai.usage.input_tokens": 2600,
        "gen_ai.usage.output_tokens": 300,
        "gen_ai.usage.cache_read.input_tokens": 2000,
        "gen_ai.usage.cache_creation.input_tokens": 0,
    },
    resource={"service.name": "shop"},
    scope=Scope("opentelemetry.util.genai.handler", "1.3b0"),
)


def read(record: LogRecord) -> Call:
    call = read_event(record)
    assert call is not None
    return call


def test_a_details_event_claims_the_call_of_its_span() -> None:
    call = read(DETAILS)
    assert call.signal is Signal.DETAILS_EVENT
    assert (call.trace_id, call.span_id, call.parent_span_id) == (DETAILS.trace_id, DETAILS.span_id, None)
    assert call.response_id == "chatcmpl-1"
    assert dict(call.usage) == {Unit.INPUT: 600, Unit.CACHE_READ: 2000, Unit.OUTPUT: 300}
    assert call.attribution.service == "shop"


def test_a_details_event_and_its_span_are_different_records() -> None:
    call = read(DETAILS)
    assert call.identity != f"{DETAILS.trace_id}/{DETAILS.span_id}"


def test_a_record_that_comes_again_is_the_same_record_whatever_the_order_of_its_attributes() -> None:
    reversed_order = dict(reversed(DETAILS.attributes.items()))
    assert read(replace(DETAILS, attributes=reversed_order)).identity == read(DETAILS).identity


def test_a_twin_at_another_moment_or_of_another_process_is_another_record() -> None:
    identity = read(DETAILS).identity
    assert read(replace(DETAILS, time_ns=DETAILS.time_ns + 1)).identity != identity
    assert read(replace(DETAILS, resource={"service.name": "shop", "service.instance.id": "2"})).identity != identity


def test_the_event_s_name_may_stand_in_its_attribute() -> None:
    attributes = {**DETAILS.attributes, "event.name": DETAILS.event_name}
    call = read(replace(DETAILS, event_name="GenAI inference: gpt-4o-mini", attributes=attributes))
    assert call.signal is Signal.DETAILS_EVENT


def test_any_other_record_with_usage_is_an_event() -> None:
    assert read(replace(DETAILS, event_name="my.app.llm")).signal is Signal.EVENT


def test_usage_in_the_body_is_read_as_the_first_events_had_it() -> None:
    call = read(replace(DETAILS, attributes={}, body=DETAILS.attributes))
    assert call.usage[Unit.CACHE_READ] == 2000


def test_an_agent_s_details_are_an_aggregate() -> None:
    agent = {**DETAILS.attributes, "gen_ai.operation.name": "invoke_agent"}
    assert read(replace(DETAILS, attributes=agent)).span_class is SpanClass.AGGREGATE


def test_messages_and_tools_claim_nothing() -> None:
    choice = {"gen_ai.system": "openai", "index": 0}
    tool = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "search"}
    assert read_event(replace(DETAILS, event_name="gen_ai.choice", attributes=choice)) is None
    assert read_event(replace(DETAILS, attributes=tool)) is None
