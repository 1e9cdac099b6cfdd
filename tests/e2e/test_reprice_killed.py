"""A re-pricing that is killed leaves whole chunks, and can be finished or undone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ledger_rows import charged, costspan, document, every_total
from test_reprice import CHEAPER_CLAUDE, append

from costspan.core.clock import system_clock
from costspan.core.period import iso

PROGRAM = Path(__file__).with_name("reprice_program.py")


def killed(*words: str) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, PROGRAM, *words], env=environment, check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    folder = tmp_path / "ledger"
    done = costspan("demo", "--once", "--days", "2", "--calls-per-day", "300", "--data", str(folder))
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def cut_off(ledger: Path) -> tuple[Path, dict[str, Any], str, str]:
    """A ledger whose run was killed after 60 entries, its totals before, until when they are asked, and the run."""
    until = iso(system_clock())
    before = every_total(ledger, until)
    append(ledger, CHEAPER_CLAUDE)
    killed(str(ledger))
    [run] = document("reprice", "--list", "--data", str(ledger))["runs"]
    assert (run["state"], run["corrected_entries"], run["finished_at"]) == ("applying", 60, None)
    assert charged(ledger)[0] == charged(ledger)[1]
    return ledger, before, until, run["run_id"]


def test_a_run_that_was_killed_is_undone_to_the_last_digit(cut_off) -> None:
    folder, before, until, run_id = cut_off

    undone = document("reprice", "--undo", run_id, "--data", str(folder))

    assert (undone["restored_entries"], undone["run"]["state"]) == (60, "undone")
    assert every_total(folder, until) == before


def test_a_run_that_was_killed_is_finished_under_its_own_id(cut_off) -> None:
    folder, before, until, run_id = cut_off

    refused = costspan("reprice", "--apply", "--data", str(folder))
    resumed = document("reprice", "--resume", run_id, "--data", str(folder))
    finished = resumed["run"]

    assert refused.returncode == 2
    assert f"run {run_id} was cut off: costspan reprice --resume {run_id}" in refused.stderr
    assert (finished["run_id"], finished["state"]) == (run_id, "applied")
    assert finished["corrected_entries"] == 60 + resumed["corrected_entries"]
    assert document("reprice", "--dry-run", "--data", str(folder))["changed_entries"] == 0
    document("reprice", "--undo", run_id, "--data", str(folder))
    assert every_total(folder, until) == before


def test_an_undo_that_was_killed_is_finished(cut_off) -> None:
    folder, before, until, run_id = cut_off
    document("reprice", "--resume", run_id, "--data", str(folder))

    killed(str(folder), run_id)
    refused = costspan("reprice", "--apply", "--data", str(folder))
    undone = document("reprice", "--undo", run_id, "--data", str(folder))

    assert refused.returncode == 2
    assert f"costspan reprice --undo {run_id}" in refused.stderr
    assert (undone["run"]["state"], undone["left_entries"]) == ("undone", 0)
    assert undone["run"]["restored_entries"] == undone["run"]["corrected_entries"]
    assert every_total(folder, until) == before


def test_prices_that_changed_again_are_not_mixed_into_a_run(cut_off) -> None:
    folder, _, _, run_id = cut_off
    append(folder, '  - {provider: openai, model: "gpt-*", multiply: "0.5"}\n')

    done = costspan("reprice", "--resume", run_id, "--data", str(folder))

    assert done.returncode == 2
    assert "prices have changed since" in done.stderr
