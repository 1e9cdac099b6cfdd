"""`costspan.track` from an application to a running server's ledger: alone, and around the real OpenAI client."""

from __future__ import annotations

from sdk_program import OPENAI, environment, run_program

from costspan.testing.stub_provider import StubProvider, StubUsage

USAGE = StubUsage(input_tokens=1000, cached_tokens=200, output_tokens=50)
PROGRAM = (
    OPENAI
    + """
configured = costspan.configure(service_name="shop")
with costspan.attribute(feature="alone"), costspan.track("chat", provider="openai", model="gpt-5") as call:
    call.record_usage(input_tokens=1000, cache_read_tokens=200, output_tokens=50)
with costspan.attribute(feature="around"), costspan.track("chat", provider="openai", model="gpt-5") as call:
    call.record_response(chat())
with costspan.attribute(feature="silent"), costspan.track("chat", provider="openai", model="gpt-5"):
    chat()
with costspan.attribute(feature="loop"), costspan.track("chat", provider="openai", model="gpt-5") as call:
    answers = [chat(), chat()]
    call.record_usage(input_tokens=2000, cache_read_tokens=400, output_tokens=100)
with costspan.attribute(feature="stream"), costspan.track("chat", provider="openai", model="gpt-5") as call:
    for chunk in chat(stream=True, stream_options={"include_usage": True}):
        call.record_first_token()
        call.record_response(chunk)
try:
    with costspan.attribute(feature="failing"), costspan.track("chat", provider="openai", model="gpt-5"):
        raise ConnectionError("secret words")
except ConnectionError:
    pass
configured.flush()
"""
)


def test_tracked_calls_are_in_the_ledger_once_each_with_or_without_an_instrumented_client_inside(server, tmp_path):
    with StubProvider(usage=USAGE) as provider:
        run_program(PROGRAM, environment(tmp_path, STUB_URL=provider.base_url, COSTSPAN_URL=f"http://{server.url}"))
    spend = server.spend(group_by="feature")
    rows = {row["feature"]: (row["calls"], row["errors"], row["cost_usd"]) for row in spend["rows"] if row["calls"]}
    # A call is 800 x $1.25, 200 x $0.125 and 50 x $10 per million.
    assert rows == {
        "alone": (1, 0, "0.001525"),
        "around": (1, 0, "0.001525"),
        "silent": (1, 0, "0.001525"),
        "loop": (2, 0, "0.00305"),
        "stream": (1, 0, "0.001525"),
        "failing": (1, 1, None),
    }
    assert spend["total"]["usage_missing_calls"] == 0
    assert "secret words" not in server.get("/api/v1/calls?since=1d").body.decode()


def test_around_a_client_another_package_instruments_the_call_counts_once_too(server, tmp_path):
    program = (
        OPENAI
        + """
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor
trace.set_tracer_provider(TracerProvider())
trace.get_tracer_provider().add_span_processor(SimpleSpanProcessor(OTLPSpanExporter()))
OpenAIInstrumentor().instrument()
with costspan.attribute(feature="search"), costspan.track("chat", provider="openai", model="gpt-5") as call:
    call.record_response(chat())
"""
    )
    with StubProvider(usage=USAGE) as provider:
        variables = environment(
            tmp_path, STUB_URL=provider.base_url, OTEL_EXPORTER_OTLP_ENDPOINT=f"http://{server.url}"
        )
        run_program(program, variables)
    total = server.spend()["total"]
    assert (total["calls"], total["duplicate_calls"], total["cost_usd"]) == (1, 1, "0.001525")
