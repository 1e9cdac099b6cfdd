"""Each dialect reads the spans its emitters really send; the values are those of captured spans, written by hand."""

from __future__ import annotations

import json
from typing import Any

import pytest

from costspan.core.call import Call, SpanClass, UsageState
from costspan.core.record import Scope, SpanEvent, SpanRecord
from costspan.core.units import Unit
from costspan.semconv.normalize import read_call

START_NS = 1_793_534_400_000_000_000


def read(attributes: dict[str, Any], scope: str = "", version: str = "", **fields: Any) -> Call | None:
    """Return the call of a span with these attributes."""
    given: dict[str, Any] = {
        "trace_id": "0" * 31 + "1", "span_id": "0" * 15 + "1", "parent_span_id": None, "name": "x", "kind": 3,
        "start_ns": START_NS, "end_ns": START_NS + 10**9, **fields,
    }  # fmt: skip
    return read_call(SpanRecord(attributes=attributes, scope=Scope(scope, version), **given))


def test_the_current_openai_instrumentation() -> None:
    call = read(
        {
            "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-5.6",
            "gen_ai.response.model": "gpt-5.6-2026-07-01", "gen_ai.response.id": "chatcmpl-1",
            "gen_ai.response.finish_reasons": ("stop",), "gen_ai.usage.input_tokens": 2600,
            "gen_ai.usage.output_tokens": 300, "gen_ai.usage.cache_read.input_tokens": 2000,
            "gen_ai.usage.cache_write.input_tokens": 400, "gen_ai.usage.reasoning.output_tokens": 200,
            "gen_ai.usage.audio.input_tokens": 7, "gen_ai.usage.audio.output_tokens": 5,
            "openai.response.service_tier": "flex", "gen_ai.request.stream": True,
            "gen_ai.response.time_to_first_chunk": 0.0528, "server.address": "api.openai.com",
        },
        "opentelemetry.instrumentation.genai.openai", "1.3b0",
    )  # fmt: skip
    assert call is not None
    assert (call.dialect, call.operation, call.provider, call.mode) == ("otel_genai", "chat", "openai", "flex")
    assert call.models == ("gpt-5.6-2026-07-01", "gpt-5.6")
    assert (call.response_id, call.finish_reason, call.streamed) == ("chatcmpl-1", "stop", True)
    assert call.time_to_first_chunk_s == 0.0528
    assert dict(call.usage) == {
        Unit.INPUT: 193, Unit.CACHE_READ: 2000, Unit.CACHE_WRITE_5M: 400, Unit.INPUT_AUDIO: 7, Unit.OUTPUT: 95,
        Unit.REASONING: 200, Unit.OUTPUT_AUDIO: 5,
    }  # fmt: skip
    assert call.usage_state is UsageState.REPORTED


def test_the_gen_ai_system_era() -> None:
    call = read(
        {
            "gen_ai.operation.name": "chat", "gen_ai.system": "openai", "gen_ai.request.model": "gpt-5.6",
            "gen_ai.response.model": "gpt-5.6", "gen_ai.openai.response.service_tier": "default",
            "gen_ai.usage.input_tokens": 2600, "gen_ai.usage.output_tokens": 300,
        },
        "opentelemetry.instrumentation.openai_v2", "2.4b0",
    )  # fmt: skip
    assert call is not None
    assert (call.dialect, call.provider, call.mode) == ("otel_genai_legacy", "openai", "standard")
    assert dict(call.usage) == {Unit.INPUT: 2600, Unit.OUTPUT: 300}


def test_openllmetry_today_and_before() -> None:
    today = read(
        {
            "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-5.6",
            "gen_ai.usage.input_tokens": 2600, "gen_ai.usage.output_tokens": 300, "gen_ai.usage.total_tokens": 2900,
            "gen_ai.usage.cache_read.input_tokens": 2000, "gen_ai.usage.reasoning_tokens": 200, "gen_ai.user": "u-1",
            "traceloop.association.properties.session_id": "s-1", "traceloop.association.properties.plan": "pro",
        },
        "opentelemetry.instrumentation.openai.v1", "0.62.4",
    )  # fmt: skip
    assert today is not None
    assert today.dialect == "openllmetry"
    assert dict(today.usage) == {Unit.INPUT: 600, Unit.CACHE_READ: 2000, Unit.OUTPUT: 100, Unit.REASONING: 200}
    assert (today.attribution.user_id, today.attribution.session) == ("u-1", "s-1")
    assert dict(today.attribution.tags) == {"plan": "pro"}
    before = read(
        {
            "llm.request.type": "chat", "gen_ai.system": "OpenAI", "gen_ai.request.model": "gpt-4o",
            "gen_ai.usage.prompt_tokens": "100", "gen_ai.usage.completion_tokens": 20,
            "llm.usage.total_tokens": 120, "gen_ai.completion.0.finish_reason": "length",
        }
    )  # fmt: skip
    assert before is not None
    assert (before.dialect, before.operation, before.finish_reason) == ("openllmetry", "chat", "length")
    assert dict(before.usage) == {Unit.INPUT: 100, Unit.OUTPUT: 20}
    assert read({"traceloop.span.kind": "workflow", "traceloop.entity.name": "x"}) is None


def test_openinference() -> None:
    attributes = {
        "openinference.span.kind": "LLM", "llm.token_count.prompt": 2600, "llm.token_count.completion": 300,
        "llm.token_count.total": 2900, "llm.token_count.prompt_details.cache_read": 2000,
        "llm.token_count.prompt_details.cache_write": 400, "llm.token_count.completion_details.reasoning": 200,
        "llm.model_name": "gpt-5.6-2026-07-01", "llm.system": "openai", "llm.finish_reason": "stop",
        "llm.invocation_parameters": json.dumps({"model": "gpt-5.6", "stream": True}),
        "session.id": "s", "user.id": "u",
        "metadata": '{"team": "docs", "ticket": 7, "empty": ""}',
    }  # fmt: skip
    first_token = SpanEvent("First Token Stream Event", START_NS + 250_000_000)
    call = read(attributes, "openinference.instrumentation.openai", "0.1.66", events=(first_token,))
    assert call is not None
    assert (call.dialect, call.provider, call.requested_model) == ("openinference", "openai", "gpt-5.6")
    assert (call.response_model, call.streamed, call.time_to_first_chunk_s) == ("gpt-5.6-2026-07-01", True, 0.25)
    assert dict(call.usage) == {
        Unit.INPUT: 200, Unit.CACHE_READ: 2000, Unit.CACHE_WRITE_5M: 400, Unit.OUTPUT: 100, Unit.REASONING: 200,
    }  # fmt: skip
    assert (call.attribution.session, call.attribution.user_id, call.attribution.team) == ("s", "u", "docs")
    assert dict(call.attribution.tags) == {"ticket": "7"}
    chain = read({**attributes, "openinference.span.kind": "CHAIN"})
    assert chain is not None
    assert chain.span_class is SpanClass.AGGREGATE
    assert read({"openinference.span.kind": "TOOL", "tool.name": "x"}) is None


def test_bedrock_counts_cached_tokens_apart() -> None:
    call = read(
        {
            "gen_ai.operation.name": "chat", "gen_ai.provider.name": "aws.bedrock",
            "gen_ai.request.model": "anthropic.claude-sonnet-4-5", "gen_ai.usage.input_tokens": 50,
            "gen_ai.usage.output_tokens": 77, "gen_ai.usage.cache_read.input_tokens": 1000,
            "gen_ai.usage.cache_write.input_tokens": 300,
        },
        "opentelemetry.instrumentation.genai.bedrock", "1.3b0",
    )  # fmt: skip
    assert call is not None
    assert (call.usage.input_tokens, call.usage.context_tokens) == (50, 1350)
    assert call.usage_state is UsageState.ASSUMED
    assert "time to live" in (call.usage_note or "")


def test_synonyms_of_one_count_are_never_added() -> None:
    call = read(
        {
            "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai",
            "gen_ai.usage.input_tokens": 100, "gen_ai.usage.prompt_tokens": 100, "gen_ai.usage.output_tokens": 20,
            "gen_ai.usage.completion_tokens": 20, "gen_ai.usage.cache_read.input_tokens": 10,
            "gen_ai.usage.cache_read_input_tokens": 10, "gen_ai.usage.cache_creation.input_tokens": 5,
            "gen_ai.usage.cache_write_input_tokens": 5,
        },
        "opentelemetry.instrumentation.genai.openai", "1.3b0",
    )  # fmt: skip
    assert call is not None
    assert call.usage.tokens == 120
    assert dict(call.usage) == {Unit.INPUT: 85, Unit.CACHE_READ: 10, Unit.CACHE_WRITE_5M: 5, Unit.OUTPUT: 20}


def test_a_failed_call_without_usage_is_no_missing_usage() -> None:
    failed = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "error.type": "openai.RateLimitError"}
    call = read(failed, status_code=2)
    assert call is not None
    assert (call.error_type, call.usage_state) == ("rate_limit", UsageState.REPORTED)
    raised = SpanEvent("exception", START_NS, {"exception.type": "httpx.ReadTimeout"})
    unnamed = read({"gen_ai.operation.name": "chat", "gen_ai.provider.name": "x"}, status_code=2, events=(raised,))
    assert unnamed is not None
    assert unnamed.error_type == "timeout"


def test_an_answer_without_output_tokens_is_assumed_and_an_embedding_is_not() -> None:
    said = {"gen_ai.provider.name": "openai", "gen_ai.request.model": "m", "gen_ai.usage.input_tokens": 8}
    chat = read({"gen_ai.operation.name": "chat", **said})
    embedding = read({"gen_ai.operation.name": "embeddings", **said})
    assert chat is not None
    assert embedding is not None
    assert (chat.usage_state, chat.usage_note) == (UsageState.ASSUMED, "output tokens were not reported")
    assert embedding.usage_state is UsageState.REPORTED


@pytest.mark.parametrize(
    ("tiers", "mode", "state"),
    [
        ({"openai.response.service_tier": "default"}, "standard", UsageState.REPORTED),
        ({"openai.response.service_tier": "priority"}, "priority", UsageState.REPORTED),
        ({"openai.response.service_tier": "default", "openai.request.service_tier": "flex"}, "standard",
         UsageState.REPORTED),
        ({"openai.request.service_tier": "flex"}, "flex", UsageState.ASSUMED),
        ({"openai.request.service_tier": "priority"}, "standard", UsageState.REPORTED),
        ({"openai.request.service_tier": "auto"}, "standard", UsageState.REPORTED),
    ],
)  # fmt: skip
def test_the_tier_served_decides(tiers: dict[str, str], mode: str, state: UsageState) -> None:
    plain = {"gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 8, "gen_ai.usage.output_tokens": 1}
    call = read({**plain, **tiers})
    assert call is not None
    assert (call.mode, call.usage_state) == (mode, state)


@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"http.request.method": "POST"},
        {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "search"},
        {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "a"},
        {"gen_ai.operation.name": "create_agent"},
    ],
)
def test_a_span_that_claims_neither_request_nor_usage_is_no_call(attributes: dict[str, Any]) -> None:
    assert read(attributes) is None
