"""What our own SDK wing puts on spans beside the conventions, read back."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from costspan.core.call import Call, UsageState
from costspan.core.charge import PriceStatus
from costspan.core.record import Scope, SpanRecord
from costspan.core.units import Unit
from costspan.pricing.price_call import price_call
from costspan.pricing.quote import default_card
from costspan.semconv.normalize import read_call

STREAMED = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-5",
    "gen_ai.request.stream": True,
    "gen_ai.response.time_to_first_chunk": 0.2,
}
USED = {"gen_ai.usage.input_tokens": 2600, "gen_ai.usage.output_tokens": 300}


def record(**status: Any) -> SpanRecord:
    return SpanRecord(
        trace_id="5b8efff798038103d269b633813fc60c",
        span_id="eee19b7ec3c1b174",
        parent_span_id=None,
        name="chat gpt-5",
        kind=3,
        start_ns=1_795_223_400_000_000_000,
        end_ns=1_795_223_402_000_000_000,
        attributes={},
        scope=Scope("opentelemetry.instrumentation.genai.openai", "1.3b0"),
        **status,
    )


def call(attributes: dict[str, Any], **status: Any) -> Call:
    read = read_call(replace(record(**status), attributes={**STREAMED, **attributes}))
    assert read is not None
    return read


@pytest.mark.parametrize(
    "status", [{}, {"status_code": 2, "status_message": "abandoned stream"}, {"status_code": 2}], ids=str
)
def test_a_lower_bound_is_told_and_never_priced(status: dict[str, Any]) -> None:
    cut = call({"costspan.usage.lower_bound.output_tokens": 120}, **status)
    assert cut.usage_note == "no usage was reported; at least 120 output tokens were received"
    assert not cut.usage
    verdict = price_call(cut, default_card())
    assert (verdict.status, verdict.cost) == (PriceStatus.USAGE_MISSING, None)


def test_a_lower_bound_beside_the_usage_itself_is_of_no_account() -> None:
    known = call({**USED, "costspan.usage.lower_bound.output_tokens": 120})
    assert (known.usage_state, known.usage_note) == (UsageState.REPORTED, None)


def test_a_count_of_a_stream_that_was_cut_off_is_priced_as_the_least_it_can_be() -> None:
    begun = {"gen_ai.usage.input_tokens": 1350, "gen_ai.usage.output_tokens": 1}
    cut = call({**begun, "costspan.usage.lower_bound.output_tokens": 3, "costspan.outcome": "aborted"})
    assert cut.usage_note == "the output was not counted to its end; at least 3 output tokens were received"
    assert price_call(cut, default_card()).status is PriceStatus.ASSUMED


def test_a_reader_who_leaves_a_loop_has_cancelled_only_what_had_not_ended() -> None:
    left = {"status_code": 2, "status_message": "abandoned stream"}
    other = {"error.type": "_OTHER"}
    assert call(other, **left).error_type == "cancelled"
    assert call({**other, "gen_ai.response.finish_reasons": ("stop",)}, **left).error_type is None


def test_a_client_s_retries_make_a_later_attempt() -> None:
    assert call({**USED, "costspan.attempt": 3}).attempt == 3
    assert call({**USED, "costspan.attempt": "nonsense"}).attempt == 1
    assert call({**USED, "costspan.attempt": -2}).attempt == 1


def test_units_without_a_name_in_the_conventions_are_read_by_their_own() -> None:
    said = {
        "gen_ai.usage.cache_write.input_tokens": 400,
        "costspan.usage.cache_write_30m": 300,
        "costspan.usage.cache_write_12h": 100,
        "costspan.usage.web_search": 2,
    }
    usage = call({**USED, **said}).usage
    assert dict(usage) == {
        Unit.INPUT: 2200,
        Unit.CACHE_WRITE_30M: 300,
        Unit.CACHE_WRITE_12H: 100,
        Unit.OUTPUT: 300,
        Unit.WEB_SEARCH: 2,
    }


def test_the_tier_that_served_sets_the_price() -> None:
    assert call({**USED, "costspan.served_tier": "flex"}).mode == "flex"
    assert call({**USED, "costspan.served_tier": "ON_DEMAND_PRIORITY"}).mode == "priority"
    assert call({**USED, "costspan.served_tier": "default"}).mode == "standard"


def test_our_spans_of_google_count_the_results_of_tools_inside_the_input() -> None:
    said = {**USED, "gen_ai.provider.name": "gcp.gemini", "costspan.usage.tool_use_input": 25}
    ours = read_call(replace(record(), attributes=STREAMED | said, scope=Scope("costspan.google_genai")))
    assert ours is not None
    assert dict(ours.usage) == {Unit.INPUT: 2575, Unit.TOOL_USE_INPUT: 25, Unit.OUTPUT: 300}


def test_the_provider_s_own_usage_object_is_read_where_a_span_keeps_it() -> None:
    raw = {"input_tokens": 50, "output_tokens": 77, "cache_creation": {"ephemeral_1h_input_tokens": 100}}
    usage = call({"gen_ai.usage.raw": json.dumps(raw)}).usage
    assert dict(usage) == {Unit.INPUT: 50, Unit.CACHE_WRITE_1H: 100, Unit.OUTPUT: 77}
