"""What each emitter's metrics claim."""

from __future__ import annotations

from costspan.core.call import Call, Signal, SpanClass, UsageState
from costspan.core.record import AttributeValue, MetricPoint
from costspan.core.units import Unit

from .metric_points import claude, read_once, token_sum

GEN_AI: dict[str, AttributeValue] = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-5-mini",
    "gen_ai.response.model": "gpt-5-mini-2025-08-07",
}


def only(*points: MetricPoint) -> Call:
    calls = read_once(points)
    assert len(calls) == 1
    return calls[0]


def histogram(kind: str, value: float, count: int, **changes: AttributeValue) -> MetricPoint:
    attributes = {**GEN_AI, "gen_ai.token.type": kind, **changes}
    return token_sum("gen_ai.client.token.usage", value, attributes, count=count)


def test_claude_code_s_series_of_one_moment_are_one_claim() -> None:
    cost = token_sum(
        "claude_code.cost.usage",
        0.09333,
        {"model": "claude-sonnet-4-6", "user.id": "u1", "session.id": "s1"},
        scope="com.anthropic.claude_code",
    )
    call = only(
        cost, claude("input", 110), claude("cacheRead", 40000), claude("cacheCreation", 12000), claude("output", 2400)
    )
    assert dict(call.usage) == {
        Unit.INPUT: 110,
        Unit.CACHE_READ: 40000,
        Unit.CACHE_WRITE_5M: 12000,
        Unit.OUTPUT: 2400,
    }
    assert (call.signal, call.call_count, call.provider) == (Signal.METRIC, 0, "anthropic")
    assert call.reported_cost == 93_330_000_000
    assert (call.attribution.user_id, call.attribution.session, call.attribution.service) == ("u1", "s1", "agents")
    assert call.ended_at_ns - call.started_at_ns == 60_000_000_000
    assert (call.trace_id, call.span_id) == ("", "")


def test_a_cost_alone_is_no_money_of_ours() -> None:
    cost = token_sum("claude_code.cost.usage", 1.5, {"model": "claude-opus-4-6"})
    assert read_once([cost]) == []


def test_a_cost_of_another_model_is_not_mixed_in() -> None:
    other = token_sum("claude_code.cost.usage", 1.5, {"model": "claude-opus-4-6"}, scope="com.anthropic.claude_code")
    assert only(claude("input", 10), other).reported_cost is None


def test_the_specification_s_histogram_counts_requests_and_doubts_its_input() -> None:
    call = only(histogram("input", 2600.0, 2), histogram("output", 300.0, 2))
    assert dict(call.usage) == {Unit.INPUT: 2600, Unit.OUTPUT: 300}
    assert (call.call_count, call.provider) == (2, "openai")
    assert call.models == ("gpt-5-mini-2025-08-07", "gpt-5-mini")
    assert call.usage_state is UsageState.ASSUMED
    assert call.usage_note == "the metric does not tell cached tokens apart; all input is taken as uncached"


def test_requests_are_counted_once_where_input_and_output_come_apart() -> None:
    assert only(histogram("input", 2600.0, 2)).call_count == 0
    assert only(histogram("output", 300.0, 2)).call_count == 2


def test_embeddings_have_input_only() -> None:
    call = only(histogram("input", 57.0, 3, **{"gen_ai.operation.name": "embeddings"}))
    assert (call.operation, call.call_count, call.usage_state) == ("embeddings", 3, UsageState.REPORTED)


def test_an_agent_s_histogram_is_an_aggregate() -> None:
    call = only(histogram("output", 5.0, 1, **{"gen_ai.operation.name": "invoke_agent"}))
    assert call.span_class is SpanClass.AGGREGATE


def test_agentgateway_s_cache_types_are_parts_of_its_input() -> None:
    def gateway(kind: str, value: float) -> MetricPoint:
        attributes = {"gen_ai_token_type": kind, "gen_ai_system": "openai", "gen_ai_request_model": "gpt-4.1"}
        return token_sum("agentgateway_gen_ai_client_token_usage", value, attributes, count=4)

    call = only(gateway("input", 4000.0), gateway("input_cache_read", 2600.0), gateway("output", 512.0))
    assert dict(call.usage) == {Unit.INPUT: 1400, Unit.CACHE_READ: 2600, Unit.OUTPUT: 512}
    assert call.models == ("gpt-4.1",)


def test_the_new_counters_hold_their_parts_and_modalities() -> None:
    def counter(name: str, value: int, modality: str = "text") -> MetricPoint:
        attributes = {**GEN_AI, "gen_ai.token.modality": modality}
        return token_sum(f"gen_ai.client.inference.usage.{name}", value, attributes)

    call = only(
        counter("input_tokens", 2000),
        counter("input_tokens", 600, "audio"),
        counter("cache_read.input_tokens", 1500),
        counter("cache_write.input_tokens", 100),
        counter("output_tokens", 300),
        counter("reasoning.output_tokens", 200),
    )
    assert dict(call.usage) == {
        Unit.INPUT: 400,
        Unit.CACHE_READ: 1500,
        Unit.CACHE_WRITE_5M: 100,
        Unit.INPUT_AUDIO: 600,
        Unit.OUTPUT: 100,
        Unit.REASONING: 200,
    }


def test_codex_s_series_overlap_and_its_total_repeats_them() -> None:
    def turn(kind: str, value: float) -> MetricPoint:
        return token_sum("codex.turn.token_usage", value, {"token_type": kind, "model": "gpt-5.4"}, count=1)

    series = {"total": 16900, "input": 16000, "cached_input": 14000, "output": 900, "reasoning_output": 512}
    call = only(*(turn(kind, value) for kind, value in series.items()))
    assert dict(call.usage) == {Unit.INPUT: 2000, Unit.CACHE_READ: 14000, Unit.OUTPUT: 388, Unit.REASONING: 512}
    assert (call.provider, call.call_count) == ("openai", 0)


def test_gemini_cli_s_own_counter_counts_and_the_histogram_beside_it_does_not() -> None:
    def counter(kind: str, value: int) -> MetricPoint:
        attributes = {"type": kind, "model": "gemini-2.5-pro", "session.id": "s"}
        return token_sum("gemini_cli.token.usage", value, attributes, scope="gemini-cli")

    copy = token_sum(
        "gen_ai.client.token.usage", 5000, {**GEN_AI, "gen_ai.token.type": "input"}, scope="gemini-cli", count=1
    )
    series = {"input": 5000, "cache": 4000, "output": 70, "thought": 300, "tool": 25}
    call = only(copy, *(counter(kind, value) for kind, value in series.items()))
    assert dict(call.usage) == {
        Unit.INPUT: 1000,
        Unit.CACHE_READ: 4000,
        Unit.TOOL_USE_INPUT: 25,
        Unit.OUTPUT: 70,
        Unit.REASONING: 300,
    }
    assert call.provider == "gcp.gemini"


def test_opencode_keeps_reasoning_apart_even_under_claude_code_s_prefix() -> None:
    for prefix in ("opencode", "claude_code"):
        points = [
            token_sum(f"{prefix}.token.usage", value, {"type": kind, "model": "m"}, scope="com.opencode")
            for kind, value in {"input": 10, "cacheRead": 3000, "output": 200, "reasoning": 50}.items()
        ]
        assert dict(only(*points).usage) == {
            Unit.INPUT: 10,
            Unit.CACHE_READ: 3000,
            Unit.OUTPUT: 200,
            Unit.REASONING: 50,
        }


def test_cursor_s_unbilled_tokens_are_left_out() -> None:
    def cursor(kind: str, value: int, *, billable: bool) -> MetricPoint:
        attributes = {"cursor.token.type": kind, "cursor.model.name": "Auto", "cursor.api.billable": billable}
        return token_sum("cursor.token.usage", value, attributes, scope="cursor.telemetry")

    call = only(
        cursor("input", 126, billable=True),
        cursor("cache_read", 11964, billable=True),
        cursor("input", 7, billable=False),
    )
    assert dict(call.usage) == {Unit.INPUT: 126, Unit.CACHE_READ: 11964}
    assert (call.requested_model, call.response_model) == ("Auto", None)


def test_metrics_of_other_names_claim_nothing() -> None:
    assert read_once([token_sum("http.client.duration", 159, {})]) == []
    assert read_once([claude("cacheHitRate", 9)]) == []


def test_a_sum_that_cannot_be_tokens_is_shown_and_not_priced() -> None:
    for value in (0.5, -3):
        call = only(claude("input", value))
        assert (call.usage_state, dict(call.usage)) == (UsageState.INVALID, {})


def test_a_part_without_its_whole_is_shown_and_not_priced() -> None:
    alone = token_sum("codex.turn.token_usage", 14000, {"token_type": "cached_input", "model": "gpt-5.4"}, count=1)
    assert only(alone).usage_state is UsageState.INVALID
