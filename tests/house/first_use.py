"""What a new installation does first, run by its own Python: a server, a call from an application by HTTP and one by
gRPC, a report, settings, an export; with the word `all`, an assistant's question and providers' bills. Prints the
report's total.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

BIN = Path(sys.executable).parent
SETTINGS = """
alerts: [{name: dear, above: 100, notify: [told]}]
notifiers: {told: {url: "json://127.0.0.1:9/"}}
"""
APPLICATION = """
import costspan
costspan.configure(service_name="new")
with costspan.attribute(feature="first"), costspan.track("chat", provider="openai", model="gpt-4o-mini") as call:
    call.record_usage(input_tokens=1_000_000, output_tokens=0)
"""


def costspan(*words: str, **variables: str) -> str:
    """Run the installed command and return what it says."""
    environment = {**os.environ, **variables}
    return subprocess.run(
        [BIN / "costspan", *words], env=environment, check=True, capture_output=True, text=True
    ).stdout


def send_by_grpc(address: str) -> None:
    """Send one call as a collector does."""
    import grpc
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    request = ExportTraceServiceRequest()
    span = (
        request.resource_spans.add()
        .scope_spans.add()
        .spans.add(
            trace_id=b"t" * 16,
            span_id=b"s" * 8,
            start_time_unix_nano=1_793_534_400 * 10**9,
            end_time_unix_nano=1_793_534_401 * 10**9,
        )
    )
    said = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o-mini"}
    for key, value in said.items():
        span.attributes.add(key=key).value.string_value = value
    for key in ("gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"):
        span.attributes.add(key=key).value.int_value = 1_000_000
    with grpc.insecure_channel(address) as channel:
        channel.unary_unary("/opentelemetry.proto.collector.trace.v1.TraceService/Export")(
            request.SerializeToString(), timeout=30, wait_for_ready=True
        )


def ask_as_an_assistant(url: str) -> None:
    """Open a session of the Model Context Protocol."""
    opening = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
    request = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": opening})
    command = [BIN / "costspan", "mcp", "--url", url]
    said = subprocess.run(command, input=f"{request}\n", check=True, capture_output=True, text=True).stdout
    assert json.loads(said)["result"]["serverInfo"]["name"] == "costspan"


def read_bills(url: str) -> None:
    """Read the bill of each provider that has an interface, from a stub of it."""
    from costspan.testing.stub_bills import StubBills

    with StubBills(cells=()) as bills:
        for provider in ("openai", "anthropic", "openrouter"):
            costspan("reconcile", provider, "--month", "2026-10", "--url", url, **bills.environment())


def main() -> None:
    """Do it, and print the cost of everything."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Path(folder, "costspan.yaml")
        settings.write_text(SETTINGS, encoding="utf-8")
        costspan("config", "check", str(settings))
        options = ["--port", "0", "--grpc-port", "0", "--data", f"{folder}/data", "--config", str(settings)]
        server = subprocess.Popen([BIN / "costspan", "serve", *options], stdout=subprocess.PIPE, text=True)
        try:
            assert server.stdout is not None
            line = server.stdout.readline()
            assert "http://" in line, "the server did not start"
            url = f"http://{line.partition('http://')[2].partition(',')[0].strip()}"
            subprocess.run([sys.executable, "-c", APPLICATION], env={**os.environ, "COSTSPAN_URL": url}, check=True)
            send_by_grpc(line.partition("OTLP/gRPC on ")[2].partition(",")[0].strip())
            said = json.loads(
                costspan("report", "--json", "--since", "2026-01-01", "--until", "2200-01-01", "--url", url)
            )
            costspan("report", "--url", url)
            costspan("alerts", "check", "--url", url)
            costspan("export", "--url", url, "-o", f"{folder}/calls.parquet")
            if "all" in sys.argv:
                ask_as_an_assistant(url)
                read_bills(url)
            print(said["total"]["cost_usd"])
        finally:
            server.terminate()
            assert server.wait(30) == 0


main()
