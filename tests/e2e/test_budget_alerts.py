"""Budgets that say whom to tell: levels, forecast and burn rate, judged over a ledger and told to a real webhook."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from typing import Any

import pytest
from past_traffic import body, call_at, past_days

from costspan.cli.main import main
from serving import Server

SPENT_A_DAY_USD = 1
HOOK = "notifiers: {hook: {webhook: 'http://127.0.0.1:9/'}}\n"


def firing(folder: Path, capsys: pytest.CaptureFixture[str], budget: str) -> dict[str, str]:
    """Return what fires for a budget of 35d, by what was reached -> what is said."""
    (folder / "costspan.yaml").write_text(f"{HOOK}budgets:\n  - {{name: b, notify: [hook], {budget}}}\n", "utf-8")
    code = main(["alerts", "check", "--json", "--data", str(folder)])
    checked = json.loads(capsys.readouterr().out)["alerts"]
    assert code == (1 if checked else 0)
    return {dict(map(tuple, each["group"].items()))["reached"]: each["text"] for each in checked}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger with 30 days of a dollar each."""
    server = Server(tmp_path_factory.mktemp("budget") / "data")
    server.send(body(past_days(30, cents=50, team="docs")))
    server.stop()
    return server.data


def test_a_healthy_budget_says_nothing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert firing(folder, capsys, "amount_usd: 80, period: 28d, scope: {team: docs}") == {}


def test_levels_are_told_as_they_are_reached(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = firing(folder, capsys, "amount_usd: 33, period: 28d")
    assert {"50%", "80%"} <= set(said)
    assert "100%" not in said
    assert "% reached" in said["80%"]
    assert set(firing(folder, capsys, "amount_usd: 20, period: 28d")) >= {"50%", "80%", "100%", "surely over"}


def test_a_budget_that_will_not_last_is_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # Of ten days three are known; a dollar a day goes on, nine where nothing more is expected of today.
    said = firing(folder, capsys, "amount_usd: 8.60, period: 10d")
    assert "expected to come to $" in said["expected over"]
    assert "the amount is $8.60" in said["expected over"]


def test_a_burst_is_told_by_how_many_times_its_usual_share_it_is(
    start_server: Callable[..., Server], capsys: pytest.CaptureFixture[str]
) -> None:
    server = start_server()
    server.send(body(past_days(30, cents=50, team="docs")))
    just_now = datetime.now(UTC) - timedelta(minutes=2)
    server.send(body(call_at(9000 + number, just_now, cents=100, team="docs") for number in range(8)))
    server.stop()
    said = firing(server.data, capsys, "amount_usd: 100, period: 28d")
    assert "times its usual share" in said["fast burn 1 h"]
    assert "$8.00 in 1 h, 8.0% of the amount" in said["fast burn 1 h"]
    assert "fast burn 6 h" in said


@pytest.fixture
def hook() -> Iterator[tuple[str, Queue[dict[str, Any]]]]:
    """The address of a webhook, and what it is told."""
    told: Queue[dict[str, Any]] = Queue()

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Quiet."""

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    thread = threading.Thread(target=listening.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{listening.server_port}/", told
    listening.shutdown()
    thread.join()
    listening.server_close()


def test_who_a_budget_names_is_told_by_the_server(
    start_server: Callable[..., Server], tmp_path: Path, hook: tuple[str, Queue[dict[str, Any]]]
) -> None:
    address, told = hook
    path = tmp_path / "costspan.yaml"
    server = start_server()
    server.send(body(past_days(20, cents=50, team="docs")))
    server.stop()
    path.write_text(
        f"notifiers: {{hook: {{webhook: '{address}'}}}}\n"
        "budgets:\n  - {name: docs, amount_usd: 5, period: 28d, scope: {team: docs}, notify: [hook]}\n",
        encoding="utf-8",
    )
    start_server("--config", str(path))
    first = told.get(timeout=60)
    assert first["status"] == "firing"
    labels = [alert["labels"] for alert in first["alerts"]]
    assert {label["reached"] for label in labels} >= {"50%", "80%", "100%"}
    assert {label["budget"] for label in labels} == {"docs"}
