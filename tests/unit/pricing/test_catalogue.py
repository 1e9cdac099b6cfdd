"""The catalogue as data: it obeys its rules, is made by the script, and wrong rows are caught."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from costspan.core.errors import ConfigError
from costspan.pricing.catalogue_file import read_list
from costspan.pricing.check import check_catalogue, check_entry
from costspan.pricing.load import CATALOGUE, INDEX
from costspan.pricing.rate_card import Layer

NOW = datetime(2026, 11, 20, tzinfo=UTC)
ROOT = Path(__file__).resolve().parents[3]


def findings(folder: Path, text: str) -> list[str]:
    path = folder / "acme.toml"
    path.write_text('source = "page"\nchecked = 2026-11-20\n[[models]]\nid = "m"\n' + text, encoding="utf-8")
    entries = read_list(path, Layer.PATCH).entries
    return [found.text for entry in entries for found in check_entry(entry, NOW) if found.error]


def test_the_catalogue_and_its_patches_obey_every_rule() -> None:
    assert [found for found in check_catalogue(NOW) if found.error] == []


def test_prices_that_start_in_future_are_listed() -> None:
    notes = [found.text for found in check_catalogue(NOW) if not found.error and "gemini-4-argon" in found.place]
    assert notes == ["standard price starts in future, on 2026-12-01", "batch price starts in future, on 2026-12-01"]


def test_the_script_writes_the_catalogue_byte_for_byte(tmp_path: Path) -> None:
    released = tomllib.loads((CATALOGUE / "openai.toml").read_text(encoding="utf-8"))["checked"]
    script = ROOT / "tools" / "flatten_genai_prices.py"
    subprocess.run([sys.executable, script, "--released", str(released), "--into", tmp_path], check=True)
    written = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert written == {path.name: path.read_bytes() for path in CATALOGUE.iterdir()}
    assert INDEX in written


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('rates = [{ input = "2500", output = "10" }]', "input price 2500 is outside 0.0005 to 1000: a slip of unit?"),
        ('rates = [{ input = "1", cache_read = "2" }]', "cached input 2 costs more than input 1"),
        ('rates = [{ input = "1" }, { mode = "batch", input = "2" }]', "batch input 2 costs more than standard 1"),
        ('rates = [{ input = "1", from = 2026-01-01 }, { input = "2" }]', "two standard rates hold at the same time"),
        ("rates = [{ from = 2026-01-01 }]", "a rate without prices"),
        ('rates = [{ input = "1", source = "" }]', "a rate without source or without the date it was checked"),
    ],
)
def test_a_slip_in_a_price_file_is_found(tmp_path: Path, text: str, complaint: str) -> None:
    assert findings(tmp_path, text) == [complaint]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('rates = [{ inptu = "1" }]', "acme.toml: m: unknown key inptu"),
        ("rates = [{ input = 1.5 }]", "acme.toml: m: input: write the price as text"),
        ('rates = [{ input = "1", over_input_tokens = [2, 1] }]', "acme.toml: m: over_input_tokens"),
        ('rates = [{ input = ["1"], over_input_tokens = [9] }]', "acme.toml: m: input: 1 prices for 2 context bands"),
        ('rates = [{ input = "1", hours = "1-4" }]', "acme.toml: m: hours are written"),
        ("rates = [", "acme.toml: "),
    ],
)
def test_a_price_file_that_cannot_be_read_names_file_model_and_key(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        findings(tmp_path, text)
