"""What Codex's log events claim."""

from __future__ import annotations

from costspan.core.call import Call, UsageState
from costspan.core.record import AttributeValue, LogRecord, Scope
from costspan.core.units import Unit
from costspan.semconv.events import read_event

COMPLETED: dict[str, AttributeValue] = {
    "event.kind": "response.completed",
    "conversation.id": "conv-1",
    "user.email": "kim@example.com",
    "model": "gpt-5.4",
    "originator": "codex_cli_rs",
    "input_token_count": "16000",
    "output_token_count": "900",
    "cached_token_count": "14000",
    "reasoning_token_count": "512",
    "tool_token_count": "16900",
}


def event(name: str, attributes: dict[str, AttributeValue]) -> Call | None:
    return read_event(
        LogRecord(
            time_ns=1_795_219_401_000_000_000,
            event_name=name,
            attributes={"event.name": name, **attributes},
            scope=Scope("codex_otel"),
        )
    )


def test_a_completed_response_holds_cached_within_input_and_reasoning_within_output() -> None:
    call = event("codex.sse_event", COMPLETED)
    assert call is not None
    assert dict(call.usage) == {Unit.INPUT: 2000, Unit.CACHE_READ: 14000, Unit.OUTPUT: 388, Unit.REASONING: 512}
    assert (call.provider, call.models, call.usage_state) == ("openai", ("gpt-5.4",), UsageState.REPORTED)
    assert (call.attribution.session, call.attribution.user_id) == ("conv-1", "kim@example.com")


def test_other_events_of_the_stream_claim_nothing() -> None:
    for kind in ("response.created", "response.output_item.done"):
        assert event("codex.sse_event", {**COMPLETED, "event.kind": kind}) is None


def test_a_completed_response_without_counts_is_missing_its_usage() -> None:
    call = event("codex.sse_event", {"event.kind": "response.completed", "error.message": "cannot parse"})
    assert call is not None
    assert (call.usage_state, call.error_type) == (UsageState.MISSING, None)


def test_a_stream_that_broke_may_have_been_billed() -> None:
    broken = event("codex.sse_event", {"model": "gpt-5.4", "error.message": "idle timeout waiting for SSE"})
    assert broken is not None
    assert (broken.usage_state, broken.error_type) == (UsageState.MISSING, "timeout")


def test_a_response_the_provider_failed_used_nothing() -> None:
    failed = event("codex.sse_event", {"event.kind": "response.failed", "error.message": "server_error"})
    assert failed is not None
    assert (failed.usage_state, failed.error_type) == (UsageState.REPORTED, "server")


def test_a_refused_request_is_a_failed_call_with_its_attempt() -> None:
    refused = event("codex.api_request", {"http.response.status_code": 429, "attempt": 1, "model": "gpt-5.4"})
    assert refused is not None
    assert (refused.error_type, refused.attempt) == ("rate_limit", 2)
    assert not refused.usage


def test_a_request_that_never_arrived_is_a_failed_call() -> None:
    lost = event("codex.api_request", {"error.message": "connection reset", "attempt": 0})
    assert lost is not None
    assert (lost.error_type, lost.attempt) == ("connection", 1)


def test_an_accepted_request_is_counted_by_its_response() -> None:
    assert event("codex.api_request", {"http.response.status_code": 200, "attempt": 0}) is None


def test_asking_for_the_list_of_models_is_no_model_call() -> None:
    assert event("codex.api_request", {"http.response.status_code": 401, "endpoint": "/models"}) is None
