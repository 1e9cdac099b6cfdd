"""Spans as instrumentations really send them, one file a dialect.

Each builder takes the call that happened (`sample_call` makes one) and returns the `SpanRecord` its emitter would
export for it, with that emitter's scope, keys, values and omissions (captured output, versions in each file).
`costspan.testing.otlp` turns records into request bodies.
"""

from costspan.testing.spans.agent import agent_span
from costspan.testing.spans.anthropic_sdk import anthropic_sdk
from costspan.testing.spans.call import sample_call
from costspan.testing.spans.openinference import openinference
from costspan.testing.spans.openllmetry import openllmetry
from costspan.testing.spans.otel_genai import otel_genai
from costspan.testing.spans.otel_legacy import otel_legacy
from costspan.testing.spans.plain import database_span, http_server_span, tool_span
from costspan.testing.spans.pydantic_ai import pydantic_ai, pydantic_ai_run

__all__ = [
    "agent_span",
    "anthropic_sdk",
    "database_span",
    "http_server_span",
    "openinference",
    "openllmetry",
    "otel_genai",
    "otel_legacy",
    "pydantic_ai",
    "pydantic_ai_run",
    "sample_call",
    "tool_span",
]
