"""One trace in which two instrumentations recorded one client, below an agent that sums up. Used by tests.

step                        a span between, no call
└─ agent      aaaa          2,000 + 400 tokens: the sum of what is below
   ├─ outer   bbbb          a framework's record of the first call, response chatcmpl-1
   │  └─ inner   cccc       the client's record of the same call
   └─ second  dddd          another call, chatcmpl-2
"""

from __future__ import annotations

from costspan.core.attribution import Attribution
from costspan.core.clock import NS_PER_S
from costspan.core.record import SpanRecord
from costspan.testing.spans import agent_span, database_span, openllmetry, otel_genai, sample_call

TRACE_ID = "5b8efff798038103d269b633813fc60c"
STEP, AGENT, OUTER, INNER, SECOND = (letter * 16 for letter in "eabcd")
_WHO = Attribution(service="assistant", environment="test", feature="search")
_START_NS = sample_call().started_at_ns


def doubled_trace(trace_id: str = TRACE_ID, model: str = "gpt-5.4") -> dict[str, SpanRecord]:
    """Return the spans by id. Counted once, the calls used 2,000 input and 400 output tokens of `model`."""
    said = {"trace_id": trace_id, "requested_model": model, "attribution": _WHO}

    def at(second: int) -> int:
        return _START_NS + second * NS_PER_S

    run = {"started_at_ns": at(1), "ended_at_ns": at(9), "response_id": None, "input": 2_000, "output": 400}
    first = {"started_at_ns": at(2), "response_id": f"chatcmpl-1-{trace_id[:4]}"}
    other = {"started_at_ns": at(6), "response_id": f"chatcmpl-2-{trace_id[:4]}"}
    spans = (
        database_span(
            trace_id=trace_id, span_id=STEP, parent_span_id="9" * 16, start_ns=at(0), end_ns=at(10), who=_WHO
        ),
        agent_span(sample_call(**said, **run, span_id=AGENT, parent_span_id=STEP)),
        openllmetry(sample_call(**said, **first, span_id=OUTER, parent_span_id=AGENT, ended_at_ns=at(5))),
        otel_genai(sample_call(**said, **first, span_id=INNER, parent_span_id=OUTER, ended_at_ns=at(4))),
        otel_genai(sample_call(**said, **other, span_id=SECOND, parent_span_id=AGENT, ended_at_ns=at(7))),
    )
    return {span.span_id: span for span in spans}
