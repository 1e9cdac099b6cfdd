"""Re-pricing on the demo's ledger: look, apply, undo; through the folder and through a running server."""

from __future__ import annotations

import json
import os
import shutil
import sys
import threading
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from ledger_rows import charged, costspan, document, every_total, lines

from costspan.cli.ask import ServerLedger
from costspan.cli.demo_server import DemoServer, free_port
from costspan.core.clock import system_clock
from costspan.core.errors import UsageError
from costspan.core.period import iso

CHEAPER_CLAUDE = '  - {provider: anthropic, model: "claude-*", multiply: "0.9"}  # the rebate\n'


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo") / "ledger"
    done = costspan("demo", "--once", "--days", "3", "--calls-per-day", "200", "--data", str(folder))
    assert done.returncode == 0, done.stderr
    settings = folder / "costspan.yaml"
    kept = [line for line in settings.read_text("utf-8").splitlines(keepends=True) if "gemini-2.5-pro" not in line]
    settings.write_text("".join(kept), "utf-8")  # without the rebate that waits in a fresh demo
    return folder


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))


@pytest.fixture
def ledger(recorded: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(recorded, tmp_path / "ledger"))


def append(folder: Path, text: str) -> None:
    with (folder / "costspan.yaml").open("a", encoding="utf-8") as file:
        file.write(text)


def test_unchanged_prices_change_nothing(ledger: Path) -> None:
    found = document("reprice", "--apply", "--data", str(ledger))

    assert found["examined_entries"] > 500
    assert found["changed_entries"] == 0
    assert found["run"] is None
    assert document("reprice", "--list", "--data", str(ledger))["runs"] == []


def test_a_look_shows_the_change_by_model_and_month_and_writes_nothing(ledger: Path) -> None:
    append(ledger, CHEAPER_CLAUDE)
    before = lines(ledger)

    found = document("reprice", "--dry-run", "--data", str(ledger))

    assert {row["model"].partition("-")[0] for row in found["rows"]} == {"claude"}
    for row in [*found["rows"], found["total"]]:
        assert Decimal(row["new_cost_usd"]) == Decimal(row["old_cost_usd"]) * Decimal("0.9")
        assert Decimal(row["difference_usd"]) == Decimal(row["new_cost_usd"]) - Decimal(row["old_cost_usd"])
    assert found["total"]["calls"] == sum(row["calls"] for row in found["rows"])
    assert lines(ledger) == before


def test_undo_restores_every_total_and_the_history_shows_both(ledger: Path) -> None:
    until = iso(system_clock())
    before, before_lines = every_total(ledger, until), lines(ledger)
    append(ledger, CHEAPER_CLAUDE)

    applied = document("reprice", "--apply", "--data", str(ledger))
    repriced = every_total(ledger, until)
    undone = document("reprice", "--undo", applied["run"]["run_id"], "--data", str(ledger))

    corrected = applied["corrected_entries"]
    assert corrected == applied["changed_entries"] > 100
    assert Decimal(repriced["team"]["total"]["cost_usd"]) - Decimal(before["team"]["total"]["cost_usd"]) == Decimal(
        applied["total"]["difference_usd"]
    )
    assert repriced["team"]["total"]["list_cost_usd"] == before["team"]["total"]["list_cost_usd"]
    assert undone["restored_entries"] == corrected
    assert undone["left_entries"] == 0
    assert every_total(ledger, until) == before
    assert lines(ledger)["calls+1"] == before_lines["calls+1"] + 2 * corrected
    assert lines(ledger)["calls-1"] == before_lines.get("calls-1", 0) + 2 * corrected
    assert charged(ledger)[0] == charged(ledger)[1]


def test_a_ledger_priced_again_is_the_ledger_the_new_prices_would_have_made(ledger: Path) -> None:
    append(ledger, CHEAPER_CLAUDE)
    document("reprice", "--apply", "--data", str(ledger))

    again = document("reprice", "--dry-run", "--data", str(ledger))

    assert again["changed_entries"] == 0
    assert charged(ledger)[0] == charged(ledger)[1]


def test_runs_are_undone_in_any_order_that_restores_exactly(ledger: Path) -> None:
    until = iso(system_clock())
    before = every_total(ledger, until)
    append(ledger, CHEAPER_CLAUDE)
    first = document("reprice", "--apply", "--data", str(ledger))["run"]["run_id"]
    append(ledger, '  - {provider: anthropic, model: claude-haiku-4-5, multiply: "0.5"}\n')
    second = document("reprice", "--apply", "--data", str(ledger))["run"]["run_id"]

    refused = costspan("reprice", "--undo", first, "--data", str(ledger))
    for run_id in (second, first, first):
        document("reprice", "--undo", run_id, "--data", str(ledger))

    assert refused.returncode == 2
    assert f"run {second} corrected some of the same calls later: undo that one first" in refused.stderr
    assert every_total(ledger, until) == before


def test_only_the_calls_asked_for_are_corrected(ledger: Path) -> None:
    append(ledger, CHEAPER_CLAUDE)

    found = document("reprice", "--apply", "--where", "model:claude-haiku-4-5", "--since", "2d", "--data", str(ledger))
    rest = document("reprice", "--dry-run", "--data", str(ledger))

    assert {row["model"] for row in found["rows"]} == {"claude-haiku-4-5"}
    assert found["run"]["scope"]["where"] == ["model:claude-haiku-4-5"]
    assert {row["model"] for row in rest["rows"]} >= {"claude-haiku-4-5", "claude-sonnet-4-6"}


def test_an_unpriced_model_is_listed_and_takes_the_price_of_another(ledger: Path) -> None:
    append(ledger, CHEAPER_CLAUDE)
    [model] = json.loads(costspan("prices", "unpriced", "--json", "--data", str(ledger)).stdout)["models"]

    mapped = document("prices", "map", "acme-internal-70b", "--to", "openai/gpt-5", "--data", str(ledger))
    settings = (ledger / "costspan.yaml").read_text(encoding="utf-8")

    assert (model["model"], model["provider"], model["price_status"]) == ("acme-internal-70b", "openai", "unpriced")
    assert model["tokens"] > 0
    assert mapped["total"]["newly_priced_calls"] == model["calls"]
    assert mapped["total"]["old_cost_usd"] is None
    assert {row["model"] for row in mapped["rows"]} == {"gpt-5"}
    assert CHEAPER_CLAUDE in settings
    assert settings.endswith('  - {provider: "openai", model: "acme-internal-70b", alias_of: "openai/gpt-5"}\n')
    assert costspan("prices", "unpriced", "--data", str(ledger)).returncode == 0


def test_a_closed_month_stays_and_the_correction_is_booked_today(ledger: Path) -> None:
    since = iso(system_clock())
    before = every_total(ledger, since)
    append(ledger, CHEAPER_CLAUDE + f"closed_until: {since[:10]}\n")

    applied = document("reprice", "--apply", "--data", str(ledger))
    adjusted = document("report", "--since", since, "--data", str(ledger))
    whole = document("report", "--since", "40d", "--data", str(ledger))

    assert every_total(ledger, since) == before
    assert adjusted["total"]["cost_usd"] == applied["total"]["difference_usd"]
    assert adjusted["total"]["calls"] == 0
    assert Decimal(whole["total"]["cost_usd"]) == Decimal(before["team"]["total"]["cost_usd"]) + Decimal(
        applied["total"]["difference_usd"]
    )
    document("reprice", "--undo", applied["run"]["run_id"], "--data", str(ledger))
    assert document("report", "--since", since, "--data", str(ledger))["total"]["cost_usd"] is None


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--undo", "no-such-run"), "there is no run 'no-such-run'; the latest are: none yet"),
        (("--dry-run", "--where", "team"), "--where 'team' is not KEY:VALUE"),
        (("--dry-run", "--where", "colour:red"), "unknown key 'colour'"),
        (("--dry-run", "--since", "yesterday"), "'yesterday' is not"),
        (("--undo", "x", "--since", "7d"), "undone or finished as a whole"),
    ],
)
def test_a_wrong_question_is_answered_with_what_is_right(ledger: Path, words: tuple[str, ...], said: str) -> None:
    done = costspan("reprice", *words, "--data", str(ledger))

    assert done.returncode == 2
    assert said in done.stderr


def test_without_a_ledger_the_exit_code_is_3(tmp_path: Path) -> None:
    assert costspan("reprice", "--list", "--data", str(tmp_path / "nothing")).returncode == 3


def test_a_running_server_reads_its_prices_again_and_goes_on_with_them(ledger: Path) -> None:
    with DemoServer(ledger, free_port()) as url:
        server = ServerLedger(url)
        now = system_clock()
        asked = [("group_by", "model"), ("since", iso(now - timedelta(days=9))), ("until", iso(now))]
        before = server.ask("/api/v1/spend", asked)
        version = server.ask("/api/v1/prices")["version"]
        append(ledger, CHEAPER_CLAUDE)

        looked = document("reprice", "--dry-run", "--url", url)
        assert server.ask("/api/v1/prices")["version"] == version
        applied = document("reprice", "--apply", "--url", url)
        assert server.ask("/api/v1/prices")["version"] == applied["card_version"] != version
        assert applied["total"] == looked["total"]
        after = server.ask("/api/v1/spend", asked)
        document("reprice", "--undo", applied["run"]["run_id"], "--url", url)

        assert Decimal(after["total"]["cost_usd"]) < Decimal(before["total"]["cost_usd"])
        assert server.ask("/api/v1/spend", asked) == before
        [run] = server.ask("/api/v1/reprice")["runs"]
        assert (run["state"], run["restored_entries"]) == ("undone", applied["corrected_entries"])


def test_the_api_refuses_what_makes_no_sense(ledger: Path) -> None:
    with DemoServer(ledger, free_port()) as url:
        server = ServerLedger(url)
        for request, said in (
            ({"action": "guess"}, "action is one of dry-run, apply, resume, undo"),
            ({"action": "undo"}, "undo needs run_id"),
            ({"action": "undo", "run_id": "x"}, "there is no run"),
        ):
            with pytest.raises(UsageError, match=said):
                server.post("/api/v1/reprice", request)
        for request, said in (
            ({"model": "acme-internal-70b", "to": "gpt-5"}, "to is provider/model"),
            ({"model": "acme-internal-70b", "to": "openai/gpt-5x9"}, "has no price itself .* did you mean"),
            ({"model": "never-called", "to": "openai/gpt-5"}, "no call without a price names the model"),
        ):
            with pytest.raises(UsageError, match=said):
                server.post("/api/v1/prices/map", request)
        append(ledger, '  - {provider: openai, model: gpt-5.4, input: "cheap"}\n')
        with pytest.raises(UsageError, match="input"):
            server.post("/api/v1/reprice", {"action": "apply"})


def test_telemetry_is_taken_while_the_ledger_is_priced_again(ledger: Path) -> None:
    with DemoServer(ledger, free_port()) as url:
        append(ledger, CHEAPER_CLAUDE)
        before = ServerLedger(url).ask("/api/v1/ingest")["calls"]
        feeding = threading.Thread(
            target=costspan, args=("demo", "--once", "--days", "1", "--calls-per-day", "300", "--url", url)
        )
        feeding.start()
        document("reprice", "--apply", "--url", url)
        feeding.join()

        assert ServerLedger(url).ask("/api/v1/ingest")["calls"] > before
        assert document("reprice", "--dry-run", "--url", url)["changed_entries"] == 0
