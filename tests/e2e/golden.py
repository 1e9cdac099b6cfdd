"""Golden files: what leaves a program for every way of calling a client, and what our server makes of the same bytes.

    def test_...(golden): golden.check("openai", "chat", captured.mode("chat"))

A *modes file* lists, for one client, one function for each way of calling it (`golden_modes_openai.py`). `capture` runs
them all in one Python of its own, configured as any application is, and keeps the OTLP that leaves it. Each mode is a
feature, by which its spans are told apart.

Ids, times, speeds and ports are masked. After a wanted change run `pytest tests/e2e/test_golden_openai.py
--renew-golden` and read the difference.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from otlp_receiver import OtlpReceiver
from sdk_program import environment, run_program

from serving import PROTOBUF, Server

FOLDER: Final = Path(__file__).parent / "golden_files"
MASKED: Final = frozenset(
    {
        "costspan.output_tokens_per_second",
        "gen_ai.response.id",
        "gen_ai.response.time_to_first_chunk",
        "server.port",
        "url.full",
    }
)
PROGRAM: Final = """
import sys; sys.path.insert(0, {folder!r})
import costspan
configured = costspan.configure(service_name="golden")
from {modes} import MODES, USAGE, stub
with stub:
    for mode in MODES:
        stub.reset(usage=USAGE)
        with costspan.attribute(feature=mode.__name__):
            mode()
print(";".join(configured.notes))
"""


@dataclass(frozen=True, slots=True)
class Captured:
    """What one program sent: OTLP bodies as they were, and the same as plain values."""

    traces: tuple[bytes, ...]
    metrics: tuple[bytes, ...]

    @property
    def spans(self) -> list[dict[str, Any]]:
        """Every span, as `_span` writes it, with its span id, in order of start."""
        found = [
            (int(span["startTimeUnixNano"]), _span(span, scope_spans.get("scope", {})))
            for body in self.traces
            for resource_spans in MessageToDict(ExportTraceServiceRequest.FromString(body))["resourceSpans"]
            for scope_spans in resource_spans["scopeSpans"]
            for span in scope_spans["spans"]
        ]
        return [span for _, span in sorted(found, key=lambda each: each[0])]

    def mode(self, name: str) -> list[dict[str, Any]]:
        """Return the spans of one mode, masked."""
        return [_masked(span) for span in self.spans if span["attributes"].get("feature") == name]

    def costs(self) -> dict[str, Decimal | None]:
        """Return what each model call says it cost, by span id; None where it says why it has no cost."""
        calls = [span for span in self.spans if "costspan.price_status" in span["attributes"]]
        assert calls
        return {span["id"]: _usd(span["attributes"].get("gen_ai.usage.cost_usd")) for span in calls}

    def points(self) -> list[dict[str, Any]]:
        """Return every metric: its name, unit, and for each set of labels how many values there are and, of tokens and
        money, their sum. The last export says it all: the metrics are cumulative."""
        if not self.metrics:
            return []
        last = MessageToDict(ExportMetricsServiceRequest.FromString(self.metrics[-1]))
        return sorted(
            (
                {"name": metric["name"], "unit": metric.get("unit", ""), "points": _points(metric)}
                for resource in last["resourceMetrics"]
                for scope in resource["scopeMetrics"]
                for metric in scope["metrics"]
            ),
            key=lambda metric: str(metric["name"]),
        )


def capture(modes: str, home: Path, **variables: str) -> Captured:
    """Run all modes of `modes`, a module beside this one, in a process of its own; return what it sent."""
    with OtlpReceiver() as receiver:
        folder = str(Path(__file__).parent)
        told = environment(home, OTEL_EXPORTER_OTLP_ENDPOINT=receiver.endpoint, **variables)
        run_program(PROGRAM.format(folder=folder, modes=modes), told, timeout_s=120)
        sent = {path: tuple(body for at, body in receiver.bodies if at == path) for path, _ in receiver.bodies}
    return Captured(sent.get("/v1/traces", ()), sent.get("/v1/metrics", ()))


def server_costs(server: Server, captured: Captured) -> dict[str, Decimal | None]:
    """Send everything captured to a real server; return what it says each call cost, by span id."""
    for path, bodies in (("/v1/traces", captured.traces), ("/v1/metrics", captured.metrics)):
        for body in bodies:
            assert server.request("POST", path, body, Content_Type=PROTOBUF).status == 200
    everything = server.get("/api/v1/calls?since=1971-01-01&until=2200-01-01&limit=500&role=owner").document
    return {call["span_id"]: _usd(call["cost_usd"]) for call in everything["rows"] if call["signal"] == "span"}


@dataclass(frozen=True, slots=True)
class Golden:
    """Compares with the files in `golden_files/`, or writes them where `renew` says so."""

    renew: bool

    def check(self, client: str, name: str, document: Any) -> None:
        """Assert that `document` is what the file of `client` and `name` holds."""
        path = FOLDER / client / f"{name}.json"
        if self.renew:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(document, indent=2, sort_keys=True) + "\n")
        assert document == json.loads(path.read_text()), f"{path.name}: renew with --renew-golden if this is wanted"


def _usd(amount: float | str | None) -> Decimal | None:
    return None if amount is None else Decimal(str(amount)).normalize()


def _span(span: Mapping[str, Any], scope: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": span["name"],
        "scope": f"{scope.get('name', '')}@{scope.get('version', '')}",
        "kind": span["kind"],
        "status": span.get("status", {}),
        "attributes": _plain(span.get("attributes", [])),
        "events": [{"name": event["name"]} for event in span.get("events", [])],
        "id": base64.b64decode(span["spanId"]).hex(),
    }


def _masked(span: Mapping[str, Any]) -> dict[str, Any]:
    attributes = {key: "*" if key in MASKED else value for key, value in span["attributes"].items()}
    return {key: value for key, value in span.items() if key != "id"} | {"attributes": attributes}


def _plain(key_values: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    return {item["key"]: _value(item.get("value", {})) for item in key_values}


def _value(any_value: Mapping[str, Any]) -> Any:
    ((kind, value),) = any_value.items() or (("nothing", None),)
    match kind:
        case "intValue":
            return int(value)
        case "arrayValue":
            return [_value(item) for item in value.get("values", [])]
    return value


def _points(metric: Mapping[str, Any]) -> list[dict[str, Any]]:
    data = next(metric[kind] for kind in ("histogram", "sum", "gauge", "exponentialHistogram") if kind in metric)
    timed = metric.get("unit") == "s"
    points = []
    for point in data["dataPoints"]:
        labels = {key: "*" if key in MASKED else value for key, value in _plain(point.get("attributes", [])).items()}
        total = point.get("sum", point.get("asInt", point.get("asDouble")))
        points.append(
            {"labels": labels, "count": int(point.get("count", 1)), "sum": "*" if timed else round(float(total), 12)}
        )
    return sorted(points, key=lambda point: json.dumps(point["labels"], sort_keys=True))
