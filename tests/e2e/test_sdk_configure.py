"""`configure` in the programs it meets: once, twice, with a provider of their own, with no server, switched off."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from otlp_receiver import OtlpReceiver
from sdk_program import OPENAI, SOURCE, environment, run_program

from costspan.testing.stub_provider import StubProvider, StubUsage

OWN_PROVIDER = """
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
own = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(own))
trace.set_tracer_provider(provider)
"""


@pytest.fixture
def variables(tmp_path: Path) -> Iterator[dict[str, str]]:
    with StubProvider(usage=StubUsage(input_tokens=1000, output_tokens=50)) as provider:
        yield environment(tmp_path, STUB_URL=provider.base_url)


def test_an_application_s_own_provider_is_joined_and_its_own_exporter_left_alone(variables: dict[str, str]) -> None:
    code = (
        OWN_PROVIDER
        + OPENAI
        + """
configured = costspan.configure()
assert "joined" in configured.notes[0], configured.notes
assert trace.get_tracer_provider() is provider
with trace.get_tracer("app").start_as_current_span("request"):
    chat()
call, request = own.get_finished_spans()
assert call.parent.span_id == request.context.span_id
assert "gen_ai.usage.cost_usd" not in call.attributes
"""
    )
    with OtlpReceiver() as receiver:
        run_program(code, variables | {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint})
        call, request = receiver.spans
    assert call.attributes["gen_ai.usage.cost_usd"] == 0.00175
    assert call.trace_id == request.trace_id
    assert request.name == "request"


def test_configuring_twice_sends_every_span_once(variables: dict[str, str]) -> None:
    code = OPENAI + "first = costspan.configure()\nassert costspan.configure(service_name='other') is first\nchat()"
    with OtlpReceiver() as receiver:
        run_program(code, variables | {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint})
        assert len(receiver.spans) == 1


def test_a_client_that_is_instrumented_already_is_not_instrumented_again(variables: dict[str, str]) -> None:
    code = (
        OPENAI
        + """
from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor
OpenAIInstrumentor().instrument()
costspan.configure()
chat()
"""
    )
    with OtlpReceiver() as receiver:
        run_program(code, variables | {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint})
        assert len(receiver.spans) == 1


@pytest.mark.parametrize("how", ["wrapt", "functools"])
def test_another_package_s_instrumentation_stays_the_only_one_and_is_completed(
    variables: dict[str, str], how: str
) -> None:
    code = (
        OPENAI
        + """
import functools
from opentelemetry import trace
from openai.resources.chat.completions import Completions
from wrapt import wrap_function_wrapper
def traced(wrapped, instance, args, kwargs):
    said = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": kwargs["model"]}
    with trace.get_tracer("of.another.package").start_as_current_span("openai.chat", attributes=said) as span:
        answer = wrapped(*args, **kwargs)
        return [chunk.choices[0].delta.content for chunk in answer] if kwargs.get("stream") else answer
if os.environ["HOW"] == "wrapt":
    wrap_function_wrapper("openai.resources.chat.completions", "Completions.create", traced)
else:
    create = Completions.create
    @functools.wraps(create)
    def traced_create(self, *args, **kwargs):
        return traced(create.__get__(self), self, args, kwargs)
    Completions.create = traced_create
costspan.configure()
assert chat(stream=True) == ["", "Hello.", None]
"""
    )
    with OtlpReceiver() as receiver:
        run_program(code, variables | {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint, "HOW": how})
        (call,) = receiver.calls()
    assert call["gen_ai.usage.cost_usd"] == 0.00175


@pytest.mark.parametrize("status", [None, 503])
def test_without_a_server_the_program_runs_to_its_end(variables: dict[str, str], status: int | None) -> None:
    with OtlpReceiver(status=status or 200) as receiver:
        endpoint = receiver.endpoint if status else "http://127.0.0.1:9"
        run_program(
            "import costspan; costspan.configure()\n" + OPENAI + "chat()", variables | {"COSTSPAN_URL": endpoint}
        )


def test_switched_off_nothing_is_sent(variables: dict[str, str]) -> None:
    code = OPENAI + "assert not costspan.configure().active\nchat()"
    with OtlpReceiver() as receiver:
        off = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint, "OTEL_SDK_DISABLED": "true"}
        run_program(code, variables | off)
        assert receiver.attempts == 0


def test_the_api_key_goes_with_the_spans(variables: dict[str, str]) -> None:
    code = OPENAI + "costspan.configure()\nchat()"
    with OtlpReceiver() as receiver:
        run_program(code, variables | {"COSTSPAN_URL": receiver.endpoint, "COSTSPAN_API_KEY": "k-1"})
        (span,) = receiver.spans
    assert {name.lower(): value for name, value in span.headers.items()}["authorization"] == "Bearer k-1"


def test_configure_does_not_load_a_client_the_program_does_not_use(variables: dict[str, str]) -> None:
    run_program("import sys, costspan; costspan.configure(); assert 'openai' not in sys.modules", variables)


def test_importing_costspan_loads_nothing_that_is_not_python_s_own() -> None:
    code = """
import sys
before = set(sys.modules)
import costspan
new = {name.partition(".")[0] for name in set(sys.modules) - before}
print(sorted(new - set(sys.stdlib_module_names)))
"""
    command = [sys.executable, "-S", "-c", code]
    done = subprocess.run(command, env={"PYTHONPATH": SOURCE}, capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout.strip() == "['costspan']"


def test_the_exporter_is_found_by_name_for_programs_opentelemetry_sets_up(variables: dict[str, str]) -> None:
    code = """
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter
from costspan.sdk.exporters import OtlpCostExporter
assert issubclass(OtlpCostExporter, SpanExporter)
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(OtlpCostExporter()))
provider.get_tracer("app").start_span("chat", attributes={"gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-5", "gen_ai.usage.input_tokens": 1000,
    "gen_ai.usage.output_tokens": 50}).end()
"""
    with OtlpReceiver() as receiver:
        run_program(code, variables | {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint})
        (call,) = receiver.calls()
    assert call["gen_ai.usage.cost_usd"] == 0.00175
