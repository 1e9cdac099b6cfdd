"""Recorded spans are OTLP/JSON: read here with OpenTelemetry's own message definitions."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Link, Status, StatusCode

from costspan.sdk.otlp_json import export_request_line
from costspan.sdk.recording_exporter import RecordingExporter

ATTRIBUTES: dict[str, Any] = {
    "text": "é",
    "flag": True,
    "count": 2**53 + 1,
    "share": 0.1,
    "endless": float("inf"),
    "list": ["a", "b"],
}


def two_spans() -> tuple[Any, Any]:
    kept = InMemorySpanExporter()
    provider = TracerProvider(resource=Resource({"service.name": "shop"}), shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(kept))
    tracer = provider.get_tracer("scope", "1.0", "https://schema")
    with tracer.start_as_current_span("parent") as parent:
        child = tracer.start_span("child", attributes=ATTRIBUTES, links=[Link(parent.get_span_context(), {"why": "x"})])
        child.add_event("moment", {"n": 1}, timestamp=5)
        child.set_status(Status(StatusCode.ERROR, "broke"))
        child.end()
    child_span, parent_span = kept.get_finished_spans()
    return child_span, parent_span


def parsed(line: str) -> ExportTraceServiceRequest:
    """Return the request; OTLP/JSON writes ids in hex where protobuf's own JSON has base64."""
    document = json.loads(line)
    for scope_spans in document["resourceSpans"][0]["scopeSpans"]:
        for span in scope_spans["spans"]:
            for holder in (span, *span["links"]):
                for key in {"traceId", "spanId", "parentSpanId"} & holder.keys():
                    holder[key] = base64.b64encode(bytes.fromhex(holder[key])).decode()
    return json_format.ParseDict(document, ExportTraceServiceRequest())


def test_a_line_is_one_export_request_with_everything_the_span_says() -> None:
    child, parent = two_spans()
    line = export_request_line([child, parent])
    assert line.endswith("\n")
    assert line.count("\n") == 1
    (resource_spans,) = parsed(line).resource_spans
    assert resource_spans.resource.attributes[0].value.string_value == "shop"
    (scope_spans,) = resource_spans.scope_spans
    assert (scope_spans.scope.name, scope_spans.scope.version, scope_spans.schema_url) == (
        "scope",
        "1.0",
        "https://schema",
    )
    span, root = scope_spans.spans
    assert span.trace_id.hex() == f"{child.context.trace_id:032x}"
    assert span.parent_span_id == root.span_id
    assert root.parent_span_id == b""
    assert (span.kind, span.status.code, span.status.message) == (1, 2, "broke")
    assert span.end_time_unix_nano == child.end_time
    assert (span.events[0].name, span.events[0].time_unix_nano) == ("moment", 5)
    assert span.links[0].span_id == root.span_id
    values = {item.key: item.value for item in span.attributes}
    assert values["text"].string_value == "é"
    assert values["flag"].bool_value is True
    assert values["count"].int_value == 9_007_199_254_740_993
    assert values["share"].double_value == 0.1
    assert values["endless"].double_value == float("inf")
    assert [item.string_value for item in values["list"].array_value.values] == ["a", "b"]


def test_each_batch_is_a_line_of_one_file(tmp_path: Path) -> None:
    child, parent = two_spans()
    exporter = RecordingExporter(tmp_path / "inbox")
    assert exporter.export([child]) is SpanExportResult.SUCCESS
    assert exporter.export([parent]) is SpanExportResult.SUCCESS
    (file,) = (tmp_path / "inbox").glob("*.jsonl")
    names = [
        span.name
        for line in file.read_text().splitlines()
        for span in parsed(line).resource_spans[0].scope_spans[0].spans
    ]
    assert names == ["child", "parent"]


def test_a_folder_that_cannot_be_written_is_a_failed_export_and_not_an_exception(tmp_path: Path) -> None:
    (tmp_path / "inbox").write_text("in the way")
    assert RecordingExporter(tmp_path / "inbox").export(two_spans()) is SpanExportResult.FAILURE
