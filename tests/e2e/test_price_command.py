"""`costspan price` and `costspan prices`, and `costspan.price` in Python, as a user meets them in a bare install."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import costspan
from costspan.cli.main import main
from costspan.core.errors import UsageError
from costspan.core.money import usd_text

SOURCE = Path(__file__).resolve().parents[2] / "src"


@pytest.fixture(autouse=True)
def _no_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COSTSPAN_CONFIG", raising=False)


def said(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    code = main(list(words))
    captured = capsys.readouterr()
    return code, captured.out + captured.err


def document(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    _, text = said(capsys, *words, "--json")
    read: dict[str, Any] = json.loads(text)
    return read


@pytest.mark.parametrize(("day", "usd"), [("2024-06-01", "5"), ("2026-11-01", "2.5")])
def test_a_price_is_that_of_its_day(capsys: pytest.CaptureFixture[str], day: str, usd: str) -> None:
    assert document(capsys, "price", "gpt-4o", "--input", "1000000", "--at", day)["cost_usd"] == usd


def test_the_document_has_exactly_the_promised_keys(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["price", "gpt-4o", "--input", "5", "--web-search", "3", "--at", "2026-11-01"]
    assert document(capsys, *words) == {
        "provider": "openai",
        "model": "gpt-4o",
        "price_status": "priced",
        "cost_usd": "0.0300125",
        "charges": [
            {"unit": "input", "quantity": 5, "rate_usd_per_million": "2.5", "cost_usd": "0.0000125"},
            {"unit": "web_search", "quantity": 3, "rate_usd": "0.01", "cost_usd": "0.03"},
        ],
        "rate_id": "openai/gpt-4o/standard/2024-10-02",
        "matched_by": "literal gpt-4o, provider inferred from the model name",
        "valid_from": "2024-10-02T00:00:00Z",
        "valid_to": None,
        "source": "genai-prices 0.2.3",
        "checked": "2026-11-10",
    }


def test_the_words_say_the_rate_why_it_matched_its_source_and_date(capsys: pytest.CaptureFixture[str]) -> None:
    code, text = said(capsys, "price", "claude-haiku-4-5-20251001", "--cache-write", "1000000", "--at", "2026-11-01")
    assert code == 0
    assert text.splitlines() == [
        "claude-haiku-4-5 at anthropic, standard, 2026-11-01T00:00:00Z",
        "  cache_write_5m   1.25 USD = 1,000,000 at 1.25 a million",
        "  total            1.25 USD (priced)",
        "  rate             anthropic/claude-haiku-4-5/standard/always, from the beginning on",
        "  matched by       prefix claude-haiku-4-5, provider inferred from the model name",
        "  source           genai-prices 0.2.3, checked 2026-11-10 (built-in)",
    ]


def test_an_unknown_model_is_unpriced_with_near_names_and_exit_code_1(capsys: pytest.CaptureFixture[str]) -> None:
    code, text = said(capsys, "price", "gpt-4oo", "--provider", "openai", "--input", "1")
    assert code == 1
    assert text.startswith("unpriced: gpt-4oo (no price list of openai has a model 'gpt-4oo')")
    assert "nearest known names: gpt-4o" in text
    assert document(capsys, "price", "gpt-4oo", "--provider", "openai")["cost_usd"] is None


@pytest.mark.parametrize("words", [["--at", "someday"], ["--config", "/nowhere/costspan.yaml"]])
def test_wrong_usage_is_exit_code_2(capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    code, text = said(capsys, "price", "gpt-4o", *words)
    assert (code, text.startswith("costspan: ")) == (2, True)


def test_an_overlay_of_the_configuration_is_used(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "costspan.yaml"
    config.write_text('prices:\n  - {provider: openai, model: gpt-5, from: 2026-07-01, input: "1.00"}\n')
    monkeypatch.setenv("COSTSPAN_CONFIG", str(config))
    words = ["price", "gpt-5", "--input", "1000000", "--at"]
    assert [document(capsys, *words, day)["cost_usd"] for day in ("2026-06-30", "2026-07-01")] == ["1.25", "1"]


def test_a_wrong_overlay_is_refused_with_file_line_and_key(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    config = tmp_path / "costspan.yaml"
    config.write_text(
        'alerts: []\nprices:\n  - {provider: openai, model: gpt-5, input: "1"}\n  - {provider: x, modle: y}\n'
    )
    code, text = said(capsys, "price", "gpt-5", "--config", str(config))
    assert code == 2
    assert text.startswith(f"costspan: {config}:4: prices[1] (x/None): unknown key modle; known are ")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("prices: {provider: openai}\n", ":1: prices: a list of entries"),
        ("\nprices:\n  - openai\n", ":3: prices: a list of entries"),
        ("prices: [\n", ":2: "),
    ],
)
def test_a_configuration_that_is_no_list_of_prices_is_refused_with_its_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, text: str, complaint: str
) -> None:
    config = tmp_path / "costspan.yaml"
    config.write_text(text)
    code, answer = said(capsys, "price", "gpt-5", "--config", str(config))
    assert (code, answer.startswith(f"costspan: {config}{complaint}")) == (2, True)


def test_the_catalogue_can_be_listed_and_checked(capsys: pytest.CaptureFixture[str]) -> None:
    rates = document(capsys, "prices", "list", "--provider", "aws.bedrock", "--model", "nova-pro")["rates"]
    assert {"input": ["0.8"], "cache_read": ["0.2"], "output": ["3.2"]} in [rate["prices"] for rate in rates]
    assert said(capsys, "prices", "check")[0] == 0
    assert document(capsys, "prices", "check")["errors"] == 0


def bare(*words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    return subprocess.run([sys.executable, *words], capture_output=True, text=True, env=environment, check=False)


def test_the_command_runs_as_a_process() -> None:
    done = bare("-m", "costspan.cli.main", "price", "gpt-5", "--input", "1000", "--output", "200", "--json")
    assert (done.returncode, json.loads(done.stdout)["cost_usd"], done.stderr) == (0, "0.00325", "")


def test_pricing_loads_nothing_but_the_standard_library() -> None:
    program = (
        "import sys; before = set(sys.modules); import costspan; costspan.price('gpt-5', input_tokens=1);"
        "loaded = {name.partition('.')[0] for name in set(sys.modules) - before};"
        "print(sorted(loaded - set(sys.stdlib_module_names) - {'costspan'}))"
    )
    # -S leaves site-packages out altogether: an import of anything else would fail.
    done = bare("-S", "-c", program)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


def test_price_answers_in_python_with_disjoint_quantities() -> None:
    found = costspan.price(
        "gpt-5", input_tokens=1_000, cache_read_tokens=1_000, output_tokens=100, reasoning_tokens=100
    )
    assert (found.status, usd_text(found.cost or 0)) == ("priced", "0.003375")
    past = costspan.price("gpt-4o", input=1_000_000, at=datetime(2024, 6, 1, tzinfo=UTC))
    assert usd_text(past.cost or 0) == "5"


def test_price_refuses_a_quantity_it_does_not_know() -> None:
    with pytest.raises(UsageError, match=r"price\(\) does not know 'prompt_tokens'; quantities are input_tokens"):
        costspan.price("gpt-5", prompt_tokens=5)
    with pytest.raises(UsageError, match="input_tokens is a whole number of units, not -1"):
        costspan.price("gpt-5", input_tokens=-1)
