"""Faults of disk, file and process, each real: detected, told, recovered from; acknowledged is there exactly once."""

from __future__ import annotations

import http.client
import os
import random
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from ledger_rows import costspan, document

from bodies import protobuf, span
from serving import Server, run_serve

Start = Callable[..., Server]
BATCH = 20
MEGABYTE = 1024 * 1024
ROUNDS = int(os.environ.get("COSTSPAN_TEST_KILLS", "8"))
"""How often the server is killed; by hand: COSTSPAN_TEST_KILLS=200."""

needs_root = pytest.mark.skipif(
    os.geteuid() != 0,
    reason="a full disk is a small one that only root can mount; a developer's machine should not ask for root",
)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 48 MB at the place of the data folder."""
    place = tmp_path / "data"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", str(place)], check=False)
    if mounted.returncode:
        pytest.skip("a container without the right to mount cannot have a full disk of its own")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def batch(size: int = BATCH) -> bytes:
    return protobuf([span() for _ in range(size)])


def wal(folder: Path) -> Path:
    return folder / "ledger.duckdb.wal"


def calls_in(folder: Path) -> int:
    """Return how many calls the ledger holds; charges, reversals and roll-ups have to add up."""
    assert costspan("verify", "--data", str(folder)).returncode == 0
    total: int = document("report", "total", "--since", "2026-01-01", "--until", "2026-12", "--data", str(folder))[
        "total"
    ]["calls"]
    return total


class Sender(threading.Thread):
    """Sends batches one after the other until an answer fails to come."""

    def __init__(self, server: Server) -> None:
        super().__init__()
        self._server = server
        self.acknowledged: list[bytes] = []
        self.unanswered: list[bytes] = []

    def run(self) -> None:
        """Send."""
        while not self.unanswered:
            body = batch()
            try:
                status = self._server.send(body).status
            except (OSError, http.client.HTTPException):
                status = 0
            (self.acknowledged if status == 200 else self.unanswered).append(body)


def test_killed_at_any_moment_under_load_everything_acknowledged_is_there_once(start_server: Start) -> None:
    seeded = random.Random(20261121)
    acknowledged: list[bytes] = []
    unanswered: list[bytes] = []
    for _ in range(ROUNDS):
        server = start_server()
        senders = [Sender(server) for _ in range(3)]
        for sender in senders:
            sender.start()
        threading.Event().wait(seeded.uniform(0.02, 0.6))
        server.kill()
        for sender in senders:
            sender.join()
            acknowledged += sender.acknowledged
            unanswered += sender.unanswered
    server = start_server()
    present = server.spend()["total"]["calls"]
    assert BATCH * len(acknowledged) <= present <= BATCH * (len(acknowledged) + len(unanswered))
    for body in [*acknowledged, *unanswered]:
        assert server.send(body).status == 200
    assert server.spend()["total"]["calls"] == BATCH * (len(acknowledged) + len(unanswered))
    assert "Traceback" not in server.errors()
    server.stop()
    assert calls_in(server.data) == BATCH * (len(acknowledged) + len(unanswered))


def fill(ballast: Path) -> None:
    """Take all the room there is."""
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(bytes(MEGABYTE)):
            pass


@needs_root
def test_a_full_disk_is_503_and_not_ready_and_room_makes_both_well(small_disk: Path, start_server: Start) -> None:
    server = start_server()
    ballast = small_disk / "ballast"
    bodies = [batch(500) for _ in range(4)]
    assert server.send(bodies[0]).status == 200
    fill(ballast)
    for body in bodies:
        answer = server.send(body)
        assert answer.status == 503
        assert int(answer.headers["retry-after"]) > 0
    assert (server.get("/readyz").status, server.get("/healthz").status) == (503, 200)
    assert "disk" in server.get("/readyz").document["status"]
    assert server.spend()["total"]["calls"] == 500
    ballast.unlink()
    assert server.get("/readyz").status == 200
    for body in bodies:
        assert server.send(body).status == 200
    assert "Traceback" not in server.errors()
    server.kill()
    assert calls_in(small_disk) == 2_000


@needs_root
def test_a_disk_that_becomes_read_only_is_503_and_well_again_once_it_can_be_written(
    small_disk: Path, start_server: Start
) -> None:
    server = start_server()
    assert server.send(batch()).status == 200
    refused = batch()
    # A disk with a file open for writing cannot be made read-only; a full one whose reserve is gone cannot grow either.
    server.stop()
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    told = run_serve(small_disk)
    assert told.returncode == 3
    assert str(small_disk) in told.stderr
    assert "Traceback" not in told.stderr
    subprocess.run(["mount", "-o", "remount,rw", str(small_disk)], check=True)
    again = start_server()
    assert again.send(refused).status == 200
    assert again.spend()["total"]["calls"] == 2 * BATCH


def test_a_file_that_was_replaced_takes_no_more_and_the_one_there_is_opened(
    start_server: Start, tmp_path: Path
) -> None:
    other = start_server()
    assert other.send(batch(7)).status == 200
    other.stop()
    kept = shutil.copy(other.data / "ledger.duckdb", tmp_path / "other.duckdb")
    server = start_server()
    assert server.send(batch()).status == 200
    os.replace(kept, server.data / "ledger.duckdb")
    late = batch()
    assert server.send(late).status == 503
    assert "was replaced or removed" in server.errors()
    assert server.get("/readyz").status == 200
    assert server.send(late).status == 200
    assert server.spend()["total"]["calls"] == 7 + BATCH
    server.kill()
    assert start_server().spend()["total"]["calls"] == 7 + BATCH


def test_a_file_that_is_gone_is_never_begun_anew_behind_ones_back(start_server: Start) -> None:
    server = start_server()
    assert server.send(batch()).status == 200
    aside = server.data / "aside"
    os.rename(server.data / "ledger.duckdb", aside)
    for _ in range(2):
        assert server.send(batch()).status == 503
    assert server.get("/readyz").status == 503
    assert server.get("/healthz").status == 200
    assert not (server.data / "ledger.duckdb").exists()
    os.rename(aside, server.data / "ledger.duckdb")
    assert server.get("/readyz").status == 200
    assert server.spend()["total"]["calls"] == BATCH


@pytest.fixture
def crashed(start_server: Start) -> Path:
    """The folder of a server that was killed with six commits in its log."""
    server = start_server()
    for _ in range(6):
        assert server.send(batch()).status == 200
    server.kill()
    assert wal(server.data).stat().st_size > 0
    return server.data


@pytest.mark.parametrize("share", [0.35, 0.999])
def test_a_log_cut_off_in_a_write_opens_with_every_whole_commit(crashed: Path, share: float) -> None:
    held = wal(crashed).read_bytes()
    wal(crashed).write_bytes(held[: int(len(held) * share)])
    found = calls_in(crashed)
    assert found % BATCH == 0
    assert found < 6 * BATCH


def flipped(held: bytes, at: int) -> bytes:
    return held[:at] + bytes([held[at] ^ 0x10]) + held[at + 1 :]


def zeroed(held: bytes, at: int) -> bytes:
    return held[:at] + bytes(512) + held[at + 512 :]


@pytest.mark.parametrize("damage", [flipped, zeroed])
@pytest.mark.parametrize("share", [0.3, 0.6])
def test_a_damaged_log_is_refused_and_repaired_up_to_the_damage(
    crashed: Path, share: float, damage: Callable[[bytes, int], bytes]
) -> None:
    held = wal(crashed).read_bytes()
    damaged = damage(held, int(len(held) * share))
    wal(crashed).write_bytes(damaged)
    refused = run_serve(crashed)
    assert refused.returncode == 3
    assert f"costspan repair --data {crashed}" in refused.stderr
    assert wal(crashed).read_bytes() == damaged
    told = costspan("repair", "--data", str(crashed))
    assert told.returncode == 1, told.stdout + told.stderr
    assert "commits are lost" in told.stdout
    [aside] = crashed.glob("ledger.duckdb.wal.damaged-*")
    assert aside.read_bytes() == damaged
    found = calls_in(crashed)
    assert found % BATCH == 0
    assert 0 < found < 6 * BATCH


@pytest.mark.parametrize("at", [0, 3, 9, 10, 11])
def test_a_log_whose_head_is_damaged_is_never_dropped_in_silence_and_comes_back_whole(crashed: Path, at: int) -> None:
    wal(crashed).write_bytes(flipped(wal(crashed).read_bytes(), at))
    assert run_serve(crashed).returncode == 3
    told = costspan("repair", "--data", str(crashed))
    assert (told.returncode, "nothing is lost" in told.stdout) == (0, True), told.stdout
    assert calls_in(crashed) == 6 * BATCH


def test_every_length_in_the_log_that_is_damaged_is_noticed(crashed: Path) -> None:
    """A length that is too large looks to the engine like a write that was cut off; no commit may go by that."""
    held = wal(crashed).read_bytes()
    place = held.index(b"\x05" + bytes(7)) + 21
    for bit in range(20, 64, 8):
        wal(crashed).write_bytes(
            held[: place + bit // 8] + bytes([held[place + bit // 8] ^ 1 << bit % 8]) + held[place + bit // 8 + 1 :]
        )
        refused = run_serve(crashed)
        assert refused.returncode == 3
        assert "commits beyond that" in refused.stderr


@pytest.fixture
def closed(start_server: Start) -> Path:
    """The folder of a server that stopped in order, with six commits."""
    server = start_server()
    for _ in range(6):
        assert server.send(batch(200)).status == 200
    server.stop()
    return server.data


def test_a_whole_ledger_is_left_alone_by_repair(closed: Path) -> None:
    before = (closed / "ledger.duckdb").read_bytes()
    told = costspan("repair", "--data", str(closed))
    assert (told.returncode, "is whole" in told.stdout) == (0, True)
    assert (closed / "ledger.duckdb").read_bytes() == before


def test_a_bit_flipped_in_the_file_is_told_and_the_rest_of_it_kept(closed: Path, start_server: Start) -> None:
    path = closed / "ledger.duckdb"
    held = bytearray(path.read_bytes())
    place = held.index(b"otel_genai")
    held[place] ^= 1
    path.write_bytes(held)
    told = costspan("repair", "--data", str(closed))
    assert told.returncode == 1, told.stdout + told.stderr
    assert "cannot be read and are lost" in told.stdout
    [aside] = closed.glob("ledger.duckdb.damaged-*")
    assert aside.read_bytes() == held
    server = start_server()
    assert server.send(batch()).status == 200
    assert server.spend()["total"]["calls"] >= BATCH


def test_repair_leaves_a_ledger_alone_that_is_being_served(start_server: Start) -> None:
    server = start_server()
    assert server.send(batch()).status == 200
    told = costspan("repair", "--data", str(server.data))
    assert told.returncode == 3
    assert server.send(batch()).status == 200
    assert server.spend()["total"]["calls"] == 2 * BATCH
