"""Head sampling thins traces out and never the money: metrics count every call, and what is exported says its ratio."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from otlp_receiver import OtlpReceiver
from sdk_program import OPENAI, environment, run_program

from costspan.semconv.sampling import adjusted_count
from costspan.testing.stub_provider import StubProvider, StubUsage

METRICS = """
import json, logging
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
reader = InMemoryMetricReader()
metrics.set_meter_provider(MeterProvider([reader]))
def points(name):
    document = json.loads(reader.get_metrics_data().to_json())
    every = [m for r in document["resource_metrics"] for s in r["scope_metrics"] for m in s["metrics"]]
    return [point for m in every if m["name"] == name for point in m["data"]["data_points"]]
def cost():
    found = points("gen_ai.usage.cost_usd")
    return {"calls": sum(p["count"] for p in found), "usd": round(sum(p["sum"] for p in found), 9)}
"""
THREE_CALLS = """
costspan.configure()
with trace.get_tracer("app").start_as_current_span("request"):
    with costspan.attribute(feature="search"):
        chat(); chat()
chat()
print(json.dumps(cost()))
"""


@pytest.fixture
def variables(tmp_path: Path) -> Iterator[dict[str, str]]:
    with StubProvider(usage=StubUsage(input_tokens=1000, output_tokens=50)) as provider:
        yield environment(tmp_path, STUB_URL=provider.base_url)


def printed(code: str, variables: dict[str, str]) -> Any:
    return json.loads(run_program(METRICS + OPENAI + code, variables).stdout)


@pytest.mark.parametrize(
    "sampler",
    [
        {"OTEL_TRACES_SAMPLER": "always_off"},
        {"OTEL_TRACES_SAMPLER": "parentbased_always_off"},
        {"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0"},
        {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0"},
    ],
    ids=lambda sampler: sampler["OTEL_TRACES_SAMPLER"],
)
def test_calls_a_sampler_drops_are_in_the_metric_and_not_in_the_export(
    variables: dict[str, str], sampler: dict[str, str]
) -> None:
    with OtlpReceiver() as receiver:
        counted = printed(THREE_CALLS, variables | sampler | {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint})
        assert receiver.spans == []
    # Three calls of 1,000 x $1.25 and 50 x $10 a million.
    assert counted == {"calls": 3, "usd": 0.00525}


def test_an_application_s_own_sampler_still_decides_what_its_exporters_send(variables: dict[str, str]) -> None:
    code = """
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased
own, ended = InMemorySpanExporter(), []
class Ended(SpanProcessor):
    def on_end(self, span): ended.append((span.name, span.attributes.get("feature"), span.context.trace_flags.sampled))
provider = TracerProvider(sampler=ParentBased(ALWAYS_OFF))
provider.add_span_processor(SimpleSpanProcessor(own))
provider.add_span_processor(Ended())
trace.set_tracer_provider(provider)
""" + THREE_CALLS.replace("print(json.dumps(cost()))", "print(json.dumps([cost(), ended, own.get_finished_spans()]))")
    with OtlpReceiver() as receiver:
        counted, ended, sent = printed(code, variables | {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint})
        assert receiver.spans == []
    assert counted == {"calls": 3, "usd": 0.00525}
    assert sent == []
    # The request around two of the calls is no model call and is dropped as before.
    assert ended == [["chat gpt-5", "search", False]] * 2 + [["chat gpt-5", None, False]]


def test_a_sampled_trace_says_how_many_it_stands_for(variables: dict[str, str]) -> None:
    code = """
from opentelemetry.sdk.trace import IdGenerator, TracerProvider
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio
class Evenly(IdGenerator):
    spans = traces = 0
    def generate_span_id(self):
        self.spans += 1
        return self.spans
    def generate_trace_id(self):
        self.traces += 1
        return (1 << 100) + ((self.traces % 8) << 61) + 1
trace.set_tracer_provider(TracerProvider(sampler=ParentBasedTraceIdRatio(0.25), id_generator=Evenly()))
exporter = InMemorySpanExporter()
configured = costspan.configure(exporter=exporter)
tracer = trace.get_tracer("app")
for _ in range(8):
    with tracer.start_as_current_span("request"):
        chat()
configured.flush()
states = [(span.name, span.context.trace_state.to_header()) for span in exporter.get_finished_spans()]
print(json.dumps([cost(), states]))
"""
    counted, states = printed(code, variables)
    assert counted == {"calls": 8, "usd": 0.014}
    assert [name for name, _ in states] == ["chat gpt-5", "request"] * 2
    for _, state in states:
        stands_for = adjusted_count(state)
        assert stands_for is not None
        assert float(stands_for) == 4
        threshold, randomness = (part.partition(":")[2] for part in state.removeprefix("ot=").split(";"))
        # Consistent, so that a collector that samples further keeps the ratio (sampled where R >= T).
        assert int(randomness, 16) >= int(threshold.ljust(14, "0"), 16)


def test_a_trace_another_service_sampled_is_left_as_it_came(variables: dict[str, str]) -> None:
    code = """
from opentelemetry.propagate import extract
from opentelemetry.context import attach
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
exporter = InMemorySpanExporter()
configured = costspan.configure(exporter=exporter)
attach(extract({"traceparent": f"00-{1:032x}-{1:016x}-01", "tracestate": "ot=th:8,other=1"}))
chat()
configured.flush()
print(json.dumps([span.context.trace_state.to_header() for span in exporter.get_finished_spans()]))
"""
    sampler = {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.25"}
    assert printed(code, variables | sampler) == ["ot=th:8,other=1"]


def test_the_table_of_a_run_counts_the_calls_that_were_not_sampled(variables: dict[str, str], tmp_path: Path) -> None:
    code = "costspan.configure()\nchat()"
    tally = tmp_path / "tally"
    tally.mkdir()
    run_program(OPENAI + code, variables | {"OTEL_TRACES_SAMPLER": "always_off", "COSTSPAN_TALLY_TO": str(tally)})
    (line,) = [json.loads(line) for file in tally.iterdir() for line in file.read_text().splitlines()]
    assert line["cost_pico_usd"] == 1_750_000_000
