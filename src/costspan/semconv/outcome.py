"""How a call ended: finish reasons and error types of every provider in one short list each.

The lists are those of accounting rule 6; the left-hand spellings are what the OpenAI, Anthropic, Gemini, Bedrock and
Cohere APIs document and what their instrumentations copy.
"""

from __future__ import annotations

from typing import Final

from costspan.core.call import Call

_FINISH: Final = {
    "stop": "stop end_turn stop_sequence complete completed eos finished",
    "length": "length max_tokens max_output_tokens model_context_window_exceeded token_limit incomplete",
    "content_filter": (
        "content_filter content_filtered refusal safety recitation prohibited_content blocklist spii image_safety"
        " guardrail_intervened"
    ),
    "tool_calls": "tool_calls tool_call tool_use function_call malformed_function_call pause_turn",
    "error": "error failed cancelled canceled error_toxic network_error",
}
FINISH_REASONS: Final = {sent: reason for reason, spellings in _FINISH.items() for sent in spellings.split()}

_ERROR_SIGNS: Final = {
    "rate_limit": "ratelimit rate_limit 429 throttl resourceexhausted resource_exhausted quota toomanyrequests",
    "timeout": "timeout timedout timed_out deadline 408 504",
    "context_length": "context_length contextlength context_window contextwindow toolong too_long",
    "content_filter": "content_filter contentfilter content_policy contentpolicy safety guardrail blocked",
    "auth": "authentication unauthorized permission forbidden invalid_api_key accessdenied credential 401 403",
    "invalid_request": "badrequest bad_request invalid_request validation unprocessable notfound not_found 400 404 422",
    "connection": "connection connect network dns socket ssl",
    "cancelled": "cancel abort",
    "server": "internalserver internal_server server_error servererror overloaded unavailable 500 502 503 529",
}
_SIGNS: Final = tuple((kind, tuple(signs.split())) for kind, signs in _ERROR_SIGNS.items())
"""The order decides where a name carries two signs: `APITimeoutError` under `APIConnectionError` is a timeout."""

RETRY_WITHIN_NS: Final = 300 * 1_000_000_000
"""A call that starts this soon after a failed one of the same model and parent is another attempt at it."""


def finish_reason(sent: str | None) -> str | None:
    """Return the normalised finish reason; a reason nobody documented is kept as sent, in lower case."""
    if sent is None:
        return None
    lowered = sent.lower().rpartition(".")[2]
    return FINISH_REASONS.get(lowered, lowered)


def error_type(sent: str | None) -> str:
    """Return the normalised error type for an exception name, HTTP status or provider's code, or `other`."""
    lowered = (sent or "").lower()
    return next((kind for kind, signs in _SIGNS if any(sign in lowered for sign in signs)), "other")


OUTCOMES: Final = ("completed", "truncated", "content_filter", "aborted", "error")


def outcome(call: Call) -> str:
    """Return how a call ended for the one who asked, in one of `OUTCOMES`; `aborted` only a span itself can say."""
    if call.failed:
        return "error"
    return {"length": "truncated", "content_filter": "content_filter", "error": "error"}.get(
        call.finish_reason or "", "completed"
    )
