"""A backup of a ledger that is being written holds one moment of it, whole; restored, it goes on from there."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from ledger_rows import costspan, document

from bodies import PLAIN_CALL_USD, protobuf, span
from serving import Server

Start = Callable[..., Server]
BATCH = 20


def backed_up(server: Server, target: Path) -> dict:
    return document("backup", str(target), "--url", f"http://{server.url}")


def restored(file: Path, folder: Path) -> dict:
    done = costspan("restore", str(file), "--data", str(folder))
    assert done.returncode == 0, done.stderr
    total: dict = document("report", "total", "--since", "2026-01", "--until", "2026-12", "--data", str(folder))[
        "total"
    ]
    return total


def test_backups_taken_under_load_hold_whole_commits_and_what_was_acknowledged_before(
    start_server: Start, tmp_path: Path
) -> None:
    server = start_server()
    stop = threading.Event()
    acknowledged: list[int] = []

    def send() -> None:
        while not stop.is_set():
            assert server.send(protobuf([span() for _ in range(BATCH)])).status == 200
            acknowledged.append(BATCH)

    senders = [threading.Thread(target=send) for _ in range(3)]
    for sender in senders:
        sender.start()
    copies = []
    for number in range(3):
        before = sum(acknowledged)
        copy = backed_up(server, tmp_path / f"{number}.duckdb")
        copies.append((before, copy, sum(acknowledged) + len(senders) * BATCH))
    stop.set()
    for sender in senders:
        sender.join()
    for before, copy, after in copies:
        total = restored(Path(copy["file"]), tmp_path / Path(copy["file"]).stem)
        assert before <= total["calls"] == copy["rows"]["calls"] <= after
        assert total["calls"] % BATCH == 0
        assert Decimal(total["cost_usd"] or 0) == Decimal(copy["cost_usd"]) == total["calls"] * Decimal(PLAIN_CALL_USD)
    assert server.spend()["total"]["calls"] == sum(acknowledged)
    assert not list(server.data.glob("backup-*"))
    server.kill()
    assert start_server().spend()["total"]["calls"] == sum(acknowledged)


def test_a_folder_is_copied_into_a_folder_and_put_back_beside_what_is_there(
    start_server: Start, tmp_path: Path
) -> None:
    server = start_server()
    first = protobuf([span(), span()])
    assert server.send(first).status == 200
    server.stop()
    copies = tmp_path / "copies"
    copies.mkdir()
    copy = Path(document("backup", str(copies), "--data", str(server.data))["file"])
    assert copy.parent == copies
    again = start_server()
    assert again.send(protobuf([span()])).status == 200
    again.stop()

    refused = costspan("restore", str(copy), "--data", str(server.data))
    assert (refused.returncode, "--replace puts it aside" in refused.stderr) == (2, True)
    done = costspan("restore", str(copy), "--data", str(server.data), "--replace")
    assert done.returncode == 0
    assert "2 entries of calls, $0.00" in done.stdout
    [aside] = server.data.glob("ledger.duckdb.before-*")
    last = start_server()
    assert last.spend()["total"]["calls"] == 2
    assert last.send(first).status == 200
    assert last.ingest()["retransmitted"] == 2
    last.stop()
    assert restored(aside, tmp_path / "before")["calls"] == 3


def test_a_ledger_that_is_served_is_not_replaced(start_server: Start, tmp_path: Path) -> None:
    server = start_server()
    server.send(protobuf([span()]))
    copy = Path(backed_up(server, tmp_path / "copy.duckdb")["file"])
    held = costspan("restore", str(copy), "--data", str(server.data), "--replace")
    assert (held.returncode, "held by another process" in held.stderr) == (3, True)
    assert server.send(protobuf([span()])).status == 200


@pytest.mark.parametrize("content", [b"", b"not a ledger" * 1000])
def test_what_is_no_ledger_is_not_restored(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "file.duckdb"
    file.write_bytes(content)
    told = costspan("restore", str(file), "--data", str(tmp_path / "data"))
    assert told.returncode == 3
    assert "is no ledger of costspan" in told.stderr
    assert not (tmp_path / "data").exists()


def test_a_file_that_is_there_is_never_overwritten(start_server: Start, tmp_path: Path) -> None:
    server = start_server()
    there = tmp_path / "there.duckdb"
    there.write_text("mine")
    told = costspan("backup", str(there), "--url", f"http://{server.url}")
    assert told.returncode == 2
    assert there.read_text() == "mine"
    assert json.loads(costspan("backup", str(tmp_path / "new"), "--url", f"http://{server.url}", "--json").stdout)[
        "rows"
    ]
