"""What Claude Code's log events claim."""

from __future__ import annotations

from costspan.core.call import Call, Signal, UsageState
from costspan.core.record import AttributeValue, LogRecord, Scope
from costspan.core.units import Unit
from costspan.semconv.events import read_event

SCOPE = Scope("com.anthropic.claude_code.events", "2.1.224")
ENDED_NS = 1_795_219_260_000_000_000
REQUEST: dict[str, AttributeValue] = {
    "event.name": "api_request",
    "user.id": "7f3a",
    "session.id": "se-1",
    "organization.id": "org-1",
    "model": "claude-sonnet-4-6",
    "cost_usd": 0.0229941,
    "duration_ms": 2401,
    "input_tokens": 4,
    "output_tokens": 611,
    "cache_read_tokens": 18432,
    "cache_creation_tokens": 2210,
    "request_id": "req_1",
    "speed": "normal",
    "query_source": "repl_main_thread",
}


def record(body: str = "claude_code.api_request", **changes: AttributeValue) -> LogRecord:
    attributes = {key: value for key, value in {**REQUEST, **changes}.items() if value is not None}
    return LogRecord(time_ns=ENDED_NS, event_name=body, body=body, attributes=attributes, scope=SCOPE)


def read(body: str = "claude_code.api_request", **changes: AttributeValue) -> Call:
    call = read_event(record(body, **changes))
    assert call is not None
    return call


def test_an_answered_request_counts_cached_tokens_apart_from_input() -> None:
    call = read()
    assert dict(call.usage) == {
        Unit.INPUT: 4,
        Unit.CACHE_READ: 18432,
        Unit.CACHE_WRITE_5M: 2210,
        Unit.OUTPUT: 611,
    }
    assert (call.signal, call.dialect, call.provider) == (Signal.EVENT, "claude_code", "anthropic")
    assert call.models == ("claude-sonnet-4-6",)
    assert call.reported_cost == 22_994_100_000


def test_the_cache_s_time_to_live_is_a_doubt_only_where_the_cache_was_written() -> None:
    assert (read().usage_state, read().usage_note) == (
        UsageState.ASSUMED,
        "the cache's time to live was not reported; priced as 5 minutes",
    )
    assert read(cache_creation_tokens=0).usage_state is UsageState.REPORTED


def test_the_request_began_its_duration_before_the_event() -> None:
    call = read()
    assert (call.started_at_ns, call.ended_at_ns) == (ENDED_NS - 2_401_000_000, ENDED_NS)


def test_it_says_for_whom_the_request_was() -> None:
    attribution = read().attribution
    assert (attribution.user_id, attribution.session) == ("7f3a", "se-1")
    assert dict(attribution.tags) == {"organization.id": "org-1", "query_source": "repl_main_thread"}


def test_numbers_sent_as_text_are_the_same_numbers() -> None:
    as_text = read(input_tokens="4", output_tokens="611", cost_usd="0.0229941", duration_ms="2401")
    assert as_text == read()


def test_the_long_context_suffix_is_no_part_of_the_model() -> None:
    assert read(model="claude-opus-4-8[1m]").models == ("claude-opus-4-8",)


def test_the_model_s_spelling_says_who_serves_it() -> None:
    assert read(model="us.anthropic.claude-sonnet-4-5-20250929-v1:0").provider == "aws.bedrock"
    assert read(model="claude-sonnet-4@20250514").provider == "gcp.vertex_ai"


def test_fast_speed_is_a_mode_of_its_own() -> None:
    assert read(speed="fast").mode == "fast"
    assert read().mode == "standard"


def test_the_request_id_identifies_an_answer_whatever_else_differs() -> None:
    assert read().identity == read(query_source="compact").identity == "claude_code/req_1/ok"
    assert read(request_id=None).identity != read(request_id=None, input_tokens=5).identity


def test_an_unqualified_name_is_known_by_its_scope() -> None:
    assert read("api_request").usage == read().usage


def test_a_failed_request_used_nothing_and_says_why() -> None:
    failed = read(
        "claude_code.api_error",
        **{"event.name": "api_error", "error": "overloaded", "status_code": "529", "attempt": 3},
    )
    assert (failed.error_type, failed.attempt, failed.usage_state) == ("server", 3, UsageState.REPORTED)
    assert not failed.usage


def test_an_answer_without_counts_is_missing_its_usage() -> None:
    silent = {key: None for key in REQUEST if key.endswith("_tokens")}
    assert read(**silent).usage_state is UsageState.MISSING


def test_prompts_and_tools_claim_no_request() -> None:
    for name in ("user_prompt", "tool_result", "api_retries_exhausted", "api_request_body"):
        assert read_event(record(f"claude_code.{name}", **{"event.name": name})) is None
