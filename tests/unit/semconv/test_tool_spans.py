"""Which spans are tools at work, in every vocabulary, and which only look like it."""

from __future__ import annotations

from typing import Any

import pytest

from costspan.core.record import STATUS_ERROR, SpanEvent, SpanRecord
from costspan.semconv.normalize import read_link
from costspan.semconv.tools import TOOL_MARKERS, read_tool_use


def span(attributes: dict[str, Any], name: str = "work", **said: Any) -> SpanRecord:
    defaults: dict[str, Any] = {
        "trace_id": "a" * 32,
        "span_id": "b" * 16,
        "parent_span_id": "c" * 16,
        "kind": 1,
        "start_ns": 1_000,
        "end_ns": 2_000,
        "resource": {"service.name": "helpdesk"},
    }
    return SpanRecord(name=name, attributes=attributes, **(defaults | said))


TOOLS = {
    "OpenTelemetry": ({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "search"}, "work"),
    "only the span's name": ({"gen_ai.operation.name": "execute_tool"}, "execute_tool search"),
    "no operation": ({"gen_ai.tool.name": "search"}, "running tool"),
    "OpenInference": ({"openinference.span.kind": "TOOL", "tool.name": "search"}, "work"),
    "OpenLLMetry": ({"traceloop.span.kind": "tool", "traceloop.entity.name": "search"}, "search.tool"),
    "OpenLLMetry, older": ({"traceloop.span.kind": "tool"}, "search.tool"),
    "Vercel": ({"ai.operationId": "ai.toolCall", "ai.toolCall.name": "search"}, "ai.toolCall"),
    "Claude Code": ({"span.type": "tool", "tool_name": "search"}, "claude_code.tool"),
    "Gemini CLI": ({"gen_ai.operation.name": "tool_call", "function_name": "search"}, "tool_call"),
    "Langfuse": ({"langfuse.observation.type": "tool"}, "search"),
    "MLflow": ({"mlflow.spanType": '"TOOL"'}, "search"),
    "Genkit": ({"genkit:metadata:subtype": "tool", "genkit:name": "search"}, "search"),
    "LiveKit": ({"lk.function_tool.name": "search"}, "function_tool"),
    "Laminar": ({"lmnr.span.type": "TOOL"}, "search"),
}


@pytest.mark.parametrize("emitter", TOOLS)
def test_a_tool_is_recognised_with_its_name(emitter: str):
    attributes, name = TOOLS[emitter]

    use = read_tool_use(span(attributes, name))

    assert use is not None
    assert (use.name, use.attribution.tool, use.attribution.service) == ("search", "search", "helpdesk")
    assert any(marker.decode() in key for marker in TOOL_MARKERS for key in attributes)


@pytest.mark.parametrize(
    "attributes",
    [
        {"gen_ai.operation.name": "chat", "gen_ai.tool.name": "search"},
        {"gen_ai.operation.name": "invoke_agent", "gen_ai.tool.name": "search"},
        {"openinference.span.kind": "CHAIN", "tool.name": "search"},
        {"traceloop.span.kind": "task", "traceloop.entity.name": "search"},
        {"ai.operationId": "ai.generateText"},
        {"http.request.method": "GET"},
    ],
)
def test_a_span_that_says_it_is_something_else_is_no_tool(attributes: dict[str, Any]):
    assert read_tool_use(span(attributes)) is None


def test_a_failed_tool_keeps_its_kind_of_error_and_the_model_s_request():
    attributes = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "search",
        "gen_ai.tool.call.id": "call_7",
    }
    raised = SpanEvent("exception", 1_500, {"exception.type": "httpx.ReadTimeout"})

    use = read_tool_use(span(attributes, status_code=STATUS_ERROR, events=(raised,)))

    assert use is not None
    assert (use.call_id, use.error_type) == ("call_7", "timeout")


def test_a_tool_names_itself_to_the_calls_below_it():
    attributes = {"traceloop.span.kind": "tool", "traceloop.entity.name": "search", "gen_ai.tool.name": "ignored"}

    assert read_link(span(attributes)).attribution.tool == "search"
