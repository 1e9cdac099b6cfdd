"""How a server starts or refuses to: the key, the address, the port, the settings. A refusal is one clear line."""

from __future__ import annotations

import base64
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from google.rpc.status_pb2 import Status

from bodies import protobuf, span
from serving import PROTOBUF, Server, run_serve

Start = Callable[..., Server]


def line_of(refused: subprocess.CompletedProcess[str], code: int) -> str:
    """Return the one line of a refusal."""
    assert refused.returncode == code, refused.stderr
    said = [line for line in refused.stderr.splitlines() if " INFO " not in line]
    assert len(said) == 1, refused.stderr
    assert said[0].startswith("costspan")
    return said[0]


def basic(credential: str) -> str:
    return "Basic " + base64.b64encode(credential.encode()).decode()


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory):
    running = Server(tmp_path_factory.mktemp("guarded") / "data", COSTSPAN_API_KEY="s3crét key")
    yield running
    running.kill()


@pytest.mark.parametrize(
    "presented",
    ["", "Bearer wrong", "Bearer ", "Bearer", "Basic ???", basic("nobody"), basic("a:wrong"), "s3crét key", "Digest x"],
)
def test_without_the_key_nothing_is_read_or_written(guarded: Server, presented: str) -> None:
    headers = {"Authorization": presented.encode().decode("latin-1")} if presented else {}
    read, written = guarded.get("/api/v1/spend", **headers), guarded.send(protobuf([span()]), **headers)
    assert read.headers["content-type"] == "application/problem+json"
    assert written.headers["content-type"] == PROTOBUF
    assert Status.FromString(written.body).code == 16
    for answer in (read, written):
        assert answer.status == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert "s3cr" not in answer.body.decode()
    assert guarded.get("/healthz").status == 200
    assert "Traceback" not in guarded.errors()


@pytest.mark.parametrize(
    "presented", ["Bearer s3crét key", "bearer s3crét key", basic("any:s3crét key"), basic(":s3crét key")]
)
def test_with_the_key_everything_answers(guarded: Server, presented: str) -> None:
    header = presented.encode().decode("latin-1")
    assert guarded.get("/api/v1/spend", Authorization=header).status == 200
    assert guarded.send(protobuf([span()]), Authorization=header).status == 200


def test_a_stop_leaves_nothing_behind_that_was_open(start_server: Start) -> None:
    server = start_server()
    assert server.send(protobuf([span()])).status == 200
    assert server.spend()["total"]["calls"] == 1
    assert server.stop() == 0
    assert "leaked" not in server.errors()


def test_the_key_may_stand_in_a_file(start_server: Start, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("from-a-file\n")
    server = start_server(COSTSPAN_API_KEY_FILE=str(tmp_path / "key"))
    assert server.get("/api/v1/spend").status == 401
    assert server.get("/api/v1/spend", Authorization="Bearer from-a-file").status == 200


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com"])
def test_anything_but_loopback_needs_a_key(tmp_path: Path, host: str) -> None:
    line = line_of(run_serve(tmp_path / "data", "--host", host), 2)
    assert host in line
    assert "COSTSPAN_API_KEY" in line
    assert not (tmp_path / "data").exists()


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        line = line_of(run_serve(tmp_path / "data", "--port", port), 3)
    assert port in line
    assert "--port" in line
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("port", ["99999", "-1"])
def test_a_port_that_cannot_be_is_wrong_usage(tmp_path: Path, port: str) -> None:
    assert port in line_of(run_serve(tmp_path / "data", "--port", port), 2)


SETTINGS = {
    "an unknown key": ("prizes: []", ["prizes", "prices"]),
    "a list of settings": ("- a", ["mapping"]),
    "a damaged file": ("a: [", ["YAML"]),
    "prices that are a number": ("prices: 5", ["prices"]),
    "prices that are a text": ("prices: cheap", ["prices"]),
    "a price that is a text": ("prices: [cheap]", ["prices"]),
    "a price without a model": ("prices:\n  - {provider: openai, input: '1'}", ["model"]),
    "a price that is negative": ("prices:\n  - {provider: openai, model: m, input: '-1', output: '1'}", ["input"]),
    "a price that is no number": ("prices:\n  - {provider: openai, model: m, input: dear, output: '1'}", ["input"]),
    "limits that are a number": ("limits: 5", ["limits", "mapping"]),
    "a limit that is not known": ("limits: {speed: 3}", ["speed", "receive_timeout_s"]),
    "a limit that is a text": ("limits: {receive_timeout_s: soon}", ["receive_timeout_s", "soon"]),
    "a limit below the largest request": ("limits: {in_flight_bytes: 1000}", ["in_flight_bytes", "88080384"]),
    "a price with an unknown key": ("prices:\n  - {provider: openai, model: m, inputt: '1'}", ["inputt"]),
}


@pytest.mark.parametrize("case", SETTINGS)
def test_a_wrong_setting_names_file_and_key(tmp_path: Path, case: str) -> None:
    text, words = SETTINGS[case]
    path = tmp_path / "own.yaml"
    path.write_text(text)
    refused = run_serve(tmp_path / "data", "--config", str(path))
    assert refused.returncode == 2, refused.stderr
    assert "Traceback" not in refused.stderr
    assert all(word in refused.stderr for word in [str(path), *words]), refused.stderr


@pytest.mark.parametrize("name", ["missing.yaml", "."])
def test_a_settings_file_that_cannot_be_read_is_named(tmp_path: Path, name: str) -> None:
    line = line_of(run_serve(tmp_path / "data", "--config", str(tmp_path / name)), 2)
    assert str(tmp_path) in line


def test_a_key_file_that_is_missing_is_named(tmp_path: Path) -> None:
    line = line_of(run_serve(tmp_path / "data", COSTSPAN_API_KEY_FILE=str(tmp_path / "none")), 2)
    assert "COSTSPAN_API_KEY_FILE" in line


def test_an_overlay_price_is_used(start_server: Start, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "costspan.yaml").write_text(
        "prices:\n  - {provider: openai, model: gpt-4o-mini, input: '1.00', output: '2.00', basis: contract}\n"
    )
    server = start_server()
    assert server.send(protobuf([span()])).status == 200
    total = server.spend()["total"]
    assert (total["cost_usd"], total["list_cost_usd"]) == ("0.0012", "0.00021")
