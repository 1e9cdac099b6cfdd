"""A candidate for the catalogue is made, looked at, archived, and used only when somebody says so."""

from __future__ import annotations

import csv
import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from ledger_rows import costspan, document

from costspan.pricing.flatten_genai_prices import providers_of_file, write_catalogue
from costspan.pricing.versions import activate

SOURCE = {"source": "genai-prices test", "released": date(2026, 11, 1)}


def upstream(folder: Path, **models: dict[str, Any]) -> Path:
    """Write a v2 price file with one provider, openai, and these models."""
    listed = [{"id": name, "match": {"equals": name}, "prices": prices} for name, prices in models.items()]
    file = folder / "data.json"
    provider = {"id": "openai", "name": "OpenAI", "api_pattern": "https://api\\.openai\\.com", "models": listed}
    file.write_text(json.dumps([provider]), encoding="utf-8")
    return file


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder whose active catalogue has two models."""
    file = upstream(tmp_path, alpha={"input_mtok": 1.25, "output_mtok": 10}, beta={"input_mtok": 2, "output_mtok": 4})
    write_catalogue(providers_of_file(file), tmp_path / "data" / "catalogue-versions" / "first", **SOURCE)
    activate(tmp_path / "data", "first")
    return tmp_path / "data"


def test_a_price_that_moves_a_little_is_shown_and_archived_and_not_used(data: Path, tmp_path: Path) -> None:
    file = upstream(tmp_path, alpha={"input_mtok": 1.5, "output_mtok": 10}, beta={"input_mtok": 2, "output_mtok": 4})

    found = document("prices", "sync", "--from", str(file), "--data", str(data))
    shown = costspan("prices", "diff", "first", found["version"], "--data", str(data))

    assert [(each["model"], each["kind"], each["prices"]) for each in found["models"]] == [
        ("openai/alpha", "changed", [{"rate": "standard input", "old": "1.25", "new": "1.5"}])
    ]
    assert shown.returncode == 1
    assert "standard input: 1.25 -> 1.5" in shown.stdout
    assert (data / "catalogue-versions" / "active").read_text(encoding="utf-8") == "first\n"


@pytest.mark.parametrize(
    ("models", "why"),
    [
        ({"alpha": {"input_mtok": 4, "output_mtok": 10}, "beta": {"input_mtok": 2, "output_mtok": 4}}, "1.25 to 4"),
        ({"alpha": {"input_mtok": 0, "output_mtok": 10}, "beta": {"input_mtok": 2, "output_mtok": 4}}, "1.25 to 0"),
        ({"alpha": {"input_mtok": 1.25}, "beta": {"input_mtok": 2, "output_mtok": 4}}, "standard output 0: no price"),
        ({"beta": {"input_mtok": 2, "output_mtok": 4}}, "the model is gone"),
    ],
)
def test_a_large_change_waits_for_somebody_to_approve_it(
    data: Path, tmp_path: Path, models: dict[str, Any], why: str
) -> None:
    file = upstream(tmp_path, **models)

    refused = costspan("prices", "sync", "--from", str(file), "--data", str(data))
    approved = costspan("prices", "sync", "--from", str(file), "--approve", "openai/alpha", "--data", str(data))

    assert refused.returncode == 1
    assert f"openai/alpha  [needs approval: {why}" in refused.stdout.replace("standard input: ", "")
    assert "Nothing was archived." in refused.stdout
    assert approved.returncode == 0
    assert len(list((data / "catalogue-versions").glob("*/index.toml"))) == 2


def test_a_candidate_that_breaks_a_rule_is_never_archived(data: Path, tmp_path: Path) -> None:
    file = upstream(
        tmp_path,
        alpha={"input_mtok": 1.25, "output_mtok": 10, "cache_read_mtok": 2},
        beta={"input_mtok": 2, "output_mtok": 4},
    )

    done = costspan("prices", "sync", "--from", str(file), "--approve", "openai/alpha", "--data", str(data))

    assert done.returncode == 1
    assert "cached input 2 costs more than input 1.25" in done.stdout


def test_an_activated_version_prices_the_ledger_and_built_in_comes_back(tmp_path: Path) -> None:
    folder = tmp_path / "ledger"
    made = costspan("demo", "--once", "--days", "1", "--calls-per-day", "300", "--data", str(folder))
    file = upstream(tmp_path, **{"gpt-5.4": {"input_mtok": 3, "output_mtok": 15}})
    write_catalogue(providers_of_file(file), folder / "catalogue-versions" / "small", **SOURCE)
    same = document("reprice", "--dry-run", "--data", str(folder))

    document("prices", "activate", "small", "--data", str(folder))
    changed = document("reprice", "--dry-run", "--data", str(folder))
    document("prices", "activate", "built-in", "--data", str(folder))
    again = document("reprice", "--dry-run", "--data", str(folder))

    assert made.returncode == 0, made.stderr
    # The demo leaves a rebate to be applied; it is what changes where the catalogue is the same.
    assert same["total"] == again["total"]
    assert same["changed_entries"] == again["changed_entries"] < changed["changed_entries"]
    assert changed["total"]["newly_unpriced_calls"] > 50
    assert changed["total"]["difference_usd"].startswith("-")


def test_a_version_that_is_not_there_is_refused_by_name(data: Path) -> None:
    done = costspan("prices", "activate", "../../elsewhere", "--data", str(data))

    assert done.returncode == 2
    assert "there is no version '../../elsewhere'; there are built-in, first" in done.stderr


@pytest.mark.parametrize("text", ["{}", "[1]", "nonsense", '[{"id": "x"}]'])
def test_a_file_that_is_no_price_data_is_refused(data: Path, tmp_path: Path, text: str) -> None:
    file = tmp_path / "wrong.json"
    file.write_text(text, encoding="utf-8")

    done = costspan("prices", "sync", "--from", str(file), "--data", str(data))

    assert done.returncode == 2
    assert "not price data of genai-prices (v2)" in done.stderr


def test_the_installed_package_makes_the_built_in_catalogue(tmp_path: Path) -> None:
    found = document("prices", "sync", "--released", "2026-11-10", "--data", str(tmp_path))

    assert (found["models"], found["broken"], found["needs_approval"]) == ([], [], [])


def test_every_rate_is_exported_for_other_programs() -> None:
    [header, *rows] = csv.reader(costspan("prices", "export", "--format", "csv").stdout.splitlines())
    o3 = [dict(zip(header, row, strict=True)) for row in rows if row[:2] == ["openai", "o3"] and row[2] == "standard"]

    assert len(rows) > 5_000
    assert ("2025-06-10T00:00:00Z", "output", "8", "1000000") in [
        (each["valid_from"], each["unit"], each["price_usd"], each["per"]) for each in o3
    ]
    assert json.loads(costspan("prices", "export").stdout)["rates"]
