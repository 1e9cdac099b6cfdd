"""What Gemini CLI's log events claim."""

from __future__ import annotations

from costspan.core.call import Call, UsageState
from costspan.core.record import AttributeValue, LogRecord, Scope
from costspan.core.units import Unit
from costspan.semconv.events import read_event

RESPONSE: dict[str, AttributeValue] = {
    "session.id": "s-9",
    "user.email": "kim@example.com",
    "model": "gemini-2.5-pro",
    "auth_type": "gemini-api-key",
    "duration_ms": 1200,
    "status_code": 200,
    "input_token_count": 5000,
    "output_token_count": 70,
    "cached_content_token_count": 4000,
    "thoughts_token_count": 300,
    "tool_token_count": 25,
    "total_token_count": 5395,
}


def event(name: str, attributes: dict[str, AttributeValue]) -> Call | None:
    return read_event(
        LogRecord(
            time_ns=1_795_219_401_000_000_000,
            event_name=name,
            body=f"API response from {attributes.get('model')}.",
            attributes={"event.name": name, **attributes},
            scope=Scope("gemini-cli"),
        )
    )


def test_an_answer_holds_cached_within_input_and_thoughts_and_tools_beside_it() -> None:
    call = event("gemini_cli.api_response", RESPONSE)
    assert call is not None
    assert dict(call.usage) == {
        Unit.INPUT: 1000,
        Unit.CACHE_READ: 4000,
        Unit.TOOL_USE_INPUT: 25,
        Unit.OUTPUT: 70,
        Unit.REASONING: 300,
    }
    assert call.usage.tokens == 5395
    assert (call.provider, call.models, call.usage_state) == ("gcp.gemini", ("gemini-2.5-pro",), UsageState.REPORTED)
    assert call.ended_at_ns - call.started_at_ns == 1_200_000_000
    assert (call.attribution.session, call.attribution.user_id) == ("s-9", "kim@example.com")


def test_vertex_bills_where_it_signs_in() -> None:
    call = event("gemini_cli.api_response", {**RESPONSE, "auth_type": "vertex-ai"})
    assert call is not None
    assert call.provider == "gcp.vertex_ai"


def test_an_error_is_a_failed_call() -> None:
    call = event("gemini_cli.api_error", {"model": "gemini-2.5-pro", "status_code": 503, "error": "try again"})
    assert call is not None
    assert call.error_type == "server"
    assert not call.usage


def test_its_own_copies_under_the_specification_s_name_claim_nothing() -> None:
    copy = {"gen_ai.operation.name": "generate_content", "gen_ai.usage.input_tokens": 5000}
    assert event("gen_ai.client.inference.operation.details", copy) is None


def test_prompts_claim_nothing() -> None:
    assert event("gemini_cli.user_prompt", {"prompt_length": 3}) is None
