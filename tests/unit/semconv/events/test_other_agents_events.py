"""What the log events of Cursor, opencode and Copilot claim."""

from __future__ import annotations

from costspan.core.call import Call, UsageState
from costspan.core.record import AttributeValue, LogRecord, Scope
from costspan.core.units import Unit
from costspan.semconv.events import read_event

TIME_NS = 1_795_219_401_000_000_000
CURSOR: dict[str, AttributeValue] = {
    "cursor.event.id": "customer-telemetry:v1:abc",
    "cursor.conversation.id": "conv-7",
    "cursor.model.name": "claude-4.5-sonnet",
    "cursor.api.request.input_tokens": 126,
    "cursor.api.request.output_tokens": 450,
    "cursor.api.request.cache_read_tokens": 11964,
    "cursor.api.request.cache_creation_tokens": 6112,
}
OPENCODE: dict[str, AttributeValue] = {
    "event.name": "api_request",
    "session.id": "ses_1",
    "enduser.id": "kim",
    "agent": "build",
    "model": "claude-sonnet-4-5",
    "provider": "amazon-bedrock",
    "cost_usd": 0.0125,
    "duration_ms": 900,
    "input_tokens": 10,
    "output_tokens": 200,
    "reasoning_tokens": 50,
    "cache_read_tokens": 3000,
    "cache_creation_tokens": 0,
}


def cursor(body: str, attributes: dict[str, AttributeValue]) -> Call | None:
    return read_event(
        LogRecord(
            time_ns=TIME_NS,
            event_name=body,
            body=body,
            attributes=attributes,
            resource={"service.name": "cursor", "cursor.team.id": 4242, "cursor.user.id": 99, "cursor.surface": "cli"},
            scope=Scope("cursor.telemetry", "0.1.0"),
        )
    )


def opencode(body: str, attributes: dict[str, AttributeValue]) -> Call | None:
    return read_event(
        LogRecord(
            time_ns=TIME_NS, event_name=body, body=body, attributes=attributes, resource={"service.name": "opencode"}
        )
    )


def test_cursor_counts_cached_tokens_apart_and_names_whom_the_request_was_for() -> None:
    call = cursor("api_request", CURSOR)
    assert call is not None
    assert dict(call.usage) == {
        Unit.INPUT: 126,
        Unit.CACHE_READ: 11964,
        Unit.CACHE_WRITE_5M: 6112,
        Unit.OUTPUT: 450,
    }
    assert (call.requested_model, call.response_model, call.provider) == ("claude-4.5-sonnet", None, None)
    assert (call.attribution.user_id, call.attribution.team, call.attribution.session) == ("99", "4242", "conv-7")
    assert call.identity == "cursor/customer-telemetry:v1:abc"


def test_cursor_s_undocumented_counting_is_a_doubt_where_the_numbers_do_not_prove_it() -> None:
    call = cursor("api_request", {**CURSOR, "cursor.api.request.input_tokens": 50_000})
    assert call is not None
    assert call.usage_state is UsageState.ASSUMED
    assert call.usage[Unit.INPUT] == 50_000


def test_a_request_cursor_did_not_bill_used_nothing() -> None:
    call = cursor("api_request", {**CURSOR, "cursor.api.billable": False})
    assert call is not None
    assert not call.usage
    assert (call.usage_state, call.usage_note) == (UsageState.REPORTED, "the emitter says it was not billed")


def test_a_cursor_error_is_a_failed_call_and_other_records_claim_nothing() -> None:
    failed = cursor("api_error", {"cursor.event.id": "e2", "cursor.model.name": "gpt-5.4"})
    assert failed is not None
    assert failed.error_type == "other"
    assert cursor("hook_execution_complete", {"cursor.event.id": "e3"}) is None
    assert cursor("api_correction_not_billed_errored", {"cursor.event.id": "e4"}) is None


def test_opencode_counts_cached_tokens_and_reasoning_apart() -> None:
    call = opencode("api_request", OPENCODE)
    assert call is not None
    assert dict(call.usage) == {Unit.INPUT: 10, Unit.CACHE_READ: 3000, Unit.OUTPUT: 200, Unit.REASONING: 50}
    assert (call.provider, call.reported_cost) == ("aws.bedrock", 12_500_000_000)
    assert (call.attribution.user_id, call.attribution.agent, call.attribution.session) == ("kim", "build", "ses_1")
    assert (call.started_at_ns, call.ended_at_ns) == (TIME_NS, TIME_NS + 900_000_000)


def test_an_opencode_error_is_a_failed_call() -> None:
    call = opencode("api_error", {"event.name": "api_error", "model": "gpt-5.4", "error": "APIError: 429"})
    assert call is not None
    assert call.error_type == "rate_limit"


def test_copilot_s_turn_repeats_its_details_event_and_claims_nothing() -> None:
    usage: dict[str, AttributeValue] = {
        "gen_ai.usage.input_tokens": 900,
        "gen_ai.usage.output_tokens": 30,
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "gpt-4o",
    }
    scope = Scope("copilot-chat")
    turn = LogRecord(time_ns=TIME_NS, event_name="copilot_chat.agent.turn", attributes=usage, scope=scope)
    details = LogRecord(
        time_ns=TIME_NS, event_name="gen_ai.client.inference.operation.details", attributes=usage, scope=scope
    )
    assert read_event(turn) is None
    call = read_event(details)
    assert call is not None
    assert call.usage[Unit.INPUT] == 900
