"""Budgets of costspan.yaml: where they stand, asked of a server and of a folder, and the guard that keeps to them."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sdk_program import OPENAI, environment, run_program

from costspan.cli.main import main
from costspan.core.attribution import Attribution
from costspan.core.usage import Usage
from costspan.testing.otlp import protobuf_body
from costspan.testing.spans import otel_genai, sample_call
from costspan.testing.stub_provider import StubProvider, StubUsage
from serving import Server, run_serve

BUDGETS = """
notifiers: {slack: {webhook: "http://127.0.0.1:9/"}}
budgets:
  - {name: search, scope: {team: search}, amount_usd: "0.02", period: month, notify: [slack]}
  - {name: strict, scope: {team: search}, amount_usd: 5, period: 30d, on_unpriced: block}
  - {name: lenient, scope: {team: search}, amount_usd: 5, period: 30d, on_unpriced: ignore}
  - {name: all, amount_usd: 0.0137, period: 7d}
"""
StartServer = Callable[..., Server]


def settings(folder: Path, text: str) -> str:
    path = folder / "costspan.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def calls(count: int, first: int = 1, trace_state: str = "", **said: Any) -> bytes:
    """Return `count` calls made now, of $0.0055 each unless `said` otherwise."""
    made = []
    for number in range(first, first + count):
        who = Attribution(service="web", team=said.get("team", "search"))
        call = sample_call(
            trace_id=f"{number:032x}", span_id=f"{number:016x}", response_id=f"r{number}", attribution=who
        )
        if "usage" in said:
            call = replace(call, usage=said["usage"])
        now_ns = time.time_ns()
        made.append(replace(otel_genai(call), start_ns=now_ns, end_ns=now_ns, trace_state=trace_state))
    return protobuf_body(made)


def verdict(server: Server, budget: str) -> dict[str, Any]:
    answer = server.get(f"/api/v1/budgets/verdict?budget={budget}")
    assert answer.status == 200, answer.body
    return answer.document


def test_a_verdict_says_what_is_spent_and_left_and_whether_a_call_is_allowed(
    start_server: StartServer, tmp_path: Path
) -> None:
    server = start_server("--config", settings(tmp_path, BUDGETS))
    told = verdict(server, "search")
    assert (told["allowed"], told["state"], told["spent_usd"], told["remaining_usd"]) == (True, "ok", "0", "0.02")
    server.send(calls(2))
    server.send(calls(1, first=3, team="shop"))
    told = verdict(server, "search")
    assert (told["allowed"], told["state"], told["spent_usd"], told["remaining_usd"]) == (True, "ok", "0.011", "0.009")
    assert verdict(server, "all")["state"] == "exceeded"
    server.send(calls(1, first=4))
    assert verdict(server, "search")["state"] == "soft"
    server.send(calls(1, first=5))
    told = verdict(server, "search")
    assert (told["allowed"], told["state"], told["remaining_usd"]) == (False, "exceeded", "-0.002")
    assert (told["amount_usd"], told["period"], told["unpriced_calls"]) == ("0.02", "month", 0)
    assert told["since"].endswith("-01T00:00:00Z")
    assert told["max_age_s"] > 0


def test_calls_without_a_known_cost_are_shown_or_stop_the_budget_as_it_says(
    start_server: StartServer, tmp_path: Path
) -> None:
    server = start_server("--config", settings(tmp_path, BUDGETS))
    server.send(calls(1, usage=Usage()))
    states = {name: (verdict(server, name)["allowed"], verdict(server, name)["state"]) for name in ("search", "strict")}
    assert states == {"search": (True, "soft"), "strict": (False, "soft")}
    assert "1 calls have no price or no usage, which stop it" in verdict(server, "strict")["reason"]
    assert verdict(server, "strict")["unpriced_calls"] == 1
    assert verdict(server, "lenient")["state"] == "ok"


def test_of_sampled_calls_the_estimate_of_all_is_what_is_spent(start_server: StartServer, tmp_path: Path) -> None:
    server = start_server("--config", settings(tmp_path, BUDGETS))
    server.send(calls(1, trace_state="ot=th:c"))  # one in four
    (search, *_) = server.get("/api/v1/budgets").document["budgets"]
    assert (search["recorded_usd"], search["spent_usd"], search["state"]) == ("0.0055", "0.022", "exceeded")


def test_every_budget_is_listed_over_http_and_on_the_command_line(
    start_server: StartServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server = start_server("--config", settings(tmp_path, BUDGETS))
    server.send(calls(2))
    document = server.get("/api/v1/budgets").document
    assert [each["name"] for each in document["budgets"]] == ["search", "strict", "lenient", "all"]
    search = document["budgets"][0]
    assert (search["scope"], search["notify"], search["share_spent"]) == ({"team": "search"}, ["slack"], 0.55)
    assert 0 <= search["share_elapsed"] <= 1
    assert document["budgets"][3]["share_elapsed"] is None
    assert main(["budgets", "--url", f"http://{server.url}"]) == 0
    table = capsys.readouterr().out
    assert "search   team:search  month from" in table
    assert "$0.011  $0.020  $0.0090" in table
    server.send(calls(1, first=3))
    assert main(["budgets", "--json", "--url", f"http://{server.url}"]) == 1
    assert json.loads(capsys.readouterr().out)["budgets"][3]["allowed"] is False


def test_a_folder_answers_by_its_own_settings(
    start_server: StartServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server = start_server()
    server.send(calls(2))
    server.stop()
    assert main(["budgets", "--data", str(server.data)]) == 0
    assert "No budgets." in capsys.readouterr().out
    settings(server.data, BUDGETS)
    assert main(["budgets", "--data", str(server.data)]) == 0
    assert "search   team:search  month from" in capsys.readouterr().out


def test_a_verdict_on_a_budget_that_is_not_there_names_those_that_are(
    start_server: StartServer, tmp_path: Path
) -> None:
    server = start_server("--config", settings(tmp_path, BUDGETS))
    for path, status, says in [
        ("verdict?budget=sales", 404, "no budget 'sales'; budgets of costspan.yaml: search, strict, lenient, all"),
        ("verdict", 400, "query.budget: Field required"),
        ("verdict?budget=search&since=7d", 400, "unknown parameter 'since'; known: budget"),
    ]:
        answer = server.get(f"/api/v1/budgets/{path}")
        assert (answer.status, answer.document["detail"]) == (status, says)


@pytest.mark.parametrize(
    ("budget", "why"),
    [
        ("amount_usd: 0", "amount_usd: US dollars above 0"),
        (
            "amount_usd: 5\n    scope: {model: gpt-4o-2024-08-06}",
            "scope: model: calls of 'gpt-4o-2024-08-06' are kept as 'gpt-4o'",
        ),
        ("amount_usd: 5\n    notify: [pager]", "notify: 'pager' is not there; notifiers: none"),
    ],
)
def test_a_budget_that_can_never_fire_keeps_the_server_from_starting(tmp_path: Path, budget: str, why: str) -> None:
    path = settings(tmp_path, f"budgets:\n  - name: a\n    {budget}\n")
    refused = run_serve(tmp_path / "data", "--config", path)
    assert refused.returncode == 2
    line = {"amount_usd": 3, "scope": 2, "notify": 4}[why.partition(":")[0]]
    assert f"{path}:{line}: budgets entry 1: {why}" in refused.stderr


PROGRAM = (
    OPENAI
    + """
configured = costspan.configure(team="search")
budget = costspan.budget("search", estimate_usd="0.001525", **OPTIONS)
budget.guard(client)
made = 0
try:
    while made < LIMIT:
        chat()
        made += 1
except costspan.BudgetExceeded as refused:
    print(refused)
print("made", made)
configured.flush()
"""
)


def program(limit: int, **options: Any) -> str:
    return f"OPTIONS, LIMIT = {options!r}, {limit}\n{PROGRAM}"


def test_a_program_stops_at_the_budget_the_server_says_and_the_next_one_at_once(
    start_server: StartServer, tmp_path: Path
) -> None:
    yaml = "budgets:\n  - {name: search, scope: {team: search}, amount_usd: 0.008, period: month}\n"
    server = start_server("--config", settings(tmp_path, yaml), COSTSPAN_API_KEY="the key")
    usage = StubUsage(input_tokens=1000, cached_tokens=200, output_tokens=50)
    with StubProvider(usage=usage) as provider:
        variables = environment(
            tmp_path, STUB_URL=provider.base_url, COSTSPAN_URL=f"http://{server.url}", COSTSPAN_API_KEY="the key"
        )
        first = run_program(program(50, wait_s=20), variables)
        # Five calls of $0.001525 are $0.007625; a sixth does not fit into $0.008.
        assert "made 5" in first.stdout
        assert "budget 'search' is exceeded: $0.007625 of $0.008 spent" in first.stdout
        second = run_program(program(50, wait_s=20, on_unavailable="closed"), variables)
        assert "made 0" in second.stdout
        assert len(provider.requests) == 5


@pytest.mark.parametrize(("mode", "made"), [("open", 3), ("closed", 0)])
def test_without_a_server_calls_pass_or_stop_as_the_application_says(tmp_path: Path, mode: str, made: int) -> None:
    with StubProvider() as provider:
        variables = environment(
            tmp_path, STUB_URL=provider.base_url, COSTSPAN_URL="http://127.0.0.1:9", OTEL_TRACES_EXPORTER="none"
        )
        done = run_program(program(3, on_unavailable=mode, wait_s=20), variables)
    assert f"made {made}\n" in done.stdout
    assert ("unavailable: the server gives no verdict on it" in done.stdout) is (mode == "closed")
    assert "no verdict on budget 'search' from http://127.0.0.1:9/" in done.stderr
    assert len(provider.requests) == made


OUTLIVING = (
    OPENAI
    + """
import time
costspan.configure()
budget = costspan.budget("search", wait_s=20, max_stale_s=3, on_unavailable=MODE)
budget.guard(client)
chat()
print("made 1", flush=True)
until = time.monotonic() + 30
while budget.look().state != "unavailable" and time.monotonic() < until:
    time.sleep(0.02)
try:
    chat()
    print("made 2")
except costspan.BudgetExceeded as refused:
    print(refused)
"""
)


@pytest.mark.parametrize(("mode", "then"), [("open", "made 2"), ("closed", "budget 'search' is unavailable")])
def test_a_server_that_dies_makes_calls_pass_or_stop_as_the_application_says(
    start_server: StartServer, tmp_path: Path, mode: str, then: str
) -> None:
    server = start_server("--config", settings(tmp_path, BUDGETS))
    with StubProvider() as provider:
        variables = environment(tmp_path, STUB_URL=provider.base_url, COSTSPAN_URL=f"http://{server.url}")
        command = [sys.executable, "-c", f"MODE = {mode!r}\n{OUTLIVING}"]
        with subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
            assert run.stdout
            assert run.stdout.readline() == "made 1\n"
            server.kill()
            said, errors = run.communicate(timeout=60)
    assert said.startswith(then), errors
    assert len(provider.requests) == (2 if mode == "open" else 1)


FORKING = """
import os, costspan
costspan.configure(instrument=False)
budget = costspan.budget("search", wait_s=20)
child = os.fork()
if not child:
    try:
        with budget as decision:
            os.write(1, f"{decision.state}\\n".encode())
    finally:
        os._exit(0)
os.waitpid(child, 0)
"""


def test_a_worker_forked_while_the_first_verdict_is_awaited_asks_for_itself(
    start_server: StartServer, tmp_path: Path
) -> None:
    server = start_server("--config", settings(tmp_path, BUDGETS))
    # The first question to a server takes the longest; how long an application waits for it is not the matter here.
    assert server.get("/api/v1/budgets/verdict?budget=search").status == 200
    variables = environment(tmp_path, COSTSPAN_URL=f"http://{server.url}", OTEL_TRACES_EXPORTER="none")
    assert run_program(FORKING, variables).stdout == "ok\n"
