"""`costspan run`: programs that know nothing of costspan, run with their model calls priced."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from otlp_receiver import OtlpReceiver
from sdk_program import SOURCE, environment

from costspan.testing.stub_provider import StubProvider, StubUsage

PROGRAM = """
import os, sys, openai
client = openai.OpenAI(base_url=os.environ["STUB_URL"], api_key="test")
for model in sys.argv[1:]:
    client.chat.completions.create(model=model, messages=[{"role": "user", "content": "hello"}])
print("the program's own words")
"""

WORKERS = """
import multiprocessing, os, openai
def ask(model):
    openai.OpenAI(base_url=os.environ["STUB_URL"], api_key="test").responses.create(model=model, input="hello")
if __name__ == "__main__":
    context = multiprocessing.get_context("METHOD")
    workers = [context.Process(target=ask, args=("gpt-5",)) for _ in range(3)]
    for worker in workers: worker.start()
    for worker in workers: worker.join()
"""

PREFORK = """
import os, signal, sys
import openai  # loaded before the fork, as a server that preloads its application does
def serve():
    HANDLES
    client = openai.OpenAI(base_url=os.environ["STUB_URL"], api_key="test")
    client.chat.completions.create(model="gpt-5", messages=[])
    os.write(ready, b"!")
    while True: signal.pause()
heard, ready = os.pipe()
workers = []
for _ in range(3):
    worker = os.fork()
    if worker == 0: serve()
    workers.append(worker)
for _ in workers: os.read(heard, 1)
for worker in workers: os.kill(worker, signal.SIGTERM)
print([os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1]) for worker in workers])
"""


@pytest.fixture
def variables(tmp_path: Path) -> Iterator[dict[str, str]]:
    with StubProvider(usage=StubUsage(input_tokens=1000, cached_tokens=200, output_tokens=50)) as provider:
        # A port nothing listens on, so that a server on the tester's machine is left alone.
        yield environment(tmp_path, STUB_URL=provider.base_url, COSTSPAN_URL="http://127.0.0.1:9")


@pytest.fixture
def app(tmp_path: Path) -> Path:
    path = tmp_path / "shop.py"
    path.write_text(PROGRAM)
    return path


def costspan_run(
    *words: str | Path, variables: dict[str, str], folder: Path, code: int = 0
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "costspan.cli.main", "run", *map(str, words)]
    done = subprocess.run(command, env=variables, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == code, done.stderr
    return done


def test_the_cost_by_model_is_on_stderr_and_the_program_s_output_untouched(
    variables: dict[str, str], app: Path, tmp_path: Path
) -> None:
    done = costspan_run("--", sys.executable, app, "gpt-5", "gpt-5", "in-house-7", variables=variables, folder=tmp_path)
    assert done.stdout == "the program's own words\n"
    assert done.stderr.splitlines()[-5:-1] == [
        "model       calls  input  cached  output                  cost",
        "gpt-5           2  1,600     400     100               $0.0030",
        "in-house-7      1    800     200      50              unpriced",
        "total           3  2,400     600     150  $0.0030 + 1 unpriced",
    ]


def test_with_no_server_the_spans_are_in_the_data_folder(variables: dict[str, str], app: Path, tmp_path: Path) -> None:
    words = ("--team", "core", "--feature", "search", "--", sys.executable, app, "gpt-5")
    done = costspan_run(*words, variables=variables, folder=tmp_path)
    assert f"spans recorded in {tmp_path}/costspan-data/inbox" in done.stderr
    (file,) = (tmp_path / "costspan-data" / "inbox").glob("*.jsonl")
    (line,) = file.read_text().splitlines()
    (resource_spans,) = json.loads(line)["resourceSpans"]
    assert {"key": "service.name", "value": {"stringValue": "shop"}} in resource_spans["resource"]["attributes"]
    (span,) = resource_spans["scopeSpans"][0]["spans"]
    said: dict[str, Any] = {item["key"]: item["value"] for item in span["attributes"]}
    assert said["team"] == {"stringValue": "core"}
    assert said["feature"] == {"stringValue": "search"}
    assert said["gen_ai.usage.cost_usd"] == {"doubleValue": 0.001525}


@pytest.mark.parametrize("way", ["--endpoint", "OTEL_EXPORTER_OTLP_ENDPOINT", "COSTSPAN_URL"])
def test_where_something_receives_the_spans_are_sent_there(
    variables: dict[str, str], app: Path, tmp_path: Path, way: str
) -> None:
    with OtlpReceiver() as receiver:
        given = ("--endpoint", receiver.endpoint) if way.startswith("--") else ()
        told = {} if given else {way: receiver.endpoint}
        done = costspan_run(*given, "--", sys.executable, app, "gpt-5", variables=variables | told, folder=tmp_path)
        assert [call["gen_ai.usage.cost_usd"] for call in receiver.calls()] == [0.001525]
    assert f"spans sent to {receiver.endpoint}" in done.stderr
    assert not (tmp_path / "costspan-data").exists()


def test_what_a_receiver_refuses_is_not_said_to_be_sent(variables: dict[str, str], app: Path, tmp_path: Path) -> None:
    with OtlpReceiver(status=400) as receiver:
        told = {"COSTSPAN_URL": receiver.endpoint}
        done = costspan_run("--", sys.executable, app, "gpt-5", variables=variables | told, folder=tmp_path)
    assert "$0.0015" in done.stderr
    assert f"{receiver.endpoint} had not taken 1 spans when the program ended" in done.stderr
    assert "spans sent" not in done.stderr


def test_a_server_that_goes_away_meanwhile_is_not_said_to_have_been_sent_to(
    variables: dict[str, str], app: Path, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"

        def leave() -> None:
            listening.accept()[0].close()
            listening.close()

        leaving = threading.Thread(target=leave)
        leaving.start()
        done = costspan_run(
            "--", sys.executable, app, "gpt-5", variables=variables | {"COSTSPAN_URL": url}, folder=tmp_path
        )
        leaving.join()
    assert f"{url} had not taken 1 spans" in done.stderr
    assert "spans sent" not in done.stderr


def test_a_module_a_console_script_and_a_child_of_a_shell_are_all_seen(
    variables: dict[str, str], app: Path, tmp_path: Path
) -> None:
    script = tmp_path / "shopctl"
    script.write_text(f"#!{sys.executable}\n{PROGRAM}")
    script.chmod(0o755)
    path = variables | {"PYTHONPATH": os.pathsep.join((SOURCE, str(tmp_path)))}
    for program in (
        [sys.executable, "-m", "shop", "gpt-5"],
        [str(script), "gpt-5"],
        ["sh", "-c", f"{sys.executable} {app} gpt-5; true"],
    ):
        done = costspan_run("--", *program, variables=path, folder=tmp_path)
        assert "$0.0015" in done.stderr, program


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_worker_processes_lose_no_span(variables: dict[str, str], app: Path, tmp_path: Path, method: str) -> None:
    app.write_text(WORKERS.replace("METHOD", method))
    done = costspan_run("--", sys.executable, app, variables=variables, folder=tmp_path)
    assert "$0.0046" in done.stderr
    recorded = "".join(file.read_text() for file in (tmp_path / "costspan-data" / "inbox").glob("*.jsonl"))
    assert recorded.count('"gen_ai.usage.cost_usd"') == 3


@pytest.mark.parametrize(
    ("handles", "codes"),
    [
        # As gunicorn's workers do: its own handler, an exit of Python's.
        ("signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))", "[0, 0, 0]"),
        ("pass", "[-15, -15, -15]"),
    ],
)
def test_a_server_that_forks_its_workers_and_terminates_them_loses_no_span(
    variables: dict[str, str], app: Path, tmp_path: Path, handles: str, codes: str
) -> None:
    app.write_text(PREFORK.replace("HANDLES", handles))
    done = costspan_run("--", sys.executable, "-m", "shop", variables=variables, folder=tmp_path)
    assert done.stdout.strip() == codes
    assert "$0.0046" in done.stderr
    recorded = "".join(file.read_text() for file in (tmp_path / "costspan-data" / "inbox").glob("*.jsonl"))
    assert recorded.count('"gen_ai.usage.cost_usd"') == 3


def test_the_program_s_exit_code_is_returned(variables: dict[str, str], tmp_path: Path) -> None:
    done = costspan_run(
        "--", sys.executable, "-c", "raise SystemExit(41)", variables=variables, folder=tmp_path, code=41
    )
    assert "no model call was seen" in done.stderr
    assert "spans recorded" not in done.stderr


def test_a_program_that_dies_of_its_own_error_still_says_what_it_spent(
    variables: dict[str, str], app: Path, tmp_path: Path
) -> None:
    app.write_text(PROGRAM + "raise RuntimeError('broken')")
    done = costspan_run("--", sys.executable, app, "gpt-5", variables=variables, folder=tmp_path, code=1)
    assert "RuntimeError: broken" in done.stderr
    assert "$0.0015" in done.stderr


def test_a_termination_is_passed_on_and_loses_no_span(variables: dict[str, str], app: Path, tmp_path: Path) -> None:
    app.write_text(PROGRAM + "open('ready', 'w').close()\nimport time\ntime.sleep(60)")
    command = [sys.executable, "-m", "costspan.cli.main", "run", "--", sys.executable, str(app), "gpt-5"]
    with subprocess.Popen(command, env=variables, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as running:
        deadline = time.monotonic() + 30
        while not (tmp_path / "ready").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        running.send_signal(signal.SIGTERM)
        _, said = running.communicate(timeout=30)
    assert running.returncode == 128 + signal.SIGTERM
    assert "$0.0015" in said
    (file,) = (tmp_path / "costspan-data" / "inbox").glob("*.jsonl")
    assert "gen_ai.usage.cost_usd" in file.read_text()


def test_a_site_s_own_start_up_file_still_runs(variables: dict[str, str], app: Path, tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text("print('site started')")
    path = variables | {"PYTHONPATH": os.pathsep.join((SOURCE, str(tmp_path / "site")))}
    done = costspan_run("--", sys.executable, app, "gpt-5", variables=path, folder=tmp_path)
    # Once in the Python of the command itself, once in the program's.
    assert done.stdout.splitlines() == ["site started", "site started", "the program's own words"]
    assert "$0.0015" in done.stderr


def test_a_python_without_costspan_runs_all_the_same(variables: dict[str, str], tmp_path: Path) -> None:
    program = [sys.executable, "-S", "-c", "print('fine')"]
    assert costspan_run("--", *program, variables=variables, folder=tmp_path).stdout == "fine\n"


def test_an_opentelemetry_that_is_broken_keeps_no_program_from_running(
    variables: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "opentelemetry").mkdir()
    (tmp_path / "opentelemetry" / "__init__.py").write_text("raise RuntimeError('not of this world')")
    path = variables | {"PYTHONPATH": os.pathsep.join((SOURCE, str(tmp_path)))}
    done = costspan_run("--", sys.executable, "-c", "print('fine')", variables=path, folder=tmp_path)
    assert done.stdout == "fine\n"
    assert "costspan: not recording" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("words", [(), ("--",), ("--", "no-such-program-anywhere")])
def test_without_a_program_it_says_how_it_is_used(
    variables: dict[str, str], tmp_path: Path, words: tuple[str, ...]
) -> None:
    assert "costspan:" in costspan_run(*words, variables=variables, folder=tmp_path, code=2).stderr
