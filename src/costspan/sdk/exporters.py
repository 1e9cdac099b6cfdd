"""The exporters behind the enrichment: OTLP as OpenTelemetry's variables ask for it, a file, the console."""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any, cast

from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SpanExporter

from costspan.sdk.config import Config, read_config
from costspan.sdk.content import content_rule
from costspan.sdk.enrich import CostExporter
from costspan.sdk.own_exporter import OwnExporter
from costspan.sdk.recording_exporter import RecordingExporter
from costspan.sdk.safety import log_once


class OtlpCostExporter(CostExporter):
    """OTLP with cost: `OTEL_TRACES_EXPORTER=costspan` for programs that `opentelemetry-instrument` sets up."""

    def __init__(self, **_options: Any) -> None:
        config = read_config(os.environ)
        super().__init__(otlp_exporter(config), content=content_rule(config))


def chosen_exporters(config: Config) -> tuple[SpanExporter, ...]:
    """Return what `config` asks for; none at all for `OTEL_TRACES_EXPORTER=none`."""
    if config.record_to:
        return (RecordingExporter(config.record_to),)
    chosen: list[SpanExporter] = []
    for name in config.exporters:
        if name == "otlp":
            chosen.append(otlp_exporter(config))
        elif name == "console":
            chosen.append(ConsoleSpanExporter())
        elif name != "none":
            log_once(f"costspan: OTEL_TRACES_EXPORTER names {name!r}; known here are otlp, console and none")
    return tuple(chosen)


def otlp_exporter(config: Config) -> SpanExporter:
    """Return an exporter for the configured endpoint: over gRPC where that is asked for and installed, else HTTP."""
    return OwnExporter(lambda: _otlp_exporter(config))


def _otlp_exporter(config: Config) -> SpanExporter:
    if config.protocol == "grpc":
        try:
            grpc = import_module("opentelemetry.exporter.otlp.proto.grpc.trace_exporter")
            return cast(
                "SpanExporter", grpc.OTLPSpanExporter(endpoint=config.endpoint, headers=dict(config.headers) or None)
            )
        except ImportError:
            log_once("costspan: OTLP over gRPC needs opentelemetry-exporter-otlp-proto-grpc; sending over HTTP instead")
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - 100 ms

    endpoint = f"{config.endpoint.rstrip('/')}/v1/traces" if config.endpoint else None
    return OTLPSpanExporter(endpoint=endpoint, headers=dict(config.headers) or None)
