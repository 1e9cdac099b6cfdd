"""One cost for one call, however many spans record it; two for two, however alike."""

from __future__ import annotations

from typing import Any

from opentelemetry.trace import Tracer, set_span_in_context

from .conftest import GPT_5, Application

OPENLLMETRY = "opentelemetry.instrumentation.openai.v1"
GENAI = "opentelemetry.instrumentation.genai.openai"


def usd(application: Application) -> list[Any]:
    return [(span.attributes or {}).get("gen_ai.usage.cost_usd") for span in application.arrived.get_finished_spans()]


def tracers(application: Application) -> tuple[Tracer, Tracer]:
    return application.provider.get_tracer(OPENLLMETRY, "0.62.4"), application.provider.get_tracer(GENAI, "1.3b0")


def test_of_two_records_one_inside_the_other_the_first_to_end_has_the_cost(application: Application) -> None:
    outside, inside = tracers(application)
    outer = outside.start_span("openai.chat", attributes=GPT_5)
    inner = inside.start_span("chat gpt-5", set_span_in_context(outer), attributes=GPT_5)
    inner.end()
    outer.end()
    assert usd(application) == [0.001525, None]
    assert (application.last.attributes or {})["costspan.duplicate_of"] == f"{inner.get_span_context().span_id:016x}"


def test_the_outer_record_may_end_first(application: Application) -> None:
    outside, inside = tracers(application)
    outer = outside.start_span("openai.chat", attributes=GPT_5)
    inner = inside.start_span("chat gpt-5", set_span_in_context(outer), attributes=GPT_5)
    outer.end()
    inner.end()
    assert usd(application) == [0.001525, None]


def test_three_records_inside_one_another_have_one_cost(application: Application) -> None:
    outside, inside = tracers(application)
    outer = application.provider.get_tracer("pydantic-ai").start_span("chat gpt-5", attributes=GPT_5)
    middle = outside.start_span("openai.chat", set_span_in_context(outer), attributes=GPT_5)
    inner = inside.start_span("chat gpt-5", set_span_in_context(middle), attributes=GPT_5)
    for span in (inner, middle, outer):
        span.end()
    assert usd(application) == [0.001525, None, None]


def test_two_records_beside_each_other_are_known_by_the_response(application: Application) -> None:
    named = GPT_5 | {"gen_ai.response.id": "chatcmpl-7"}
    spans = [tracer.start_span("chat", attributes=named) for tracer in tracers(application)]
    for span in spans:
        span.end()
    assert usd(application) == [0.001525, None]


def test_a_server_that_gives_every_response_one_id_is_paid_for_each(application: Application) -> None:
    for _ in range(2):
        application.call(gen_ai__response__id="cmpl-0")
    assert usd(application) == [0.001525, 0.001525]


def test_two_alike_calls_side_by_side_are_two_calls(application: Application) -> None:
    spans = [application.tracer.start_span("chat", attributes=GPT_5) for _ in range(2)]
    for span in spans:
        span.end()
    assert usd(application) == [0.001525, 0.001525]


def test_a_call_made_by_a_tool_within_a_call_is_another_call(application: Application) -> None:
    outer = application.tracer.start_span("chat", attributes=GPT_5)
    tool = application.tracer.start_span("execute_tool ask", set_span_in_context(outer))
    inner = application.tracer.start_span("chat", set_span_in_context(tool), attributes=GPT_5)
    for span in (inner, tool, outer):
        span.end()
    assert usd(application) == [0.001525, None, 0.001525]


def test_a_record_inside_that_knows_no_usage_leaves_the_cost_to_the_outer_one(application: Application) -> None:
    outside, inside = tracers(application)
    outer = outside.start_span("openai.chat", attributes=GPT_5)
    silent = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-5"}
    inside.start_span("chat gpt-5", set_span_in_context(outer), attributes=silent).end()
    outer.end()
    assert usd(application) == [None, 0.001525]
