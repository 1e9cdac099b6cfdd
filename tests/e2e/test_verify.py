"""`costspan verify`: against a running server and on a folder; it finds what was tampered with and mends roll-ups."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb
from ledger_rows import costspan, document

from bodies import protobuf, span
from costspan.server.assembly import open_caretaker
from serving import Server, run_serve


def test_a_sound_ledger_adds_up_in_a_server_and_in_its_folder(start_server: Callable[..., Server]) -> None:
    server = start_server()
    server.send(protobuf([span() for _ in range(7)]))
    found = document("verify", "--url", f"http://{server.url}")
    assert (found["well"], found["entries"], found["findings"]) == (True, 7, [])
    server.stop()
    told = costspan("verify", "--data", str(server.data))
    assert (told.returncode, told.stdout) == (0, "7 entries: charges, reversals and roll-ups all add up.\n")


def test_a_wrong_roll_up_is_named_and_made_anew_on_request(start_server: Callable[..., Server]) -> None:
    server = start_server()
    server.send(protobuf([span() for _ in range(7)]))
    server.stop()
    with open_caretaker(server.data) as caretaker:
        caretaker.round()
    tamper(server.data, "UPDATE rollups SET calls = calls + 1")
    told = costspan("verify", "--data", str(server.data))
    assert told.returncode == 1
    assert "rolled-up sums that differ from the rows" in told.stdout
    assert "costspan verify --repair" in told.stdout
    assert costspan("verify", "--repair", "--data", str(server.data)).returncode == 1
    assert costspan("verify", "--data", str(server.data)).returncode == 0


def test_a_tampered_charge_is_no_matter_of_roll_ups(start_server: Callable[..., Server]) -> None:
    server = start_server()
    server.send(protobuf([span()]))
    server.stop()
    tamper(server.data, "UPDATE charges SET cost = cost + 1 WHERE rowid = 0")
    told = costspan("verify", "--data", str(server.data))
    assert told.returncode == 1
    assert "calls whose charges do not add up to their cost" in told.stdout
    assert "restore a backup" in told.stdout


def test_a_retention_that_makes_no_sense_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "costspan.yaml").write_text("retention: {raw: seven days}\n")
    refused = run_serve(tmp_path / "data", "--config", str(tmp_path / "costspan.yaml"))
    assert refused.returncode == 2
    assert "retention: raw: 'seven days' is no length of time" in refused.stderr


def tamper(folder: Path, statement: str) -> None:
    with duckdb.connect(str(folder / "ledger.duckdb")) as connection:
        connection.execute(statement)
