"""What `costspan run` recorded without a server reaches the ledger once, whoever reads it first."""

from __future__ import annotations

import json
import os
from pathlib import Path

from costspan.cli.main import main
from costspan.testing.otlp import json_body
from costspan.testing.spans import otel_genai, sample_call

RECENT = 1_790_000_000_000_000_000


def recording(data: Path, name: str, *tails: bytes) -> Path:
    path = data / "inbox" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    call = sample_call(
        requested_model="gpt-4o", response_model="gpt-4o-2024-08-06", input=1000, output=100, started_at_ns=RECENT
    )
    path.write_bytes(json_body([otel_genai(call)]) + b"\n" + b"".join(tails))
    return path


def cost(data: Path, capsys) -> str:
    assert main(["report", "--data", str(data), "--since", "2026-01-01", "--json"]) == 0
    return json.loads(capsys.readouterr().out)["total"]["cost_usd"]


def test_a_report_takes_the_recording_in_and_removes_it_once_its_program_has_ended(tmp_path, capsys):
    path = recording(tmp_path, "run-1-999999999.jsonl")
    assert cost(tmp_path, capsys) == "0.0035"
    assert not path.exists()
    assert cost(tmp_path, capsys) == "0.0035"


def test_a_recording_of_a_program_that_still_runs_stays_and_counts_once(tmp_path, capsys):
    path = recording(tmp_path, f"run-1-{os.getpid()}.jsonl", b'{"resourceSpans": [half a li')
    assert cost(tmp_path, capsys) == "0.0035"
    assert cost(tmp_path, capsys) == "0.0035"
    assert path.exists()


def test_a_line_that_cannot_be_read_is_kept_beside_and_the_rest_is_taken(tmp_path, capsys):
    recording(tmp_path, "run-1-999999999.jsonl", b"no json\n")
    assert cost(tmp_path, capsys) == "0.0035"
    assert [path.name for path in (tmp_path / "inbox").iterdir()] == ["run-1-999999999.refused"]
    assert (tmp_path / "inbox" / "run-1-999999999.refused").read_bytes() == b"no json\n"
