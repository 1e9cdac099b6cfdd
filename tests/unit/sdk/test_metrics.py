"""Cost, tokens and durations as metrics, in a process of their own: OpenTelemetry allows one meter provider each."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import costspan

BEGINNING = """
import json
from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
import costspan
from costspan.core.attribution import Attribution
from costspan.sdk.attribute_processor import AttributionProcessor
from costspan.sdk.metrics import CostMetrics
from costspan.sdk.price_span import SpanPricer
from costspan.sdk.user_pseudonym import pseudonymous

OFFICIAL = "opentelemetry.instrumentation.genai.openai"
reader = InMemoryMetricReader()
provider = TracerProvider()
provider.add_span_processor(AttributionProcessor(Attribution(), pseudonymous(lambda: b"key")))
metrics.set_meter_provider(MeterProvider([reader]))
def count(**options):
    provider.add_span_processor(CostMetrics(SpanPricer(), **options))
def start(model="gpt-5", scope=OFFICIAL, **more):
    said = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": model,
            "gen_ai.usage.input_tokens": 1000, "gen_ai.usage.output_tokens": 50}
    said |= {name.replace("__", "."): value for name, value in more.items()}
    return provider.get_tracer(scope).start_as_current_span("chat", attributes=said)
def call(*words, **more):
    with start(*words, **more):
        pass
"""
END = """
document = json.loads(reader.get_metrics_data().to_json())
for scope in document["resource_metrics"][0]["scope_metrics"]:
    for metric in scope["metrics"]:
        for point in metric["data"]["data_points"]:
            print(json.dumps({"name": metric["name"], "unit": metric["unit"], "labels": point["attributes"],
                              "sum": point.get("sum", point.get("value")), "count": point.get("count")}))
"""


def points(code: str) -> list[dict[str, Any]]:
    environment = {**os.environ, "PYTHONPATH": str(Path(costspan.__file__).parents[1])}
    command = [sys.executable, "-c", BEGINNING + code + END]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_cost_is_a_histogram_and_calls_without_a_price_are_counted_never_by_user() -> None:
    said = points("""
count()
for model in ("gpt-5", "gpt-5", "in-house-7"):
    with costspan.attribute(feature="search", user_id="u-1"):
        call(model)
""")
    by_name = {point["name"]: point for point in said}
    assert len(said) == 2
    assert by_name["gen_ai.usage.cost_usd"] == {
        "name": "gen_ai.usage.cost_usd",
        "unit": "{USD}",
        "labels": {"gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-5", "feature": "search"},
        "sum": 0.0035,
        "count": 2,
    }
    assert by_name["costspan.unpriced_calls"]["sum"] == 1
    assert by_name["costspan.unpriced_calls"]["labels"]["gen_ai.request.model"] == "in-house-7"


def test_a_label_has_200_values_at_most_and_no_cost_is_lost_to_that() -> None:
    said = points("""
count()
for number in range(250):
    with costspan.attribute(feature=f"f{number}"):
        call()
""")
    by_feature = {point["labels"]["feature"]: point["count"] for point in said}
    assert len(by_feature) == 201
    assert by_feature["other"] == 50
    assert sum(by_feature.values()) == 250


def test_a_user_is_a_label_only_where_that_is_asked_for_and_by_pseudonym() -> None:
    (point,) = points("""
count(dimensions=("team", "user_id"))
with costspan.attribute(feature="search", team="core", user_id="ada@example.com"):
    call()
""")
    labels = point["labels"]
    assert "feature" not in labels
    assert labels["team"] == "core"
    # printf ada@example.com | openssl dgst -sha256 -hmac key
    assert labels["user_id"] == "u_20caa94149b865c2f3a23002c8ca0b02"


def test_a_call_seen_by_two_instrumentations_is_one_cost() -> None:
    said = points("""
count()
with start(scope="pydantic-ai"):
    call()
with start(gen_ai__response__id="r-1"), provider.get_tracer("app").start_as_current_span("between"):
    call(gen_ai__response__id="r-1")
call(gen_ai__response__id="r-2")
""")
    assert [(point["count"], point["sum"]) for point in said] == [(3, 0.00525)]


def test_a_call_whose_inner_span_has_no_usage_is_counted_by_the_outer_one() -> None:
    (point,) = points("""
count()
with start(scope="pydantic-ai"):
    with provider.get_tracer(OFFICIAL).start_as_current_span("chat", attributes={
        "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-5"}):
        pass
""")
    assert point["count"] == 1


def test_tokens_durations_and_first_chunks_are_recorded_where_the_instrumentation_does_not() -> None:
    said = points("""
count()
with costspan.attribute(feature="search"):
    call(scope="costspan.track", gen_ai__response__time_to_first_chunk=0.5, error__type="openai.RateLimitError")
""")
    found = {(point["name"], point["labels"].get("gen_ai.token.type")): point for point in said}
    common = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-5",
        "feature": "search",
    }
    tokens_in = found["gen_ai.client.token.usage", "input"]
    assert (tokens_in["unit"], tokens_in["sum"]) == ("{token}", 1000)
    assert found["gen_ai.client.token.usage", "output"]["sum"] == 50
    duration = found["gen_ai.client.operation.duration", None]
    assert (duration["unit"], duration["count"]) == ("s", 1)
    assert duration["labels"] == common | {"error.type": "rate_limit"}
    first_chunk = found["gen_ai.client.operation.time_to_first_chunk", None]
    assert (first_chunk["labels"], first_chunk["sum"]) == (common, 0.5)


def test_what_the_official_instrumentation_records_is_not_recorded_twice() -> None:
    said = points("count()\ncall()\ncall(scope='costspan.google_genai')")
    assert {point["name"] for point in said} == {"gen_ai.usage.cost_usd"}


def test_no_call_is_lost_where_more_end_than_can_wait() -> None:
    (point,) = points("""
count()
for _ in range(2500):
    call()
""")
    assert point["count"] == 2500


def test_a_forked_child_does_not_count_what_waited_in_its_parent() -> None:
    (point,) = points("""
import os
count()
call()
if process := os.fork():
    os._exit(os.waitpid(process, 0)[1])
call()
""")
    assert point["count"] == 1


def test_an_exemplar_leads_to_the_trace_of_the_call() -> None:
    (point,) = points("""
count()
with start() as span:
    expected = f"{span.get_span_context().trace_id:032x}"
metric = json.loads(reader.get_metrics_data().to_json())["resource_metrics"][0]["scope_metrics"][0]["metrics"][0]
exemplar = metric["data"]["data_points"][0]["exemplars"][0]
assert exemplar["trace_id"] == int(expected, 16), exemplar
""")
    assert point["count"] == 1
