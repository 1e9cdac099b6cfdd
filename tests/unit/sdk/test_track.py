"""`costspan.track`: a call described by hand is a call like any other."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
from opentelemetry.trace import SpanKind, StatusCode

import costspan

from .conftest import GPT_5, Application
from .provider_answers import ANSWERS, CLAUDE

COST = "gen_ai.usage.cost_usd"
STATUS = "costspan.price_status"


def test_a_tracked_call_leaves_as_a_priced_client_span(application: Application) -> None:
    with costspan.attribute(feature="search"), application.track() as call:
        call.record_usage(
            input_tokens=1000, cache_read_tokens=200, output_tokens=50, finish_reason="stop", response_id="r-1"
        )
    span, said = application.last, application.said
    assert (span.name, span.kind, span.status.status_code) == ("chat gpt-5", SpanKind.CLIENT, StatusCode.UNSET)
    assert (said["gen_ai.operation.name"], said["gen_ai.provider.name"]) == ("chat", "openai")
    assert said["gen_ai.usage.input_tokens"] == 1000
    assert said["gen_ai.response.finish_reasons"] == ("stop",)
    assert said["gen_ai.response.id"] == "r-1"
    assert said["feature"] == "search"
    # 800 uncached at $1.25, 200 cached at $0.125 and 50 out at $10 a million
    assert (said[COST], said[STATUS]) == (0.001525, "priced")


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_of_a_provider_is_priced_as_the_provider_bills_it(application: Application, name: str) -> None:
    provider, model, answer, cost = ANSWERS[name]
    operation = "embeddings" if "embedding" in model else "chat"
    with application.track(operation, provider=provider, model=model) as call:
        call.record_response(answer)
    assert Decimal(repr(application.said[COST])) == Decimal(cost)
    assert application.said[STATUS] == "priced"
    assert "secret words" not in repr(application.said)


def test_an_answer_says_model_id_tier_and_how_it_ended(application: Application) -> None:
    with application.track(provider="anthropic", model="claude-sonnet-4-5") as call:
        call.record_response(CLAUDE)
    said = application.said
    assert said["gen_ai.response.model"] == "claude-sonnet-4-5-20250929"
    assert said["gen_ai.response.id"] == "msg_1"
    assert said["gen_ai.response.service_tier"] == "standard"
    assert said["gen_ai.response.finish_reasons"] == ("end_turn",)
    # As OpenTelemetry counts: 100 + 2,000 read + 300 written
    assert said["gen_ai.usage.input_tokens"] == 2400


def test_an_exception_goes_on_as_it_is_and_marks_the_call_without_its_message(application: Application) -> None:
    error = TimeoutError("the prompt was: secret words")
    with pytest.raises(TimeoutError) as caught, application.track():
        raise error
    assert caught.value is error
    assert application.last.status.status_code is StatusCode.ERROR
    assert application.said["error.type"] == "TimeoutError"
    assert COST not in application.said
    assert "secret words" not in application.last.to_json()


def test_an_error_that_was_handled_can_be_recorded(application: Application) -> None:
    with application.track() as call:
        call.record_error("rate_limit")
    assert application.last.status.status_code is StatusCode.ERROR
    assert application.said["error.type"] == "rate_limit"


@pytest.mark.parametrize("operation", ["chat", "embeddings", "summarise"])
def test_a_call_of_which_nothing_is_recorded_is_missing_its_usage(application: Application, operation: str) -> None:
    with application.track(operation):
        pass
    assert application.said[STATUS] == "usage_missing"
    assert COST not in application.said


def test_the_first_token_is_timed_once(application: Application) -> None:
    with application.track() as call:
        call.record_first_token()
        first = dict(call.span.attributes)["gen_ai.response.time_to_first_chunk"]  # type: ignore[attr-defined]
        call.record_first_token()
    assert application.said["gen_ai.response.time_to_first_chunk"] == first > 0
    assert application.said["gen_ai.request.stream"] is True


def test_counts_that_contradict_one_another_are_shown_and_not_priced(application: Application) -> None:
    with application.track() as call:
        call.record_usage(input_tokens=100, cache_read_tokens=2000, output_tokens=5)
    assert application.said[STATUS] == "invalid_usage"
    assert COST not in application.said


def test_words_nobody_knows_and_answers_nobody_reads_are_logged_and_change_nothing(
    application: Application, caplog: pytest.LogCaptureFixture
) -> None:
    with application.track() as call:
        call.record_usage(input_tokens=1000, output_tokens=None, tokens=7)  # type: ignore[call-arg]
        call.record_usage(output_tokens="many")  # type: ignore[arg-type]
        call.record_response(object())
        call.record_response("no JSON")
        call.record_usage(output_tokens=50)
    assert application.said["gen_ai.usage.output_tokens"] == 50
    assert [record.levelno for record in caplog.records] == [logging.WARNING] * 4
    assert "record_usage(tokens=7) is not understood" in caplog.text


def test_without_anything_configured_a_tracked_call_is_the_code_inside() -> None:
    with costspan.track("chat", provider="openai", model="gpt-5") as call:
        call.record_usage(input_tokens=1)
        call.record_response(CLAUDE)
        call.record_first_token()
        call.record_error("rate_limit")
    costspan.current_call().record_usage(input_tokens=1)


def test_a_decorated_function_is_a_call_each_time_and_its_answer_is_recorded(application: Application) -> None:
    @application.track(provider="anthropic", model="claude-sonnet-4-5")
    def ask(question: str) -> dict[str, Any]:
        return CLAUDE

    @application.track()
    async def ask_later() -> str:
        await asyncio.sleep(0)
        costspan.current_call().record_usage(input_tokens=1000, cache_read_tokens=200, output_tokens=50)
        return "an answer"

    assert ask("why") is CLAUDE
    assert application.said[COST] == 0.023225
    assert asyncio.run(ask_later()) == "an answer"
    assert application.said[COST] == 0.001525


def test_a_decorated_generator_is_one_call_from_its_first_item_to_its_last(application: Application) -> None:
    @application.track()
    def stream() -> Iterator[str]:
        for word in ("one", "two"):
            costspan.current_call().record_first_token()
            yield word
        costspan.current_call().record_usage(input_tokens=1000, cache_read_tokens=200, output_tokens=50)

    @application.track()
    async def stream_later() -> AsyncIterator[str]:
        for word in stream():
            yield word

    async def read() -> list[str]:
        return [word async for word in stream_later()]

    assert list(stream()) == ["one", "two"]
    assert application.said[COST] == 0.001525
    assert application.said["gen_ai.response.time_to_first_chunk"] > 0
    assert asyncio.run(read()) == ["one", "two"]


def test_a_stream_its_reader_gives_up_is_missing_its_usage_and_has_not_failed(application: Application) -> None:
    @application.track()
    def stream() -> Iterator[str]:
        yield "one"
        yield "two"

    reading = stream()
    next(reading)
    assert application.arrived.get_finished_spans() == ()
    reading.close()
    assert application.said[STATUS] == "usage_missing"
    assert application.last.status.status_code is StatusCode.UNSET


@pytest.mark.parametrize("used", [{"input_tokens": 1000, "output_tokens": 50}, {}])
def test_around_an_instrumented_call_only_the_inner_one_has_a_cost(
    application: Application, used: dict[str, int]
) -> None:
    with application.track() as call:
        inner = application.call()
        call.record_usage(**used)  # type: ignore[arg-type]
    assert inner[COST] == 0.001525
    assert COST not in application.said
    assert STATUS not in application.said


def test_around_several_instrumented_calls_their_sum_is_no_further_call(application: Application) -> None:
    with application.track() as call:
        application.call()
        application.call()
        call.record_usage(input_tokens=2000, output_tokens=100)
    assert COST not in application.said


def test_a_call_that_used_something_else_than_the_one_inside_has_its_own_cost(application: Application) -> None:
    with application.track() as call:
        application.call()
        call.record_usage(input_tokens=800, output_tokens=7)
    # 800 at $1.25 and 7 at $10 a million
    assert application.said[COST] == 0.00107


def test_one_object_tracks_calls_of_many_threads_and_nested_ones(application: Application) -> None:
    shared = application.track()

    def ask(number: int) -> None:
        with shared as call, application.provider.get_tracer("app").start_as_current_span("work"):
            call.record_usage(input_tokens=number, output_tokens=1)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(ask, range(1, 41)))
    with shared as outer:
        with shared as inner:
            inner.record_usage(input_tokens=41)
        assert costspan.current_call() is outer
        outer.record_usage(input_tokens=42)
    spans = [span for span in application.arrived.get_finished_spans() if span.name == "chat gpt-5"]
    assert sorted((span.attributes or {})["gen_ai.usage.input_tokens"] for span in spans) == list(range(1, 43))


def test_attributes_of_one_s_own_are_kept(application: Application) -> None:
    with application.track(attributes={"server.address": "llm.example"}, service_tier="flex") as call:
        call.record_usage(input_tokens=1000, cache_read_tokens=200, output_tokens=50)
    assert application.said["server.address"] == "llm.example"
    assert application.said.items() >= {k: v for k, v in GPT_5.items() if "request" in k}.items()
