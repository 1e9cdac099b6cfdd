"""What the emitters do besides their ordinary request: sums, copies, caches, older and newer shapes."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from dialect_samples import SAMPLES
from dialect_span import event, said, span

from costspan.core.record import SpanRecord
from costspan.semconv.normalize import read_call


def changed(name: str, **attributes: object) -> SpanRecord:
    record = SAMPLES[name]
    named = {key.replace("__", "."): value for key, value in attributes.items()}
    merged = {key: value for key, value in {**record.attributes, **named}.items() if value is not None}
    return replace(record, attributes=merged)  # type: ignore[arg-type]


def test_litellms_raw_span_is_not_a_second_call() -> None:
    raw = span(
        {"llm.openai.id": "chatcmpl-6", "llm.openai.usage": "{'prompt_tokens': 2000}"},
        scope="litellm",
        name="raw_gen_ai_request",
    )
    assert read_call(raw) is None


def test_an_answer_from_litellms_cache_is_no_request() -> None:
    assert read_call(changed("litellm", litellm__cache_hit=True)) is None
    assert read_call(changed("litellm_legacy", hidden_params='{"cache_hit": true}')) is None


def test_a_cost_of_zero_is_not_said() -> None:
    assert "reported_cost" not in said(changed("litellm_legacy", gen_ai__cost__total_cost=0.0))


def test_litellm_copies_anthropics_cache_into_the_openai_shape() -> None:
    usage = "{'prompt_tokens': 1350, 'completion_tokens': 77, 'total_tokens': 1427, 'cache_read_input_tokens': 1000, "
    usage += "'cache_creation_input_tokens': 300, 'prompt_tokens_details': {'cached_tokens': 1000}}"
    record = changed(
        "litellm_legacy",
        metadata__usage_object=usage,
        gen_ai__usage__input_tokens=1350,
        gen_ai__usage__output_tokens=77,
        gen_ai__usage__total_tokens=1427,
    )
    assert said(record)["usage"] == {"input": 50, "cache_read": 1000, "cache_write_5m": 300, "output": 77}


@pytest.mark.parametrize("operation", ["ai.generateText", "ai.streamText", "ai.generateObject", "ai.embed"])
def test_vercels_outer_spans_sum_up(operation: str) -> None:
    record = span(
        {"ai.operationId": operation, "ai.model.id": "gpt-4.1", "ai.usage.inputTokens": 1370, "ai.usage.tokens": 41},
        scope="ai",
    )
    assert said(record)["span_class"] == "aggregate"


def test_vercels_tool_call_is_no_call() -> None:
    assert read_call(span({"ai.operationId": "ai.toolCall", "ai.toolCall.name": "get_weather"}, scope="ai")) is None


def test_vercel_embeds_under_its_own_name() -> None:
    record = span(
        {
            "ai.operationId": "ai.embed.doEmbed",
            "ai.model.provider": "openai.embedding",
            "ai.model.id": "text-embedding-3-small",
            "ai.usage.tokens": 41,
        },
        scope="ai",
    )
    assert said(record) == {
        "dialect": "vercel_ai",
        "operation": "embeddings",
        "provider": "openai.embedding",
        "requested_model": "text-embedding-3-small",
        "span_class": "inference",
        "usage": {"input": 41},
        "usage_state": "reported",
    }


def test_vercel_4_names_are_read() -> None:
    record = span(
        {
            "ai.operationId": "ai.generateText.doGenerate",
            "ai.model.provider": "openai.chat",
            "ai.model.id": "gpt-4o",
            "ai.usage.promptTokens": 100,
            "ai.usage.completionTokens": 20,
        },
        scope="ai",
    )
    assert said(record)["usage"] == {"input": 100, "output": 20}


def test_vercel_6_counts_anthropics_cache_inside_the_input() -> None:
    record = span(
        {
            "ai.operationId": "ai.generateText.doGenerate",
            "ai.model.provider": "anthropic.messages",
            "ai.model.id": "claude-sonnet-4-5",
            "ai.usage.inputTokens": 1350,
            "ai.usage.inputTokenDetails.noCacheTokens": 50,
            "ai.usage.inputTokenDetails.cacheReadTokens": 1000,
            "ai.usage.inputTokenDetails.cacheWriteTokens": 300,
            "ai.usage.outputTokens": 77,
        },
        scope="ai",
    )
    assert said(record)["usage"] == {"input": 50, "cache_read": 1000, "cache_write_5m": 300, "output": 77}
    assert said(record)["usage_state"] == "assumed"


def test_vercel_keeps_openais_tier_in_the_providers_metadata() -> None:
    record = span(
        {
            "ai.operationId": "ai.generateText.doGenerate",
            "ai.model.provider": "openai.responses",
            "ai.model.id": "gpt-5-mini",
            "ai.usage.inputTokens": 10,
            "ai.usage.outputTokens": 2,
            "ai.response.providerMetadata": '{"openai": {"serviceTier": "priority"}}',
        },
        scope="ai",
    )
    assert said(record)["mode"] == "priority"


def test_pydantic_ais_agent_run_is_an_aggregate_with_its_sums() -> None:
    record = span(
        {
            "gen_ai.operation.name": "invoke_agent",
            "model_name": "gpt-5-mini",
            "gen_ai.agent.name": "helper",
            "gen_ai.aggregated_usage.input_tokens": 1322,
            "gen_ai.aggregated_usage.output_tokens": 235,
            "gen_ai.aggregated_usage.cache_read.input_tokens": 512,
            "gen_ai.aggregated_usage.details.reasoning_tokens": 64,
        },
        scope="pydantic-ai",
        version="2.68.0",
    )
    assert said(record) == {
        "dialect": "pydantic_ai",
        "operation": "invoke_agent",
        "requested_model": "gpt-5-mini",
        "span_class": "aggregate",
        "usage": {"input": 810, "cache_read": 512, "output": 171, "reasoning": 64},
        "usage_state": "reported",
        "agent": "helper",
    }


def test_logfire_keeps_the_whole_usage_object() -> None:
    raw = '{"input_tokens": 50, "cache_read_input_tokens": 1000, "cache_creation_input_tokens": 300, '
    raw += '"cache_creation": {"ephemeral_1h_input_tokens": 300}, "output_tokens": 77, "service_tier": "standard", '
    raw += '"server_tool_use": {"web_search_requests": 1}}'
    record = span(
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "anthropic",
            "gen_ai.response.model": "claude-sonnet-4-5",
            "gen_ai.usage.input_tokens": 1350,
            "gen_ai.usage.output_tokens": 77,
            "gen_ai.usage.raw": raw,
        },
        scope="logfire.anthropic",
    )
    assert said(record)["usage"] == {
        "input": 50,
        "cache_read": 1000,
        "cache_write_1h": 300,
        "output": 77,
        "web_search": 1,
    }
    assert said(record)["usage_state"] == "reported"


def test_adks_older_call_llm_is_an_aggregate() -> None:
    record = span(
        {
            "gen_ai.system": "gcp.vertex.agent",
            "gen_ai.request.model": "gemini-2.5-flash",
            "gen_ai.usage.input_tokens": 5,
        },
        scope="gcp.vertex.agent",
        name="call_llm",
    )
    assert said(record)["span_class"] == "aggregate"


def test_langchains_answer_gives_the_providers_id_and_not_the_runs() -> None:
    metadata = {"id": "chatcmpl-77", "model_name": "gpt-4o-mini-2024-07-18"}
    message = {"kwargs": {"id": "lc_run--01a1", "response_metadata": metadata}, "id": ["langchain", "AIMessage"]}
    output = {"generations": [[{"message": message}]], "llm_output": None, "type": "LLMResult"}
    record = span(
        {
            "openinference.span.kind": "LLM",
            "llm.model_name": "gpt-4o-mini-2024-07-18",
            "llm.token_count.prompt": 10,
            "llm.token_count.completion": 2,
            "output.value": json.dumps(output),
        },
        scope="openinference.instrumentation.langchain",
    )
    assert said(record)["response_id"] == "chatcmpl-77"


@pytest.mark.parametrize("kind", ["CHAIN", "AGENT", "TOOL", "PROMPT"])
def test_openinferences_chains_and_agents_claim_no_call_of_their_own(kind: str) -> None:
    assert read_call(span({"openinference.span.kind": kind, "output.value": '{"id": "resp_1"}'})) is None


def test_anthropic_behind_openlit_without_its_scope_still_counts_the_cache_apart() -> None:
    record = replace(SAMPLES["openlit"], scope=replace(SAMPLES["openlit"].scope, name=""))
    assert said(record)["usage"] == {"input": 5000, "cache_read": 1000, "output": 77}


RAW_OPENAI = {
    "prompt_tokens": 2600,
    "completion_tokens": 300,
    "prompt_tokens_details": {"cached_tokens": 2000},
    "completion_tokens_details": {"reasoning_tokens": 200},
}
RAW_ANTHROPIC = {"input_tokens": 50, "cache_read_input_tokens": 1000, "output_tokens": 7}


@pytest.mark.parametrize(
    ("details", "usage"),
    [
        ({"input": 50, "input_cached_tokens": 1000, "output": 77}, {"input": 50, "cache_read": 1000, "output": 77}),
        (RAW_OPENAI, {"input": 600, "cache_read": 2000, "output": 100, "reasoning": 200}),
        (RAW_ANTHROPIC, {"input": 50, "cache_read": 1000, "output": 7}),
    ],
)
def test_langfuses_usage_counts_as_its_shape_counts(details: dict[str, object], usage: dict[str, int]) -> None:
    record = changed("langfuse", langfuse__observation__usage_details=json.dumps(details))
    assert said(record)["usage"] == usage


def test_langfuses_plain_spans_are_no_calls() -> None:
    assert read_call(span({"langfuse.observation.type": "span"}, scope="langfuse-sdk")) is None


def test_codexs_turn_is_an_aggregate() -> None:
    record = span(
        {"codex.turn.token_usage.input_tokens": 100, "codex.turn.token_usage.output_tokens": 9, "model": "gpt-5.5"},
        name="session_task.turn",
    )
    assert said(record)["span_class"] == "aggregate"
    assert said(record)["usage"] == {"input": 100, "output": 9}


def test_genkits_flow_is_no_call_even_with_usage_in_its_output() -> None:
    flow = {"genkit:metadata:subtype": "flow", "genkit:output": '{"usage": {"inputTokens": 42}}'}
    assert read_call(span({"genkit:type": "action", **flow})) is None


def test_laminars_cached_span_is_no_request() -> None:
    assert read_call(changed("laminar", lmnr__span__type="CACHED")) is None


def test_a_wrappers_error_is_a_failed_call() -> None:
    record = span(
        {"llm.model": "gpt-4o", "llm.feature": "support_reply", "llm.error": True, "llm.error_type": "rate_limit"},
        scope="llm-instrumentation",
        events=(event("exception", **{"exception.type": "openai.RateLimitError"}),),
    )
    assert said(record) == {
        "dialect": "plain",
        "requested_model": "gpt-4o",
        "error_type": "rate_limit",
        "feature": "support_reply",
        "span_class": "inference",
        "usage": {},
        "usage_state": "reported",
    }


def test_a_wrappers_cached_answer_is_no_request() -> None:
    assert read_call(changed("plain", llm__cached=True)) is None


def test_an_apis_own_names_are_a_call() -> None:
    record = span({"model": "gpt-4o", "usage.prompt_tokens": 10, "usage.completion_tokens": 4, "feature": "faq"})
    assert said(record)["usage"] == {"input": 10, "output": 4}
    assert said(record)["requested_model"] == "gpt-4o"
    assert said(record)["feature"] == "faq"


def test_a_cost_in_another_currency_is_not_taken_for_dollars() -> None:
    cost = {"gen_ai.usage.cost.amount": 0.5, "gen_ai.usage.cost.currency": "EUR"}
    assert "reported_cost" not in said(span({"gen_ai.usage.input_tokens": 1, **cost}))
