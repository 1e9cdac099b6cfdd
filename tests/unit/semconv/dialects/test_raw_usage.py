"""Providers' own usage objects, and how they fill what the attributes lost."""

from __future__ import annotations

import json
from typing import Any

import pytest
from dialect_span import said, span

from costspan.core.record import SpanRecord
from costspan.semconv.conventions import split
from costspan.semconv.raw_usage import read_usage

OPENAI_CHAT = {
    "prompt_tokens": 2600,
    "completion_tokens": 300,
    "total_tokens": 2900,
    "prompt_tokens_details": {"cached_tokens": 2000, "cache_write_tokens": 400, "audio_tokens": 7},
    "completion_tokens_details": {"reasoning_tokens": 200, "audio_tokens": 5, "rejected_prediction_tokens": 3},
}
OPENAI_RESPONSES = {
    "input_tokens": 2600,
    "input_tokens_details": {
        "cached_tokens": 2000,
        "cache_write_tokens": 400,
        "cache_write_tokens_details": {"ttl_30m_tokens": 300, "ttl_12h_tokens": 100},
    },
    "output_tokens": 300,
    "output_tokens_details": {"reasoning_tokens": 200},
    "total_tokens": 2900,
}
ANTHROPIC = {
    "input_tokens": 50,
    "cache_read_input_tokens": 1000,
    "cache_creation_input_tokens": 300,
    "cache_creation": {"ephemeral_5m_input_tokens": 200, "ephemeral_1h_input_tokens": 100},
    "output_tokens": 77,
    "output_tokens_details": {"thinking_tokens": 40},
    "server_tool_use": {"web_search_requests": 2},
    "service_tier": "priority",
}
GEMINI = {
    "promptTokenCount": 500,
    "cachedContentTokenCount": 300,
    "candidatesTokenCount": 40,
    "thoughtsTokenCount": 60,
    "toolUsePromptTokenCount": 25,
    "totalTokenCount": 625,
    "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 450}, {"modality": "AUDIO", "tokenCount": 50}],
    "trafficType": "ON_DEMAND_FLEX",
}
BEDROCK = {
    "inputTokens": 433,
    "outputTokens": 16,
    "totalTokens": 3201,
    "cacheReadInputTokens": 0,
    "cacheWriteInputTokens": 2752,
    "cacheDetails": [{"ttl": "1h", "inputTokens": 2752}],
    "serviceTier": {"type": "priority"},
}
LANGCHAIN = {
    "input_tokens": 1350,
    "output_tokens": 77,
    "total_tokens": 1427,
    "input_token_details": {"cache_read": 1000, "cache_creation": 300, "ephemeral_1h_input_tokens": 300},
    "output_token_details": {"reasoning": 40},
}


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (
            OPENAI_CHAT,
            {
                "input": 193,
                "cache_read": 2000,
                "cache_write_5m": 400,
                "input_audio": 7,
                "output": 95,
                "reasoning": 200,
                "output_audio": 5,
            },
        ),
        (
            OPENAI_RESPONSES,
            {
                "input": 200,
                "cache_read": 2000,
                "cache_write_30m": 300,
                "cache_write_12h": 100,
                "output": 100,
                "reasoning": 200,
            },
        ),
        (
            ANTHROPIC,
            {
                "input": 50,
                "cache_read": 1000,
                "cache_write_5m": 200,
                "cache_write_1h": 100,
                "output": 37,
                "reasoning": 40,
                "web_search": 2,
            },
        ),
        (
            GEMINI,
            {"input": 150, "cache_read": 300, "input_audio": 50, "tool_use_input": 25, "output": 40, "reasoning": 60},
        ),
        (BEDROCK, {"input": 433, "cache_write_1h": 2752, "output": 16}),
        (LANGCHAIN, {"input": 50, "cache_read": 1000, "cache_write_1h": 300, "output": 37, "reasoning": 40}),
        (
            {"billed_units": {"input_tokens": 10, "output_tokens": 4}, "tokens": {"input_tokens": 300}},
            {"input": 10, "output": 4},
        ),
        (
            {"prompt_tokens": 5, "prompt_cache_hit_tokens": 3, "completion_tokens": 1},
            {"input": 2, "cache_read": 3, "output": 1},
        ),
    ],
    ids=["openai chat", "openai responses", "anthropic", "gemini", "bedrock", "langchain", "cohere", "deepseek"],
)
def test_each_shape_counts_as_its_provider_counts(usage: dict[str, Any], expected: dict[str, int]) -> None:
    read = read_usage(usage)
    assert read is not None
    found = split(read.counts, read.convention).usage
    assert {unit.value: quantity for unit, quantity in found} == expected


@pytest.mark.parametrize(
    ("usage", "mode"),
    [
        (ANTHROPIC, "priority"),
        (GEMINI, "ON_DEMAND_FLEX"),
        (BEDROCK, "priority"),
        ({**ANTHROPIC, "speed": "fast"}, "fast"),
    ],
)
def test_the_tier_is_read_where_the_provider_puts_it(usage: dict[str, Any], mode: str) -> None:
    read = read_usage(usage)
    assert read is not None
    assert read.mode == mode


def test_openrouters_own_charge_is_the_reported_cost() -> None:
    usage = {"prompt_tokens": 10, "completion_tokens": 2, "cost": 0.00042}
    assert (
        said(answered({"id": "gen-1795223400", "usage": usage}, prompt=10, completion=2))["reported_cost"] == 420000000
    )


@pytest.mark.parametrize("nothing", [{}, {"usage": 3}, {"input": 1}, {"prompt_tokens": "many"}])
def test_an_object_of_no_known_shape_says_nothing(nothing: dict[str, Any]) -> None:
    assert read_usage(nothing) is None


def test_a_raw_answer_is_the_usage_where_the_attributes_have_none() -> None:
    record = answered({"id": "chatcmpl-1971877b", "model": "gpt-5.6", "usage": OPENAI_RESPONSES})
    assert said(record)["usage"]["cache_write_30m"] == 300
    assert said(record)["response_model"] == "gpt-5.6"


def test_a_raw_answer_with_other_totals_does_not_replace_the_attributes() -> None:
    record = answered({"id": "msg_1", "usage": ANTHROPIC}, prompt=9000, completion=77)
    assert said(record)["usage"] == {"input": 9000, "output": 77}
    assert said(record)["usage_note"] == "the raw answer says 1350 input and 77 output tokens; the attributes were kept"


def test_a_tool_use_prompt_is_found_in_geminis_answer() -> None:
    record = answered({"responseId": "r1", "usageMetadata": GEMINI}, prompt=525, completion=100)
    assert said(record)["usage"]["tool_use_input"] == 25
    assert said(record)["mode"] == "flex"
    assert said(record)["response_id"] == "r1"


def answered(answer: dict[str, Any], prompt: int | None = None, completion: int | None = None) -> SpanRecord:
    counts = {"llm.token_count.prompt": prompt, "llm.token_count.completion": completion}
    present = {key: count for key, count in counts.items() if count is not None}
    return span({"openinference.span.kind": "LLM", "output.value": json.dumps(answer), **present})
