"""What the builders send is what the emitters send: read back by the dialects, and key by key."""

from __future__ import annotations

import json

import pytest

from costspan.core.attribution import Attribution
from costspan.core.call import Call, UsageState
from costspan.core.record import SpanRecord
from costspan.core.units import Unit
from costspan.core.usage import Usage
from costspan.semconv.normalize import read_call
from costspan.testing.spans import (
    anthropic_sdk,
    database_span,
    http_server_span,
    openinference,
    openllmetry,
    otel_genai,
    otel_legacy,
    pydantic_ai,
    pydantic_ai_run,
    sample_call,
)

WHO = Attribution(
    service="support-bot", environment="production", feature="chat", team="support", user_id="u-1", session="s-1"
)
CHAT = sample_call(input=600, cache_read=1_400, output=100, reasoning=200, attribution=WHO)


def read(span: SpanRecord) -> Call:
    call = read_call(span)
    assert call is not None
    return call


@pytest.mark.parametrize("build", [otel_genai, otel_legacy, openinference, openllmetry])
def test_every_dialect_carries_who_the_call_was_for(build) -> None:
    assert read(build(CHAT)).attribution == WHO


@pytest.mark.parametrize("build", [otel_genai, openinference, openllmetry])
def test_dialects_with_details_carry_cached_and_reasoning_tokens(build) -> None:
    usage = Usage({Unit.INPUT: 600, Unit.CACHE_READ: 1_400, Unit.OUTPUT: 100, Unit.REASONING: 200})

    assert read(build(CHAT)).usage == usage


def test_an_agent_framework_repeats_its_clients_answer_and_sums_it_up() -> None:
    request, run = read(pydantic_ai(CHAT)), read(pydantic_ai_run(CHAT, [CHAT, CHAT]))

    assert (request.span_class, request.response_id) == ("inference", "chatcmpl-1")
    assert (request.usage.context_tokens, request.usage.output_tokens) == (2_000, 300)
    assert (run.span_class, run.response_id) == ("aggregate", None)
    assert (run.usage.context_tokens, run.usage.output_tokens) == (4_000, 600)


def test_the_older_instrumentation_knows_totals_only() -> None:
    call = read(otel_legacy(CHAT))

    assert call.usage == Usage({Unit.INPUT: 2_000, Unit.OUTPUT: 300})
    assert otel_legacy(CHAT).attributes["gen_ai.system"] == "openai"
    assert "gen_ai.provider.name" not in otel_legacy(CHAT).attributes


@pytest.mark.parametrize("spelling", ["cache_write", "cache_creation"])
def test_cache_writes_have_two_spellings(spelling) -> None:
    call = sample_call(provider="anthropic", input=50, cache_read=1_000, cache_write_5m=300, output=77)

    attributes = otel_genai(call, cache_write=spelling).attributes

    assert attributes[f"gen_ai.usage.{spelling}.input_tokens"] == 300
    assert attributes["gen_ai.usage.input_tokens"] == 1_350


def test_the_anthropic_sdk_splits_cache_writes_by_lifetime() -> None:
    call = sample_call(
        provider="anthropic",
        requested_model="claude-sonnet-4-6",
        input=50,
        cache_write_5m=200,
        cache_write_1h=100,
        mode="batch",
    )

    span = anthropic_sdk(call)

    assert span.name == "anthropic.messages.create"
    assert span.attributes["gen_ai.usage.cache_write.input_tokens"] == 300
    assert span.attributes["anthropic.usage.cache_creation.ephemeral_5m_input_tokens"] == 200
    assert span.attributes["anthropic.usage.cache_creation.ephemeral_1h_input_tokens"] == 100
    assert span.attributes["anthropic.response.service_tier"] == "batch"


def test_the_tier_served_is_carried_by_the_current_openai_instrumentation() -> None:
    call = sample_call(mode="flex")

    assert otel_genai(call).attributes["openai.response.service_tier"] == "flex"
    assert read(otel_genai(call)).mode == "flex"


def test_a_failed_call_has_an_error_and_no_usage_or_response() -> None:
    span = otel_genai(sample_call(error_type="openai.RateLimitError"))

    assert span.status_code == 2
    assert span.attributes["error.type"] == "openai.RateLimitError"
    assert not [key for key in span.attributes if key.startswith(("gen_ai.usage", "gen_ai.response"))]
    assert read(span).error_type == "rate_limit"


def test_a_stream_without_usage_is_read_as_usage_missing() -> None:
    span = otel_genai(sample_call(usage=None, streamed=True, time_to_first_chunk_s=0.25))

    assert span.attributes["gen_ai.request.stream"] is True
    assert span.attributes["gen_ai.response.time_to_first_chunk"] == 0.25
    assert read(span).usage_state is UsageState.MISSING


def test_openinference_says_feature_and_team_in_json_and_the_first_token_as_an_event() -> None:
    span = openinference(sample_call(attribution=WHO, time_to_first_chunk_s=0.5))

    assert json.loads(str(span.attributes["metadata"])) == {"feature": "chat", "team": "support"}
    assert span.attributes["user.id"] == "u-1"
    assert span.events[0].name == "First Token Stream Event"
    assert span.events[0].time_ns == span.start_ns + 500_000_000


def test_spans_around_a_call_are_no_calls() -> None:
    times = {"trace_id": "a" * 32, "span_id": "b" * 16, "start_ns": 1, "end_ns": 2, "who": WHO}

    assert read_call(http_server_span(**times)) is None
    assert read_call(database_span(**times, parent_span_id=None)) is None


def test_a_sample_call_takes_every_field_of_a_call() -> None:
    said = sample_call(requested_model="o3", trace_id="c" * 32, provider="azure")

    assert (said.requested_model, said.response_model, said.trace_id) == ("o3", "o3", "c" * 32)
