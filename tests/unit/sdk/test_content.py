"""What was asked and answered stays in the program; what is billed by leaves as it was."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode

from costspan.sdk.config import read_config
from costspan.sdk.content import ContentRule, content_rule
from costspan.sdk.enrich import CostExporter
from costspan.sdk.span_record import span_record
from costspan.semconv.normalize import read_call

from .conftest import GPT_5

CASES = Path(__file__).parents[2] / "corpus" / "cases"
SPOKEN = ("hey", "sunny", "Lund")
"""What users and tools say in the captured traces of the corpus."""


def leaving(attributes: dict[str, Any], rule: ContentRule | None = None, events: Any = ()) -> ReadableSpan:
    arrived = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(CostExporter(arrived, content=rule)))
    span = provider.get_tracer("app").start_span("chat", attributes=attributes)
    for name, said in events:
        span.add_event(name, said, 1_790_000_000 * 10**9)
    span.end()
    (left,) = arrived.get_finished_spans()
    return left


@pytest.mark.parametrize(
    "key",
    [
        "gen_ai.input.messages",
        "gen_ai.output.messages",
        "gen_ai.system_instructions",
        "gen_ai.tool.definitions",
        "gen_ai.tool.call.arguments",
        "gen_ai.prompt.0.content",
        "gen_ai.prompt.variable.name",
        "gcp.gen_ai.operation.config.system_instruction",
        "gen_ai.completion.12.tool_calls.0.arguments",
        "llm.input_messages.0.message.content",
        "llm.output_messages.0.message.contents.0.message_content.text",
        "llm.prompts.0.content",
        "input.value",
        "traceloop.entity.input",
        "ai.prompt.messages",
        "ai.response.text",
        "langfuse.observation.output",
        "mlflow.spanInputs",
        "genkit:input",
        "gcp.vertex.agent.llm_request",
        "lk.chat_ctx",
        "lmnr.span.output",
        "pydantic_ai.all_messages",
        "llm.openai.messages",
        "llm.prompt",
        "haystack.component.input",
    ],
)
def test_content_is_left_out_by_whatever_name_and_on_any_span(key: str) -> None:
    for attributes in (GPT_5, {"http.request.method": "POST"}):
        left = leaving(attributes | {key: "secret words"}).attributes or {}
        assert key not in left
        assert left.items() >= attributes.items()


@pytest.mark.parametrize(
    "key",
    ["gen_ai.prompt.name", "gen_ai.completion.0.finish_reason", "llm.response.id", "ai.response.model", "llm.model"],
)
def test_names_that_only_resemble_content_stay(key: str) -> None:
    assert (leaving({key: "kept"}).attributes or {})[key] == "kept"


def test_counts_named_like_content_stay() -> None:
    assert (leaving({"llm.tokens.prompt": 7, "llm.tokens.completion": 3}).attributes or {})["llm.tokens.prompt"] == 7


def test_a_number_asked_for_is_content_too() -> None:
    assert "gen_ai.prompt.variable.age" not in (leaving({"gen_ai.prompt.variable.age": 42}).attributes or {})


def test_messages_in_events_are_left_out_and_the_events_stay() -> None:
    events = [
        ("gen_ai.user.message", {"content": "secret words", "role": "user"}),
        ("gen_ai.choice", {"message": "secret words", "finish_reason": "stop", "index": 0}),
        ("gen_ai.content.prompt", {"gen_ai.prompt": "secret words"}),
        ("note", {"content": "of the application", "id": 4}),
    ]
    left = leaving(GPT_5, events=events).events
    assert [(event.name, dict(event.attributes or {})) for event in left] == [
        ("gen_ai.user.message", {"role": "user"}),
        ("gen_ai.choice", {"finish_reason": "stop", "index": 0}),
        ("gen_ai.content.prompt", {}),
        ("note", {"content": "of the application", "id": 4}),
    ]
    assert {event.timestamp for event in left} == {1_790_000_000 * 10**9}


def test_captured_content_leaves_as_it_is() -> None:
    left = leaving(GPT_5 | {"input.value": "words"}, ContentRule(captured=True), [("gen_ai.choice", {"message": "m"})])
    assert (left.attributes or {})["input.value"] == "words"
    assert dict(left.events[0].attributes or {}) == {"message": "m"}


def test_captured_content_passes_through_the_redact_function() -> None:
    def redact(key: str, value: Any) -> Any:
        return None if key == "output.value" else value.replace("Ada", "[name]")

    said = GPT_5 | {"input.value": "I am Ada", "output.value": "Hello Ada", "who": "Ada"}
    left = leaving(
        said, ContentRule(captured=True, redact=redact), [("gen_ai.choice", {"message": "Ada!", "index": 0})]
    )
    attributes = left.attributes or {}
    assert (attributes["input.value"], attributes["who"]) == ("I am [name]", "Ada")
    assert "Ada" not in str(attributes.get("output.value"))
    assert dict(left.events[0].attributes or {}) == {"message": "[name]!", "index": 0}


def test_what_the_redact_function_fails_on_is_left_out_and_said_once(caplog: pytest.LogCaptureFixture) -> None:
    def redact(_key: str, value: Any) -> Any:
        if "raise" in value:
            raise ValueError("no rule for this")
        return object()

    rule = ContentRule(captured=True, redact=redact)
    for words in ("raise", "raise again", "a value no attribute holds"):
        attributes = leaving(GPT_5 | {"input.value": words}, rule).attributes or {}
        assert "input.value" not in attributes
        assert attributes["gen_ai.usage.cost_usd"] == 0.001525
    assert sum("redact function failed" in record.getMessage() for record in caplog.records) == 1


@pytest.fixture
def redaction() -> Iterator[None]:
    module = ModuleType("redaction_of_the_test")
    module.shorten = lambda _key, value: value[:3]  # type: ignore[attr-defined]
    sys.modules[module.__name__] = module
    yield
    del sys.modules[module.__name__]


@pytest.mark.parametrize(
    ("named", "left"),
    [("redaction_of_the_test:shorten", "lon"), ("redaction_of_the_test:absent", None), ("no_such_module:f", None)],
)
@pytest.mark.usefixtures("redaction")
def test_the_redact_function_may_be_named_and_without_it_content_stays(named: str, left: str | None) -> None:
    config = read_config({"COSTSPAN_CAPTURE_CONTENT": "1", "COSTSPAN_REDACT": named})
    assert (leaving({"input.value": "long text"}, content_rule(config)).attributes or {}).get("input.value") == left


def test_of_a_raw_answer_the_part_it_is_billed_by_stays() -> None:
    usage = {
        "input_tokens": 50,
        "cache_read_input_tokens": 1000,
        "cache_creation_input_tokens": 300,
        "cache_creation": {"ephemeral_5m_input_tokens": 200, "ephemeral_1h_input_tokens": 100},
        "output_tokens": 77,
        "service_tier": "priority",
    }
    answer = {
        "id": "msg_01Ab",
        "model": "claude-sonnet-4-5",
        "content": [{"type": "text", "text": "secret"}],
        "usage": usage,
    }
    said = {
        "openinference.span.kind": "LLM",
        "llm.model_name": "claude-sonnet-4-5",
        "llm.provider": "anthropic",
        "llm.token_count.prompt": 1350,
        "llm.token_count.completion": 77,
        "output.value": json.dumps(answer),
    }
    left = (leaving(said).attributes or {})["output.value"]
    assert json.loads(str(left)) == {"id": "msg_01Ab", "model": "claude-sonnet-4-5", "usage": usage}
    cut_off = leaving(said | {"output.value": json.dumps(answer)[:70]}).attributes or {}
    assert "secret" not in str(cut_off)
    assert json.loads(str(cut_off["output.value"]))["id"] == "msg_01Ab"


def test_a_server_reads_the_same_calls_from_what_leaves_of_every_captured_trace() -> None:
    originals = list(captured())
    arrived = InMemorySpanExporter()
    CostExporter(arrived).export(originals)
    copies = arrived.get_finished_spans()
    assert len(copies) == len(originals) > 100
    for original, copy in zip(originals, copies, strict=True):
        before, after = read_call(span_record(original)), read_call(span_record(copy))
        # The cost that is added on the way out is read as reported.
        assert (after and replace(after, reported_cost=None)) == (before and replace(before, reported_cost=None))
        said = json.dumps(dict(copy.attributes or {}), default=str) + str(
            [dict(e.attributes or {}) for e in copy.events]
        )
        assert [word for word in SPOKEN if word in said] == [], (original.name, said)


def captured() -> Iterator[ReadableSpan]:
    """The spans of the corpus as a Python program would have ended them."""
    for file in sorted(CASES.rglob("*-traces.pb")):
        for resource_spans in ExportTraceServiceRequest.FromString(file.read_bytes()).resource_spans:
            resource = Resource(plain(resource_spans.resource.attributes))
            for scope_spans in resource_spans.scope_spans:
                scope = InstrumentationScope(scope_spans.scope.name, scope_spans.scope.version)
                for span in scope_spans.spans:
                    trace_id = int.from_bytes(span.trace_id, "big")
                    parent = int.from_bytes(span.parent_span_id, "big")
                    yield ReadableSpan(
                        name=span.name,
                        context=SpanContext(trace_id, int.from_bytes(span.span_id, "big"), is_remote=False),
                        parent=SpanContext(trace_id, parent, is_remote=False) if parent else None,
                        resource=resource,
                        attributes=plain(span.attributes),
                        events=[Event(e.name, plain(e.attributes), e.time_unix_nano) for e in span.events],
                        kind=SpanKind(max(span.kind - 1, 0)),
                        status=Status(StatusCode(span.status.code)),
                        start_time=span.start_time_unix_nano,
                        end_time=span.end_time_unix_nano,
                        instrumentation_scope=scope,
                    )


def plain(key_values: Any) -> dict[str, Any]:
    return {item.key: value(item.value) for item in key_values}


def value(any_value: Any) -> Any:
    kind = any_value.WhichOneof("value")
    if kind == "array_value":
        return tuple(value(item) for item in any_value.array_value.values)
    return getattr(any_value, kind) if kind else ""
