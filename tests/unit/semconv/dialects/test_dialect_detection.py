"""Which spans are looked at, and who reads them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from dialect_samples import SAMPLES
from dialect_span import said, span

from costspan.core.record import Scope
from costspan.semconv.dialects import DIALECTS, MARKERS
from costspan.semconv.dialects.base import Dialect
from costspan.semconv.normalize import read_call

TOLD_BY_SCOPE_ALONE = {
    "otel_genai", "google_genai", "bedrock", "langchain", "openai_agents", "vercel_otel", "semantic_kernel",
    "imported",
}  # fmt: skip
"""Emitters whose attributes are all common names: without its scope a span of theirs is read as the specification."""


@pytest.mark.parametrize("name", SAMPLES)
def test_the_prefilter_lets_every_sample_through(name: str) -> None:
    record = SAMPLES[name]
    haystack = repr((record.name, record.attributes)).encode()
    assert any(marker in haystack for marker in MARKERS)


@pytest.mark.parametrize("dialect", list(DIALECTS), ids=lambda dialect: dialect.name)
def test_every_key_that_can_make_a_span_a_call_holds_a_marker(dialect: Dialect) -> None:
    words = dialect.vocabulary
    keys = {*words.input, *words.output, *words.total, *dialect.bags}
    bare = {"input_tokens", "output_tokens"} if dialect.name == "claude_code" else set()
    assert {key for key in keys if not any(marker in key.encode() for marker in MARKERS)} == bare


def test_the_bare_keys_of_claude_code_stand_beside_a_marked_type_and_name() -> None:
    assert b"llm_request" in MARKERS


def test_ordinary_spans_hold_no_marker() -> None:
    ordinary = [
        b"GET /item/4185 http.request.method url.full https://shop.example/ai/models?usage=1 user_agent.original",
        b"SELECT db.system postgresql db.statement select input_tokens, model, usage from messages server.address",
        b"rpc.system aws-api rpc.service S3 model toy-train-5 input_tokens output_tokens cache_hit session.id",
        b"email.send mail.from domain.name talk.room bulk.size",
    ]
    assert [text for text in ordinary if any(marker in text for marker in MARKERS)] == []


@pytest.mark.parametrize("name", sorted(set(SAMPLES) - TOLD_BY_SCOPE_ALONE))
def test_a_span_that_lost_its_scope_is_still_known(name: str) -> None:
    bare = replace(SAMPLES[name], scope=Scope())
    call = read_call(bare)
    assert call is not None
    with_scope = read_call(SAMPLES[name])
    assert with_scope is not None
    assert call.span_class is with_scope.span_class
    assert call.usage == with_scope.usage


def test_bare_model_and_token_words_are_no_call() -> None:
    shop = span({"http.request.method": "GET", "input_tokens": 7, "model": "toy-train-5"}, scope="shop.web")
    assert read_call(shop) is None


def test_an_http_span_of_an_instrumented_scope_is_no_call() -> None:
    request = span({"http.request.method": "POST"}, scope="opentelemetry.instrumentation.genai.openai")
    assert read_call(request) is None


def test_a_span_that_lost_its_start_attributes_is_still_a_chat() -> None:
    record = span(
        {
            "gen_ai.response.model": "gpt-4.1-mini-2025-04-14",
            "gen_ai.response.id": "chatcmpl-1",
            "gen_ai.usage.input_tokens": 1000,
            "gen_ai.usage.output_tokens": 100,
        },
        name="chat gpt-4.1-mini",
        scope="opentelemetry.instrumentation.genai.openai",
    )
    assert said(record) == {
        "dialect": "otel_genai",
        "response_model": "gpt-4.1-mini-2025-04-14",
        "response_id": "chatcmpl-1",
        "span_class": "inference",
        "usage": {"input": 1000, "output": 100},
        "usage_state": "reported",
    }


def test_the_name_of_a_span_gives_the_model_where_nothing_else_does() -> None:
    record = span({"gen_ai.usage.input_tokens": 8}, name="embeddings text-embedding-3-small")
    assert said(record)["operation"] == "embeddings"
    assert said(record)["requested_model"] == "text-embedding-3-small"


@pytest.mark.parametrize("operation", ["invoke_agent", "invoke_workflow", "agent_step", "execute_event_loop_cycle"])
def test_what_sums_up_others_is_an_aggregate(operation: str) -> None:
    record = span({"gen_ai.operation.name": operation, "gen_ai.usage.input_tokens": 10})
    assert said(record)["span_class"] == "aggregate"


def test_an_agent_without_usage_is_no_call() -> None:
    assert read_call(span({"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "helper"})) is None
