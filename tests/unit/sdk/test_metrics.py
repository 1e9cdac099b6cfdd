"""Cost and unpriced calls as metrics, in a process of their own: OpenTelemetry allows one meter provider each."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import costspan

PROGRAM = """
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

reader = InMemoryMetricReader()
provider = TracerProvider()
provider.add_span_processor(AttributionProcessor(Attribution(), str))
provider.add_span_processor(CostMetrics(SpanPricer()))
metrics.set_meter_provider(MeterProvider([reader]))
tracer = provider.get_tracer("app")
for model in ("gpt-5", "gpt-5", "in-house-7"):
    with costspan.attribute(feature="search", user_id="u-1"):
        tracer.start_span("chat", attributes={"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai",
            "gen_ai.request.model": model, "gen_ai.usage.input_tokens": 1000, "gen_ai.usage.output_tokens": 50}).end()
document = json.loads(reader.get_metrics_data().to_json())
for metric in document["resource_metrics"][0]["scope_metrics"][0]["metrics"]:
    for point in metric["data"]["data_points"]:
        print(json.dumps({"name": metric["name"], "unit": metric["unit"], "labels": point["attributes"],
                          "sum": point.get("sum", point.get("value")), "count": point.get("count")}))
"""


def test_cost_is_a_histogram_and_calls_without_a_price_are_counted_never_by_user() -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(costspan.__file__).parents[1])}
    command = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=True)
    points: list[dict[str, Any]] = [json.loads(line) for line in done.stdout.splitlines()]
    by_name = {point["name"]: point for point in points}
    assert len(points) == 2
    assert by_name["gen_ai.usage.cost_usd"] == {
        "name": "gen_ai.usage.cost_usd",
        "unit": "{USD}",
        "labels": {"gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-5", "feature": "search"},
        "sum": 0.0035,
        "count": 2,
    }
    assert by_name["costspan.unpriced_calls"]["sum"] == 1
    assert by_name["costspan.unpriced_calls"]["labels"]["gen_ai.request.model"] == "in-house-7"
