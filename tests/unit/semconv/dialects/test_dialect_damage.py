"""Damaged, hostile and merely odd attribute values: nothing raises, and no call silently used nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from dialect_samples import SAMPLES
from dialect_span import event, said, span
from hypothesis import given, settings
from hypothesis import strategies as st

from costspan.core.call import UsageState
from costspan.core.record import SpanRecord
from costspan.semconv.normalize import read_call

ODD: tuple[Any, ...] = (
    "", " ", "none", "NaN", "-1", "1e999", "12.5", "9" * 400, "x" * 70_000, '{"a": ' * 3000, "[" * 5000,
    "{'a': " * 3000,
    '"', '"""', "\x00", "{}", "[]", "null", '{"input": "many"}', "{'prompt_tokens': -5}",
    '{"usage": {"input_tokens": NaN}}',
    None, True, False, 0, -7, 10**30, 1.5, float("nan"), float("inf"), b"\xff\x00", [], [None], ["stop", 3], [[["a"]]],
    {}, {"a": {"b": {"c": {"d": {"e": 1}}}}}, {"intValue": "5"}, {"stringValue": "x"}, ["a"] * 2000,
)  # fmt: skip

damage = st.one_of(
    st.tuples(st.just("drop"), st.integers(0, 40), st.none()),
    st.tuples(st.just("retype"), st.integers(0, 40), st.sampled_from(ODD)),
    st.tuples(st.just("rename"), st.integers(0, 40), st.text(max_size=12)),
    st.tuples(st.just("scope"), st.integers(0, 40), st.sampled_from(("", "ai", "litellm", "gen_ai", "other"))),
    st.tuples(st.just("name"), st.integers(0, 40), st.sampled_from(("", "chat ", "invoke_agent x", "call_llm"))),
)


@settings(max_examples=500, deadline=None)
@given(st.sampled_from(sorted(SAMPLES)), st.lists(damage, min_size=1, max_size=6))
def test_no_damage_raises_or_turns_a_call_into_nothing_used(name: str, damages: list[tuple[str, int, Any]]) -> None:
    record = SAMPLES[name]
    for kind, position, value in damages:
        record = damaged(record, kind, position, value)
    call = read_call(record)
    if call is None or call.failed or call.usage:
        return
    assert call.usage_state in {UsageState.MISSING, UsageState.INVALID}
    assert call.usage_note


def damaged(record: SpanRecord, kind: str, position: int, value: Any) -> SpanRecord:
    if kind == "scope":
        return replace(record, scope=replace(record.scope, name=value))
    if kind == "name":
        return replace(record, name=value)
    attributes = dict(record.attributes)
    if not attributes:
        return record
    key = list(attributes)[position % len(attributes)]
    old = attributes.pop(key)
    if kind == "retype":
        attributes[key] = value
    if kind == "rename":
        attributes[value] = old
    return replace(record, attributes=attributes)


@pytest.mark.parametrize("odd", ODD, ids=lambda value: str(value)[:12])
@pytest.mark.parametrize("name", SAMPLES)
def test_one_odd_value_everywhere_does_not_raise(name: str, odd: Any) -> None:
    attributes = dict.fromkeys(SAMPLES[name].attributes, odd)
    read_call(
        replace(SAMPLES[name], attributes=attributes, resource={"service.name": odd}, events=(event("exception"),))
    )


def test_numbers_arrive_as_text_and_as_wrapped_integers() -> None:
    record = span({"gen_ai.usage.input_tokens": "333", "gen_ai.usage.output_tokens": {"intValue": "600"}})
    assert said(record)["usage"] == {"input": 333, "output": 600}


def test_a_negative_count_is_invalid_and_never_clamped() -> None:
    record = span({"gen_ai.usage.input_tokens": -5, "gen_ai.usage.output_tokens": 600})
    assert said(record)["usage"] == {}
    assert said(record)["usage_state"] == "invalid_usage"
    assert said(record)["usage_note"] == "negative count: input"


def test_a_document_above_a_million_characters_is_not_parsed() -> None:
    answer = json.dumps({"id": "chatcmpl-1971877b", "data": "x" * 1_000_001})
    record = replace(
        SAMPLES["openinference"], attributes={**SAMPLES["openinference"].attributes, "output.value": answer}
    )
    assert said(record)["usage"] == {"input": 50, "cache_read": 1000, "cache_write_5m": 300, "output": 77}
    assert said(record)["response_id"] == "chatcmpl-1971877b"


def test_code_in_a_python_dictionary_is_not_evaluated() -> None:
    attributes = {
        **SAMPLES["litellm_legacy"].attributes,
        "metadata.usage_object": "{'prompt_tokens': __import__('os')}",
    }
    assert said(replace(SAMPLES["litellm_legacy"], attributes=attributes))["usage"] == {"input": 2000, "output": 222}


def test_half_a_character_in_a_python_dictionary_does_not_become_text() -> None:
    attributes = {
        **SAMPLES["litellm_legacy"].attributes,
        "metadata.requester_metadata": "{'feature': '\\ud83d'}",
    }
    assert "feature" not in said(replace(SAMPLES["litellm_legacy"], attributes=attributes))


def test_a_callers_metadata_in_a_python_dictionary_says_whom_the_call_was_for() -> None:
    attributes = {
        **SAMPLES["litellm_legacy"].attributes,
        "metadata.requester_metadata": "{'feature': 'triage', 'tenant': 't-9'}",
    }
    found = said(replace(SAMPLES["litellm_legacy"], attributes=attributes))
    assert (found["feature"], found["tags"]) == ("triage", {"tenant": "t-9"})


def test_names_longer_than_a_name_are_cut() -> None:
    record = span({"gen_ai.request.model": "m" * 5000, "gen_ai.usage.input_tokens": 1})
    assert len(said(record)["requested_model"]) == 512


def test_synonyms_on_one_span_are_never_added() -> None:
    record = span(
        {
            "gen_ai.usage.input_tokens": 10,
            "gen_ai.usage.prompt_tokens": 10,
            "gen_ai.usage.output_tokens": 5,
            "gen_ai.usage.completion_tokens": 5,
        }
    )
    assert said(record)["usage"] == {"input": 10, "output": 5}
