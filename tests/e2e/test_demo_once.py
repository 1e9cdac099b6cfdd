"""`costspan demo --once`: a real server, a month of traffic, and a folder that answers afterwards."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from contextlib import redirect_stdout
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from costspan.cli.main import main


def costspan(*words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "COSTSPAN_URL": "http://127.0.0.1:9"}
    command = [sys.executable, "-m", "costspan.cli.main", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=300)


def cpu_of_children_s() -> float:
    """Return what all processes started here and ended since used, with those that they started and waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@pytest.fixture(scope="module")
def demo(tmp_path_factory) -> tuple[Path, subprocess.CompletedProcess[str], float]:
    folder = tmp_path_factory.mktemp("demo") / "ledger"
    before_s = cpu_of_children_s()
    done = costspan("demo", "--once", "--data", str(folder))
    return folder, done, cpu_of_children_s() - before_s


def spend(folder: Path, *words: str) -> dict[str, Any]:
    """Return what `costspan report` says, asked in this process: the demo has ended and its folder is free."""
    said = StringIO()
    with redirect_stdout(said):
        assert main(["report", *words, "--since", "31d", "--json", "--data", str(folder)]) == 0
    document: dict[str, Any] = json.loads(said.getvalue())
    return document


def test_thirty_days_take_less_than_a_minute_of_one_core(demo) -> None:
    """CPU time of sender and server together, which other tests beside this one do not lengthen as they do the wait."""
    _, done, cpu_s = demo

    assert done.returncode == 0, done.stderr
    assert " spans sent in " in done.stdout
    assert "Dashboard" not in done.stdout
    assert cpu_s < 60


def test_the_folder_answers_after_the_server_is_gone(demo) -> None:
    total = spend(demo[0])["total"]

    assert 45_000 < total["calls"] < 65_000
    assert Decimal(10_000) < Decimal(total["cost_usd"]) < Decimal(20_000)


def test_what_the_agents_framework_reports_again_is_left_out(demo) -> None:
    rows = {row["feature"]: row for row in spend(demo[0], "--by", "feature")["rows"]}
    agent = rows.pop("research_agent")

    assert 5_000 < agent["duplicate_calls"] < agent["calls"] * 1.02
    assert Decimal(1_500) < Decimal(agent["duplicate_cost_usd"]) < Decimal(agent["cost_usd"]) * Decimal("1.3")
    assert {row["duplicate_calls"] for row in rows.values()} == {0}


def test_the_price_of_a_contract_changes_within_the_month(demo) -> None:
    days = spend(demo[0], "daily", "--where", "model:gpt-5.4")["rows"]
    cheaper = [row["start"] for row in days if Decimal(row["cost_usd"] or 0) < Decimal(row["list_cost_usd"] or 0)]

    assert 12 <= len(cheaper) <= 13
    assert cheaper == [row["start"] for row in days][-len(cheaper) :]


def test_a_rebate_waits_to_be_re_priced_and_its_undo_restores_every_figure(demo) -> None:
    folder = str(demo[0])
    before = spend(demo[0], "--by", "model")

    look = json.loads(costspan("reprice", "--dry-run", "--json", "--data", folder).stdout)
    run = json.loads(costspan("reprice", "--apply", "--json", "--data", folder).stdout)["run"]
    repriced = Decimal(spend(demo[0])["total"]["cost_usd"])
    undone = costspan("reprice", "--undo", run["run_id"], "--data", folder)

    assert {row["model"] for row in look["rows"]} == {"gemini-2.5-pro"}
    assert Decimal(look["total"]["difference_usd"]) < 0
    assert repriced == Decimal(before["total"]["cost_usd"]) + Decimal(look["total"]["difference_usd"])
    assert undone.returncode == 0, undone.stderr
    assert spend(demo[0], "--by", "model")["rows"] == before["rows"]


def test_the_model_without_a_price_has_no_cost(demo) -> None:
    rows = {row["model"]: row for row in spend(demo[0])["rows"]}

    assert rows["acme-internal-70b"]["cost_usd"] is None
    assert rows["acme-internal-70b"]["unpriced_calls"] > 100


def test_weeks_months_and_total_are_the_same_money(demo) -> None:
    sums = {
        interval: sum(Decimal(row["cost_usd"] or 0) for row in spend(demo[0], interval, "--by", "team")["rows"])
        for interval in ("daily", "weekly", "monthly", "total")
    }

    assert set(sums.values()) == {Decimal(spend(demo[0])["total"]["cost_usd"])}


def test_a_second_run_starts_afresh(demo, tmp_path) -> None:
    for _ in range(2):
        done = costspan("demo", "--once", "--days", "1", "--calls-per-day", "300", "--data", str(tmp_path / "again"))
        assert done.returncode == 0, done.stderr
    assert spend(tmp_path / "again")["total"]["calls"] < 600
