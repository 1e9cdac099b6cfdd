"""Processes of their own read requests: the ledger is the same, and none of them can take it or the server along."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from ledger_rows import costspan

from bodies import PLAIN_CALL, PLAIN_CALL_USD, as_json, protobuf, span
from corpus import CASES, PAYLOAD, differences_of
from serving import JSON, PROTOBUF, Server

Start = Callable[..., Server]
PROCESSES = 2
PATIENCE_S = 30


@pytest.fixture
def start(start_server: Start, tmp_path: Path) -> Start:
    """Start servers that read in processes, with what else their settings say."""

    def started(**settings: Any) -> Server:
        folder = tmp_path / "data"
        folder.mkdir(exist_ok=True)
        said = {"limits": {"decode_processes": PROCESSES}, **settings}
        (folder / "costspan.yaml").write_text(json.dumps(said))
        return start_server()

    return started


def decoding(server: Server) -> list[int]:
    """Return the pids of the processes that read."""
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children")
    threads = [path / "children" for path in Path(f"/proc/{server.process.pid}/task").iterdir()]
    found = {int(pid) for file in {children, *threads} for pid in file.read_text().split()}
    return sorted(pid for pid in found if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes())


def is_running(pid: int) -> bool:
    """Return whether a process runs; one that ended and was not asked for its end does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_for(what: Callable[[], bool]) -> None:
    """Return once it is so."""
    deadline = time.monotonic() + PATIENCE_S
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_the_corpus_comes_to_what_the_providers_billed(start: Start) -> None:
    server = start()

    def ask(parameters: list[tuple[str, str]]) -> Any:
        return server.get(f"/api/v1/spend?{urlencode(parameters)}").document

    folders = [folder for folder in sorted(CASES.iterdir()) if folder.is_dir()]
    for folder in folders:
        for path in sorted(folder.iterdir()):
            if named := PAYLOAD.fullmatch(path.name):
                kind = JSON if named[2] == "json" else PROTOBUF
                assert server.request("POST", f"/v1/{named[1]}", path.read_bytes(), Content_Type=kind).status == 200
    assert decoding(server)
    truths = {folder.name: json.loads((folder / "truth.json").read_text()) for folder in folders}
    assert {name: wrong for name, truth in truths.items() if (wrong := differences_of(ask, name, truth))} == {}


def test_names_of_one_s_own_are_read_as_the_settings_say_now(start: Start, tmp_path: Path) -> None:
    server = start()
    body = protobuf([span({"acme.tokens": 1_000, "acme.model": "gpt-4o-mini"})])
    assert server.send(body).status == 200
    assert server.spend()["total"]["calls"] == 0
    mapping = {
        "name": "acme",
        "provider": "openai",
        "fields": {"input": "acme.tokens", "requested_model": "acme.model"},
    }
    settings = tmp_path / "data" / "costspan.yaml"
    settings.write_text(json.dumps({"limits": {"decode_processes": PROCESSES}, "mappings": [mapping]}))
    assert costspan("replay", "--url", f"http://{server.url}").returncode == 0
    assert server.send(protobuf([span({"acme.tokens": 1_000, "acme.model": "gpt-4o-mini"})])).status == 200
    assert server.spend()["total"]["calls"] == 2


def test_a_process_that_is_killed_takes_nothing_that_was_acknowledged(start: Start) -> None:
    server = start()
    answers = [server.send(protobuf([span() for _ in range(20)])).status]
    for _ in range(3):
        for pid in decoding(server):
            os.kill(pid, signal.SIGKILL)
        answers += [server.send(protobuf([span() for _ in range(20)])).status for _ in range(3)]
    assert set(answers) <= {200, 503}
    assert answers[-1] == 200
    total = server.spend()["total"]
    assert total["calls"] == 20 * answers.count(200)
    assert Decimal(total["cost_usd"]) == total["calls"] * Decimal(PLAIN_CALL_USD)


def test_processes_end_with_a_server_that_is_killed(start: Start) -> None:
    server = start()
    assert server.send(protobuf([span()])).status == 200
    pids = decoding(server)
    assert pids
    server.kill()
    wait_for(lambda: not any(map(is_running, pids)))


def test_a_stop_answers_what_is_under_way_and_leaves_no_process(start: Start) -> None:
    server = start()
    assert server.send(protobuf([span()])).status == 200
    pids = decoding(server)
    for pid in pids:
        # As a terminal or a service manager does it, to all at once.
        os.kill(pid, signal.SIGTERM)
    assert server.send(protobuf([span()])).status == 200
    assert server.stop() == 0
    assert not any(map(is_running, pids))
    assert "Traceback" not in server.errors()


def test_what_cannot_be_read_is_refused_in_the_same_words(start: Start, shared_server: Server) -> None:
    server = start()
    broken = (
        (b"\xff\xff\xff", PROTOBUF, {}),
        (b"{", JSON, {}),
        (b"\x1f\x8bnothing", PROTOBUF, {"Content_Encoding": "gzip"}),
        (b"", PROTOBUF, {"Content_Encoding": "br"}),
    )
    for body, kind, headers in broken:
        told = server.send(body, kind, **headers)
        expected = shared_server.send(body, kind, **headers)
        assert (told.status, told.body) == (expected.status, expected.body)
    assert server.send(protobuf([span()])).status == 200


@pytest.mark.parametrize("name", ["gen_ai.usage.output_tokens", "costspan.attempt"])
def test_a_number_that_no_bytes_hold_costs_its_neighbour_nothing(start: Start, name: str) -> None:
    server = start()
    assert server.send(as_json([span({**PLAIN_CALL, name: str(10**30)}), span()]), JSON).status == 200
    assert server.spend()["total"]["calls"] == 2
