"""Each peer's set-up, as its own documentation tells a user to do it. Runs in the environment of that peer.

A generator in three steps: what the peer imports; its set-up, spans going in batches to `sink`; then it is handed what
to call so that everything leaves. Content capture, licence checks and price downloads are as the peer ships them
unless a comment says otherwise.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

Flush = Callable[[], object]
Setup = Iterator[Flush | None]


def bare(_sink: str) -> Setup:
    """The client alone."""
    yield None
    yield lambda: None


def opentelemetry(sink: str) -> Setup:
    """The official instrumentation, its SDK, a batch exporter: what any tool on OpenTelemetry starts from."""
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    yield None
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{sink}/v1/traces")))
    trace.set_tracer_provider(provider)
    OpenAIInstrumentor().instrument(tracer_provider=provider)
    yield provider.force_flush


def costspan(sink: str) -> Setup:
    from costspan import configure

    yield None
    yield configure(service_name="bench", endpoint=sink).flush


def opentelemetry_metrics(sink: str) -> Setup:
    """The same where the application exports metrics too."""
    flush_metrics = _meter_provider(sink)
    set_up = opentelemetry(sink)
    yield next(set_up)
    flush = next(set_up)
    yield lambda: (flush(), flush_metrics())


def costspan_metrics(sink: str) -> Setup:
    """With the conventions' metrics, and cost as one more."""
    os.environ["OTEL_METRICS_EXPORTER"] = "otlp"
    yield from costspan(sink)


def openlit(sink: str) -> Setup:
    import openlit

    yield None
    from opentelemetry import trace

    # Its price file is fetched from the project's site at each start; here it is a local one of a single model.
    openlit.init(application_name="bench", otlp_endpoint=sink, pricing_json=os.environ["BENCH_OPENLIT_PRICES"])
    yield lambda: trace.get_tracer_provider().force_flush()


def traceloop(sink: str) -> Setup:
    from traceloop.sdk import Traceloop

    yield None
    from opentelemetry import trace

    Traceloop.init(app_name="bench", api_endpoint=sink, telemetry_enabled=False)
    yield lambda: trace.get_tracer_provider().force_flush()


def langfuse(sink: str) -> Setup:
    import langfuse.openai  # wraps the client as it is imported

    yield None
    yield langfuse.Langfuse(public_key="pk-lf-bench", secret_key="sk-lf-bench", base_url=sink).flush


def logfire(sink: str) -> Setup:
    import logfire
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    yield None
    to_sink = BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{sink}/v1/traces"))
    logfire.configure(send_to_logfire=False, console=False, service_name="bench", additional_span_processors=[to_sink])
    logfire.instrument_openai()
    yield logfire.force_flush


def openinference(sink: str) -> Setup:
    from openinference.instrumentation.openai import OpenAIInstrumentor
    from phoenix.otel import register

    yield None
    provider = register(
        endpoint=f"{sink}/v1/traces", protocol="http/protobuf", batch=True, verbose=False, project_name="bench"
    )
    OpenAIInstrumentor().instrument(tracer_provider=provider)
    yield provider.force_flush


def _meter_provider(sink: str) -> Flush:
    from opentelemetry import metrics
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader

    provider = MeterProvider([PeriodicExportingMetricReader(OTLPMetricExporter(endpoint=f"{sink}/v1/metrics"))])
    metrics.set_meter_provider(provider)
    return provider.force_flush
