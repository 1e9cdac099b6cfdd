"""An entry is added to somebody's costspan.yaml: what they wrote stays, and nothing broken is ever written."""

from __future__ import annotations

from pathlib import Path

import pytest

from costspan.core.errors import ConfigError
from costspan.pricing.overlay_append import append_overlay

ENTRY = {"provider": "azure", "model": "my-deployment", "alias_of": "openai/gpt-5"}
LINE = '{provider: "azure", model: "my-deployment", alias_of: "openai/gpt-5"}'
BLOCK = """prices:
    - provider: openai
      model: gpt-5
      input: "1"
      modes:
        batch: x0.5
"""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", f"prices:\n  - {LINE}\n"),
        ("# only a comment\n", f"# only a comment\nprices:\n  - {LINE}\n"),
        ("closed_until: 2026-09", f"closed_until: 2026-09\nprices:\n  - {LINE}\n"),
        ("prices:   # ours\n# below\n", f"prices:   # ours\n  - {LINE}\n# below\n"),
        ("prices: []\n", f"prices: [{LINE}]\n"),
        (
            "prices: [{provider: ollama, model: a, free: true}] # all\n",
            f"prices: [{{provider: ollama, model: a, free: true}}, {LINE}] # all\n",
        ),
        (
            "prices:\n- {provider: ollama, model: a, free: true}  # one\n\n# two\nclosed_until: 2026-09\n",
            f"prices:\n- {{provider: ollama, model: a, free: true}}  # one\n- {LINE}\n\n# two\nclosed_until: 2026-09\n",
        ),
        (f"{BLOCK}# end\n", f"{BLOCK}    - {LINE}\n# end\n"),
    ],
)
def test_the_entry_follows_the_others_and_comments_stay(tmp_path: Path, before: str, after: str) -> None:
    file = tmp_path / "costspan.yaml"
    file.write_text(before, encoding="utf-8")

    append_overlay(file, ENTRY)

    assert file.read_text(encoding="utf-8") == after


def test_a_file_that_is_not_there_is_made(tmp_path: Path) -> None:
    append_overlay(tmp_path / "costspan.yaml", ENTRY)

    assert (tmp_path / "costspan.yaml").read_text(encoding="utf-8") == f"prices:\n  - {LINE}\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("prices: everything\n", "prices"),
        ("prices: [\n", "not YAML"),
        ("- a list\n", "a mapping of settings is expected"),
        ('prices:\n  - {provider: openai, model: gpt-5, input: "dear"}\n', "costspan.yaml:2: .*input"),
        ("prices:\n  - {provider: azure, model: my-deployment, alias_of: openai/gpt-4o}\n", "overlap"),
    ],
)
def test_what_cannot_take_the_entry_stays_as_it_is(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "costspan.yaml"
    file.write_text(text, encoding="utf-8")

    with pytest.raises(ConfigError, match=said):
        append_overlay(file, ENTRY)

    assert file.read_text(encoding="utf-8") == text
    assert [path.name for path in tmp_path.iterdir()] == ["costspan.yaml"]


@pytest.mark.parametrize("model", ['say "hi"', "a: b # c", "- ünïcode/模型", "back\\slash"])
def test_any_name_of_a_model_is_written_so_that_it_reads_back(tmp_path: Path, model: str) -> None:
    file = tmp_path / "costspan.yaml"
    append_overlay(file, ENTRY | {"model": model})

    append_overlay(file, ENTRY)

    assert len(file.read_text(encoding="utf-8").splitlines()) == 3
