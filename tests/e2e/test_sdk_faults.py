"""Whatever happens to the telemetry, the application's calls succeed and do not wait, and spans are kept within
OpenTelemetry's own bounds. Nothing is timed here: what must not be waited for is held back until the program went on.
"""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from otlp_receiver import OtlpReceiver
from sdk_program import OPENAI, SOURCE, environment, run_program

from costspan.testing.stub_provider import StubProvider, StubUsage

LIMIT_S = 60
TRACING = """
import atexit, logging, os, sys, threading
import costspan
from opentelemetry import trace
SAID = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-5",
        "gen_ai.usage.input_tokens": 1000, "gen_ai.usage.output_tokens": 50}
def call(name="call"):
    trace.get_tracer("app").start_span(name, attributes=SAID | {"pid": os.getpid()}).end()
"""
"""The beginning of a program whose model calls are spans without a client, where only what becomes of them matters."""


@pytest.fixture
def variables(tmp_path: Path) -> Iterator[dict[str, str]]:
    with StubProvider(usage=StubUsage(input_tokens=1000, output_tokens=50)) as provider:
        yield environment(tmp_path, STUB_URL=provider.base_url)


@contextmanager
def started(*command: str, variables: dict[str, str], folder: Path | None = None) -> Iterator[subprocess.Popen[str]]:
    """Start a program whose output is read as it comes, and end it whatever happens."""
    with subprocess.Popen(
        command, env=variables, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        try:
            yield running
        finally:
            running.kill()


def program(code: str) -> tuple[str, ...]:
    return sys.executable, "-c", code


def line_of(running: subprocess.Popen[str]) -> str:
    """Return the next line a program says; fail where it says none in a minute."""
    assert running.stdout is not None
    heard: list[str] = []
    listening = threading.Thread(target=lambda: heard.append(running.stdout.readline()), daemon=True)  # type: ignore[union-attr]
    listening.start()
    listening.join(LIMIT_S)
    assert heard, "the program waits"
    return heard[0].strip()


@contextmanager
def deaf() -> Iterator[str]:
    """An endpoint that connections are made to and that never reads or answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


@contextmanager
def babbling() -> Iterator[str]:
    """An endpoint that answers with bytes that are no HTTP."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(65536)
                    connection.sendall(b"\x00\x01 certainly no HTTP\r\n\r\n")

        threading.Thread(target=answer, daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)


def test_calls_succeed_and_do_not_wait_for_an_endpoint_that_never_answers(variables: dict[str, str]) -> None:
    code = (
        OPENAI
        + """
costspan.configure()
for _ in range(3):
    assert chat().choices[0].message.content
    for chunk in chat(stream=True): pass
print("calls done", flush=True)
"""
    )
    with deaf() as endpoint, started(*program(code), variables=variables | {"COSTSPAN_URL": endpoint}) as running:
        assert line_of(running) == "calls done"
        # It ends by itself although the endpoint hangs on.
        assert running.wait(LIMIT_S) == 0


def test_calls_succeed_where_the_endpoint_answers_nonsense(variables: dict[str, str]) -> None:
    code = OPENAI + "costspan.configure()\nfor _ in range(3): assert chat().id\n"
    with babbling() as endpoint:
        run_program(code, variables | {"COSTSPAN_URL": endpoint})


def test_calls_do_not_wait_for_a_slow_endpoint_and_every_span_arrives_once(variables: dict[str, str]) -> None:
    code = (
        TRACING
        + """
costspan.configure()
for number in range(1000): call(str(number))
print("calls done", flush=True)
sys.stdin.read()
"""
    )
    with OtlpReceiver() as receiver:
        receiver.answering.clear()
        where = variables | {"COSTSPAN_URL": receiver.endpoint}
        with subprocess.Popen(
            program(code), env=where, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as app:
            assert line_of(app) == "calls done"
            assert receiver.asked.wait(LIMIT_S)
            receiver.answering.set()
            app.communicate(timeout=LIMIT_S)
        assert sorted(int(span.name) for span in receiver.spans) == list(range(1000))


def test_what_waits_for_a_dead_endpoint_is_bounded_and_the_latest_is_kept(variables: dict[str, str]) -> None:
    code = (
        TRACING
        + """
import gc
from opentelemetry.sdk.trace import ReadableSpan
logging.disable()
configured = costspan.configure()
for number in range(10_000): call(str(number))
gc.collect()
print(sum(isinstance(each, ReadableSpan) for each in gc.get_objects()), flush=True)
sys.stdin.readline()
configured.flush(60)
"""
    )
    with OtlpReceiver() as receiver:
        receiver.answering.clear()
        where = variables | {"COSTSPAN_URL": receiver.endpoint}
        with subprocess.Popen(
            program(code), env=where, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as app:
            alive = int(line_of(app))
            receiver.answering.set()
            app.communicate("go on\n", timeout=LIMIT_S)
    # OpenTelemetry's bounds: 2,048 in the queue and a batch of 512 on its way, as original and as copy.
    assert 2048 <= alive <= 2048 + 2 * 512 + 10
    arrived = sorted(int(span.name) for span in receiver.spans)
    assert len(arrived) == len(set(arrived))
    assert 2048 <= len(arrived) <= 2048 + 512
    assert arrived[-2048:] == list(range(10_000 - 2048, 10_000))


def test_flushing_gives_up_in_time_and_loses_nothing(variables: dict[str, str]) -> None:
    code = (
        TRACING
        + """
configured = costspan.configure()
call("first")
print(configured.flush(timeout_s=0.1), flush=True)
sys.stdin.readline()
print(configured.flush(timeout_s=60), flush=True)
"""
    )
    with OtlpReceiver() as receiver:
        receiver.answering.clear()
        where = variables | {"COSTSPAN_URL": receiver.endpoint}
        with subprocess.Popen(
            program(code), env=where, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as app:
            assert line_of(app) == "False"
            receiver.answering.set()
            said, _ = app.communicate("go on\n", timeout=LIMIT_S)
        assert said.strip() == "True"
        assert [span.name for span in receiver.spans] == ["first"]


@pytest.mark.parametrize("file", ["catalogue/openai.toml", "patches/openai.toml", "catalogue/index.toml"])
def test_a_corrupt_price_file_leaves_calls_unpriced_and_is_said_once(
    variables: dict[str, str], tmp_path: Path, file: str
) -> None:
    installed = tmp_path / "installed" / "costspan"
    shutil.copytree(Path(SOURCE) / "costspan", installed, ignore=shutil.ignore_patterns("static", "__pycache__"))
    (installed / "pricing" / file).write_text('[[broken\nprice = "never')
    code = (
        OPENAI
        + """
import logging; logging.basicConfig()
configured = costspan.configure()
for _ in range(4): assert chat().id
configured.flush()
"""
    )
    with OtlpReceiver() as receiver:
        where = {"COSTSPAN_URL": receiver.endpoint, "PYTHONPATH": str(installed.parent)}
        done = run_program(code, variables | where)
        statuses = [call["costspan.price_status"] for call in receiver.calls()]
        assert statuses == ["unpriced"] * 4
        assert not [call for call in receiver.calls() if "gen_ai.usage.cost_usd" in call]
    assert done.stderr.count("cannot be read") == 1


def test_an_exporter_that_raises_at_every_turn_is_no_concern_of_the_program(variables: dict[str, str]) -> None:
    code = (
        TRACING
        + """
from opentelemetry.sdk.trace.export import SpanExporter
class Faulty(SpanExporter):
    def export(self, spans): raise RuntimeError("export")
    def force_flush(self, timeout_millis=0): raise RuntimeError("flush")
    def shutdown(self): raise RuntimeError("shutdown")
configured = costspan.configure(exporter=Faulty())
call()
configured.flush()
call()
"""
    )
    assert "Traceback" not in run_program(code, variables | {"PYTHONWARNINGS": "error"}).stdout


def test_parent_and_forked_children_send_their_own_spans_over_their_own_connections(variables: dict[str, str]) -> None:
    code = (
        TRACING
        + """
configured = costspan.configure()
call("before")
configured.flush()
call("waiting in the parent")
for _ in range(3):
    child = os.fork()
    if child == 0:
        call("child")
        configured.flush()
        call("child")
        sys.exit()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    call("parent")
    configured.flush()
"""
    )
    with OtlpReceiver(keep_alive=True) as receiver:
        run_program(code, variables | {"COSTSPAN_URL": receiver.endpoint})
    names = [span.name for span in receiver.spans]
    assert {name: names.count(name) for name in names} == {
        "before": 1,
        "waiting in the parent": 1,
        "child": 6,
        "parent": 3,
    }
    users: dict[int, set[int]] = {}
    for span in receiver.spans:
        users.setdefault(span.connection, set()).add(span.attributes["pid"])
    assert [pids for pids in users.values() if len(pids) > 1] == []


def test_a_forked_child_sends_its_metrics_over_its_own_connection(variables: dict[str, str]) -> None:
    code = (
        TRACING
        + """
configured = costspan.configure()
orders = metrics.get_meter("shop").create_counter("orders")
orders.add(1)
assert configured.flush()
child = os.fork()
if child == 0:
    orders.add(1)
    sys.exit(not configured.flush())
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
"""
    )
    with OtlpReceiver(keep_alive=True) as receiver:
        told = {"COSTSPAN_URL": receiver.endpoint, "OTEL_METRICS_EXPORTER": "otlp"}
        run_program("from opentelemetry import metrics\n" + code, variables | told)
    parents, childs, *_ = [port for path, port in receiver.connections if path == "/v1/metrics"]
    assert parents != childs


def test_a_forked_child_ends_although_the_endpoint_hangs(variables: dict[str, str]) -> None:
    code = (
        TRACING
        + """
costspan.configure()
child = os.fork()
call()
if child == 0:
    sys.exit(7)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
    )
    with deaf() as endpoint, started(*program(code), variables=variables | {"COSTSPAN_URL": endpoint}) as running:
        assert line_of(running) == "7"
        assert running.wait(LIMIT_S) == 0


def test_the_workers_of_a_multiprocessing_pool_lose_no_span(variables: dict[str, str]) -> None:
    code = (
        TRACING
        + """
import multiprocessing
configured = costspan.configure()
if __name__ == "__main__":
    with multiprocessing.get_context("fork").Pool(2) as pool:
        pool.map(call, ["child"] * 10)
        pool.close()
        pool.join()
    call("parent")
"""
    )
    with OtlpReceiver() as receiver:
        run_program(code, variables | {"COSTSPAN_URL": receiver.endpoint})
        assert sorted(span.name for span in receiver.spans) == ["child"] * 10 + ["parent"]


def test_calls_made_while_the_program_ends_succeed_and_those_before_its_exit_arrive(variables: dict[str, str]) -> None:
    code = (
        OPENAI
        + """
import atexit, threading
main_is_over = threading.Event()
def last_words():
    assert chat("gpt-5-nano").id
    print("last words", flush=True)
atexit.register(last_words)
costspan.configure()
def outliving():
    threading.main_thread().join()
    for _ in range(3): assert chat().id
    print("outlived", flush=True)
def for_ever():
    while True:
        main_is_over.wait(0.01)
        chat("gpt-5-mini")
threading.Thread(target=for_ever, daemon=True).start()
threading.Thread(target=outliving).start()
"""
    )
    with OtlpReceiver() as receiver:
        done = run_program(code, variables | {"COSTSPAN_URL": receiver.endpoint})
        assert [call["gen_ai.request.model"] for call in receiver.calls()].count("gpt-5") == 3
    assert done.stdout.splitlines() == ["outlived", "last words"]


def test_a_program_that_dies_of_its_own_error_sends_its_spans_first(variables: dict[str, str]) -> None:
    code = TRACING + "costspan.configure()\ncall()\nraise RuntimeError('its own')"
    with OtlpReceiver() as receiver:
        with started(*program(code), variables=variables | {"COSTSPAN_URL": receiver.endpoint}) as running:
            _, said = running.communicate(timeout=LIMIT_S)
        assert (running.returncode, said.splitlines()[-1]) == (1, "RuntimeError: its own")
        assert [span.name for span in receiver.spans] == ["call"]


def test_a_terminated_run_ends_although_the_endpoint_hangs(variables: dict[str, str], tmp_path: Path) -> None:
    code = TRACING + "call()\nprint('ready', flush=True)\nthreading.Event().wait()"
    run = (sys.executable, "-m", "costspan.cli.main", "run", "--", *program(code))
    with (
        deaf() as endpoint,
        started(*run, variables=variables | {"COSTSPAN_URL": endpoint}, folder=tmp_path) as running,
    ):
        assert line_of(running) == "ready"
        running.send_signal(signal.SIGTERM)
        _, said = running.communicate(timeout=LIMIT_S)
        assert running.returncode == 128 + signal.SIGTERM
    assert "$0.0018" in said
