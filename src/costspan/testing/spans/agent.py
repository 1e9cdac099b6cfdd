"""The span an application's own tracer makes of an agent run, as the GenAI conventions ask: `invoke_agent`."""

from __future__ import annotations

from typing import Final

from costspan.core.call import Call
from costspan.core.record import Scope, SpanRecord
from costspan.testing.spans.call import INTERNAL, plain_attribution, said_only, span_of

_SCOPE: Final = Scope("acme.agents", "2.1.0")


def agent_span(call: Call) -> SpanRecord:
    """Return the span of a run whose calls used `call.usage` in all; it names no response."""
    attributes = said_only(
        {
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.provider.name": call.provider,
            "gen_ai.request.model": call.requested_model,
            "gen_ai.agent.name": call.attribution.agent,
            "gen_ai.usage.input_tokens": call.usage.context_tokens,
            "gen_ai.usage.output_tokens": call.usage.output_tokens,
        }
    )
    return span_of(call, "invoke_agent", _SCOPE, attributes | plain_attribution(call.attribution), kind=INTERNAL)
