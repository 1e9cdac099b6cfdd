"""The exporters behind the enrichment: OTLP as OpenTelemetry's variables ask for it, a file, the console."""

from __future__ import annotations

import os
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, cast

from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SpanExporter

from costspan.sdk.config import Config, read_config
from costspan.sdk.content import content_rule
from costspan.sdk.enrich import CostExporter
from costspan.sdk.own_exporter import OwnExporter
from costspan.sdk.recording_exporter import RecordingExporter
from costspan.sdk.safety import log_once

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import MetricExporter


class OtlpCostExporter(CostExporter):
    """OTLP with cost: `OTEL_TRACES_EXPORTER=costspan` for programs that `opentelemetry-instrument` sets up."""

    made: ClassVar = False
    """True once there is one: spans leave through it, and a second exporter would send them twice."""

    def __init__(self, **_options: Any) -> None:
        OtlpCostExporter.made = True
        config = read_config(os.environ)
        super().__init__(otlp_exporter(config), content=content_rule(config), error_outcomes=config.error_outcomes)


def chosen_exporters(config: Config) -> tuple[SpanExporter, ...]:
    """Return what `config` asks for; none at all for `OTEL_TRACES_EXPORTER=none`."""
    if config.record_to:
        return (RecordingExporter(config.record_to),)
    chosen: list[SpanExporter] = []
    for name in config.exporters:
        if name == "otlp" and OtlpCostExporter.made:
            continue
        if name == "otlp":
            chosen.append(otlp_exporter(config))
        elif name == "console":
            chosen.append(ConsoleSpanExporter())
        elif name != "none":
            log_once(f"costspan: OTEL_TRACES_EXPORTER names {name!r}; known here are otlp, console and none")
    return tuple(chosen)


def chosen_metric_exporters(config: Config) -> tuple[MetricExporter, ...]:
    """Return what `config` asks for; none at all for `OTEL_METRICS_EXPORTER=none`."""
    chosen: list[MetricExporter] = []
    for name in config.metrics_exporters:
        if name == "otlp":
            from costspan.sdk.own_metric_exporter import OwnMetricExporter  # noqa: PLC0415 - many export none

            chosen.append(
                OwnMetricExporter(partial(_otlp, "metric_exporter", "OTLPMetricExporter", "v1/metrics", config))
            )
        elif name == "console":
            from opentelemetry.sdk.metrics.export import ConsoleMetricExporter  # noqa: PLC0415 - as above

            chosen.append(ConsoleMetricExporter())
        elif name != "none":
            log_once(f"costspan: OTEL_METRICS_EXPORTER names {name!r}; known here are otlp, console and none")
    return tuple(chosen)


def otlp_exporter(config: Config) -> SpanExporter:
    """Return an exporter for the configured endpoint: over gRPC where that is asked for and installed, else HTTP."""
    return OwnExporter(lambda: cast("SpanExporter", _otlp("trace_exporter", "OTLPSpanExporter", "v1/traces", config)))


def _otlp(module: str, exporter: str, path: str, config: Config) -> Any:
    headers = dict(config.headers) or None
    if config.protocol == "grpc":
        try:
            grpc = import_module(f"opentelemetry.exporter.otlp.proto.grpc.{module}")
            return getattr(grpc, exporter)(endpoint=config.endpoint, headers=headers)
        except ImportError:
            log_once("costspan: OTLP over gRPC needs opentelemetry-exporter-otlp-proto-grpc; sending over HTTP instead")
    http = import_module(f"opentelemetry.exporter.otlp.proto.http.{module}")  # 100 ms, and only where it is used
    endpoint = f"{config.endpoint.rstrip('/')}/{path}" if config.endpoint else None
    return getattr(http, exporter)(endpoint=endpoint, headers=headers)
