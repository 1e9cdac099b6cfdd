"""The SDK wing where others rule the process: `opentelemetry-instrument`, servers that fork, notebooks."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest
from otlp_receiver import OtlpReceiver
from sdk_program import OPENAI, environment, run_program

from costspan.testing.stub_provider import StubProvider, StubUsage

DEADLINE_S = 30
OURS = {"OTEL_TRACES_EXPORTER": "costspan"}


@pytest.fixture
def receiver() -> Iterator[OtlpReceiver]:
    with OtlpReceiver() as listening:
        yield listening


@pytest.fixture
def variables(tmp_path: Path, receiver: OtlpReceiver) -> Iterator[dict[str, str]]:
    with StubProvider(usage=StubUsage(input_tokens=1000, output_tokens=50)) as provider:
        yield environment(tmp_path, STUB_URL=provider.base_url, COSTSPAN_URL=receiver.endpoint)


def run_instrumented(code: str, variables: dict[str, str], **more: str) -> subprocess.CompletedProcess[str]:
    """Run `code` as `opentelemetry-instrument python -c`, with the OpenAI client's entry point and our own."""
    command = [str(Path(sys.executable).parent / "opentelemetry-instrument"), sys.executable, "-c", code]
    quiet = {"OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"}
    others = {"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "langchain,bedrock,anthropic,google-genai"}  # slow to load
    told = variables | quiet | others | more
    done = subprocess.run(command, env=told, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done


def test_opentelemetry_instrument_alone_sends_priced_attributed_calls_once(
    variables: dict[str, str], receiver: OtlpReceiver
) -> None:
    run_instrumented(
        OPENAI + "with costspan.attribute(feature='summary'):\n  list(chat(stream=True))", variables, **OURS
    )
    (call,) = receiver.calls()
    assert call["gen_ai.usage.cost_usd"] == 0.00175
    assert call["feature"] == "summary"


def test_configure_within_opentelemetry_instrument_sends_nothing_twice(
    variables: dict[str, str], receiver: OtlpReceiver
) -> None:
    code = OPENAI + "print(costspan.configure().notes)\nchat()\ncostspan.configure().flush()"
    done = run_instrumented(code, variables, **OURS)
    assert [call["gen_ai.usage.cost_usd"] for call in receiver.calls()] == [0.00175]
    assert "the exporter that OpenTelemetry set up" in done.stdout


def test_opentelemetry_instrument_without_our_exporter_is_left_as_it_is(
    variables: dict[str, str], receiver: OtlpReceiver
) -> None:
    code = OPENAI + "list(chat(stream=True))"
    http = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}
    run_instrumented(code, variables, **http)
    (call,) = receiver.calls()
    assert not [key for key in call if key.startswith(("costspan.", "gen_ai.usage."))]


def test_workers_forked_after_configure_send_their_calls_at_their_end(
    variables: dict[str, str], receiver: OtlpReceiver
) -> None:
    code = """
costspan.configure()
chat()
workers = []
for number in range(2):
    worker = os.fork()
    if worker == 0:
        # Of its own: processes that share a connection read each other's answers.
        client = openai.OpenAI(base_url=os.environ["STUB_URL"], api_key="test")
        with costspan.attribute(feature=f"worker {number}"):
            chat()
        raise SystemExit
    workers.append(worker)
for worker in workers:
    assert os.waitpid(worker, 0)[1] == 0
"""
    run_program(OPENAI + code, variables)
    assert sorted(call.get("feature", "parent") for call in receiver.calls()) == ["parent", "worker 0", "worker 1"]


def test_a_forked_worker_sends_while_it_goes_on(variables: dict[str, str], receiver: OtlpReceiver) -> None:
    code = """
import sys
costspan.configure()
if os.fork() == 0:
    chat()
sys.stdin.read()
os._exit(0)
"""
    command = [sys.executable, "-c", OPENAI + code]
    with subprocess.Popen(command, env=variables, stdin=subprocess.PIPE) as program:
        deadline = time.monotonic() + DEADLINE_S
        while not receiver.calls() and time.monotonic() < deadline:
            time.sleep(0.02)
        sent = receiver.calls()
        program.kill()
    assert [call["gen_ai.usage.cost_usd"] for call in sent] == [0.00175]


def test_a_notebook_s_cell_run_again_changes_nothing(variables: dict[str, str], receiver: OtlpReceiver) -> None:
    code = """
for _ in range(3):
    import costspan
    costspan.configure(feature="notebook")
    list(chat(stream=True))
"""
    run_program(OPENAI + code, variables)
    assert [call["gen_ai.usage.cost_usd"] for call in receiver.calls()] == [0.00175] * 3


def test_what_a_web_server_s_last_second_cost_is_sent_although_it_ends_by_the_signal(
    variables: dict[str, str], receiver: OtlpReceiver, tmp_path: Path
) -> None:
    app = """
costspan.configure()
async def app(scope, receive, send):
    if scope["type"] == "http":
        chat()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"done"})
"""
    (tmp_path / "shop.py").write_text(OPENAI + app)
    told = variables | {"OTEL_BSP_SCHEDULE_DELAY": "600000", "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "uvicorn", "--app-dir", str(tmp_path), "--port", "0", "--lifespan", "off"]
    with subprocess.Popen([*command, "shop:app"], env=told, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr
        said = next(line for line in server.stderr if "running on" in line)
        with urlopen(re.search(r"http://\S+", said)[0]) as answer:  # type: ignore[index]
            assert answer.read() == b"done"
        server.terminate()
        server.stderr.read()
    assert server.returncode == -signal.SIGTERM
    assert [call["gen_ai.usage.cost_usd"] for call in receiver.calls()] == [0.00175]
