"""What was acknowledged is there exactly once, after kill -9, restart, a full disk and a damaged file."""

from __future__ import annotations

import http.client
import resource
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from google.rpc.status_pb2 import Status

from bodies import PLAIN_CALL_USD, protobuf, span
from serving import PROTOBUF, Server, run_serve

Start = Callable[..., Server]
BATCH = 20


class Sender(threading.Thread):
    """Sends batches one after the other until the server is gone, and remembers which were acknowledged."""

    def __init__(self, server: Server) -> None:
        super().__init__()
        self._server = server
        self.acknowledged: list[bytes] = []
        self.unanswered: list[bytes] = []

    def run(self) -> None:
        """Send until an answer fails to come."""
        while not self.unanswered:
            body = protobuf([span() for _ in range(BATCH)])
            try:
                status = self._server.send(body).status
            except (OSError, http.client.HTTPException):
                status = 0
            (self.acknowledged if status == 200 else self.unanswered).append(body)


def test_kill_9_under_load_loses_nothing_acknowledged_and_doubles_nothing(start_server: Start) -> None:
    acknowledged: list[bytes] = []
    unanswered: list[bytes] = []
    for _ in range(3):
        server = start_server()
        senders = [Sender(server) for _ in range(4)]
        for sender in senders:
            sender.start()
        deadline = time.monotonic() + 20
        while sum(len(sender.acknowledged) for sender in senders) < 12 and time.monotonic() < deadline:
            time.sleep(0.01)
        server.kill()
        for sender in senders:
            sender.join()
            acknowledged += sender.acknowledged
            unanswered += sender.unanswered
    server = start_server()
    present = server.spend()["total"]["calls"]
    assert BATCH * len(acknowledged) <= present <= BATCH * (len(acknowledged) + len(unanswered))
    for body in acknowledged:
        assert server.send(body).status == 200
    assert server.spend()["total"]["calls"] == present
    assert server.ingest()["retransmitted"] == BATCH * len(acknowledged)
    for body in unanswered * 2:
        assert server.send(body).status == 200
    assert server.spend()["total"]["calls"] == BATCH * (len(acknowledged) + len(unanswered))
    assert "Traceback" not in server.errors()


def test_sigterm_answers_what_is_in_flight_and_exits_cleanly(start_server: Start) -> None:
    server = start_server()
    senders = [Sender(server) for _ in range(4)]
    for sender in senders:
        sender.start()
    deadline = time.monotonic() + 20
    while sum(len(sender.acknowledged) for sender in senders) < 12 and time.monotonic() < deadline:
        time.sleep(0.01)
    server.stop()
    for sender in senders:
        sender.join()
    again = start_server()
    assert again.spend()["total"]["calls"] == BATCH * sum(len(sender.acknowledged) for sender in senders)
    assert "Traceback" not in again.errors()


def test_the_same_batch_counts_once_also_after_a_restart(start_server: Start) -> None:
    body = protobuf([span(), span()])
    server = start_server()
    for _ in range(2):
        assert server.send(body).status == 200
    server.stop()
    again = start_server()
    assert again.send(body).status == 200
    assert again.spend()["total"]["cost_usd"] == "0.00042"
    assert again.ingest()["retransmitted"] == 2


def test_a_full_disk_is_503_with_retry_after_and_room_makes_it_well_again(start_server: Start) -> None:
    server = start_server()
    assert server.send(protobuf([span()])).status == 200
    before = server.spend()["total"]
    size = max(path.stat().st_size for path in server.data.iterdir())
    limits = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (size // 2, limits[1]))
    bodies = [protobuf([span(name="x" * 1000) for _ in range(500)]) for _ in range(6)]
    answers = [server.send(body) for body in bodies]
    refused = [body for body, answer in zip(bodies, answers, strict=True) if answer.status == 503]
    assert {answer.status for answer in answers} <= {200, 503}
    assert refused, "the limit was not reached"
    for answer in answers:
        if answer.status == 503:
            assert int(answer.headers["retry-after"]) > 0
            assert "ledger" in Status.FromString(answer.body).message
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, limits)
    assert server.get("/readyz").status == 200
    for body in [*refused, *bodies]:
        assert server.send(body).status == 200
    assert server.spend()["total"]["calls"] == before["calls"] + 500 * len(bodies)
    assert "Traceback" not in server.errors()
    server.kill()
    assert start_server().spend()["total"]["calls"] == before["calls"] + 500 * len(bodies)


def test_a_second_server_on_the_same_ledger_is_told_who_holds_it(start_server: Start) -> None:
    first = start_server()
    second = run_serve(first.data)
    assert second.returncode == 3
    assert "held by another process" in second.stderr
    assert "Traceback" not in second.stderr
    assert first.send(protobuf([span()])).status == 200


@pytest.mark.parametrize("where", ["everywhere", "the header", "the middle", "cut off", "empty"])
def test_a_damaged_ledger_file_is_named_and_nothing_is_overwritten(start_server: Start, where: str) -> None:
    server = start_server()
    for _ in range(3):
        assert server.send(protobuf([span() for _ in range(200)])).status == 200
    server.stop()
    path = server.data / "ledger.duckdb"
    content = path.read_bytes()
    rubbish = bytes(range(1, 256)) * (len(content) // 255 + 1)
    damaged = {
        "everywhere": rubbish[: len(content)],
        "the header": rubbish[:12288] + content[12288:],
        "the middle": content[:12288] + rubbish[: len(content) - 12288],
        "cut off": content[: len(content) // 2],
        "empty": b"\n" * 100,
    }[where]
    path.write_bytes(damaged)
    refused = run_serve(server.data)
    assert refused.returncode == 3
    assert "ledger.duckdb" in refused.stderr
    assert "another process" not in refused.stderr
    assert "Traceback" not in refused.stderr
    assert len(refused.stderr.strip().splitlines()) == 1
    assert path.read_bytes() == damaged


@pytest.mark.parametrize("folder", ["/proc/costspan", "file"])
def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path, folder: str) -> None:
    (tmp_path / "file").write_text("not a folder")
    data = tmp_path / folder
    refused = run_serve(data)
    assert refused.returncode == 3
    assert str(data) in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_sender_that_goes_away_in_the_middle_of_its_body_leaves_nothing(start_server: Start) -> None:
    server = start_server()
    body = protobuf([span()])
    connection = http.client.HTTPConnection(server.url, timeout=10)
    connection.putrequest("POST", "/v1/traces")
    connection.putheader("Content-Type", PROTOBUF)
    connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body[:-5])
    connection.close()
    assert server.send(body).status == 200
    assert server.spend()["total"]["cost_usd"] == PLAIN_CALL_USD
    assert "Traceback" not in server.errors()
