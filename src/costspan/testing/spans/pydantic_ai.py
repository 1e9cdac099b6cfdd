"""pydantic-ai 2.68.0: a span for each model request, around the client's own, and one for the agent run above them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from costspan.core.call import Call
from costspan.core.record import AttributeValue, Scope, SpanRecord
from costspan.testing.spans.call import INTERNAL, SERVER_ADDRESS, has_usage, plain_attribution, said_only, span_of

_SCOPE: Final = Scope("pydantic-ai", "2.68.0")


def pydantic_ai(call: Call) -> SpanRecord:
    """Return the framework's span of a model request: the client's figures and response id a second time."""
    provider = call.provider or "openai"
    attributes: dict[str, AttributeValue] = {
        "gen_ai.operation.name": call.operation,
        "gen_ai.agent.name": call.attribution.feature,
        "gen_ai.conversation.id": call.attribution.session,
        "gen_ai.provider.name": provider,
        "gen_ai.system": provider,
        "gen_ai.request.model": call.requested_model,
        "gen_ai.response.model": call.response_model,
        "gen_ai.response.id": call.response_id,
        "server.address": call.server_address or SERVER_ADDRESS.get(provider),
        "logfire.json_schema": '{"type":"object"}',
        "error.type": call.error_type,
    }
    if call.finish_reason:
        attributes["gen_ai.response.finish_reasons"] = [call.finish_reason]
    if has_usage(call):
        attributes |= _usage("gen_ai.usage", [call])
        attributes["gen_ai.usage.details.reasoning_tokens"] = call.usage.reasoning_tokens
    said = said_only(attributes) | plain_attribution(call.attribution)
    return span_of(call, f"{call.operation} {call.requested_model}", _SCOPE, said)


def pydantic_ai_run(run: Call, requests: Sequence[Call]) -> SpanRecord:
    """Return the span of an agent run, which sums up `requests`; of `run` its place, time and attribution are told."""
    name = run.attribution.feature or "agent"
    attributes: dict[str, AttributeValue] = {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": name,
        "gen_ai.conversation.id": run.attribution.session,
        "model_name": run.requested_model,
        "agent_name": name,
        "logfire.msg": f"{name} run",
        "logfire.json_schema": '{"type":"object"}',
        **_usage("gen_ai.aggregated_usage", [request for request in requests if has_usage(request)]),
    }
    said = said_only(attributes) | plain_attribution(run.attribution)
    return span_of(run, f"invoke_agent {name}", _SCOPE, said, kind=INTERNAL)


def _usage(prefix: str, calls: Sequence[Call]) -> dict[str, AttributeValue]:
    return {
        f"{prefix}.input_tokens": sum(call.usage.context_tokens for call in calls),
        f"{prefix}.output_tokens": sum(call.usage.output_tokens for call in calls),
        f"{prefix}.cache_read.input_tokens": sum(call.usage.cache_read_tokens for call in calls),
    }
