"""What the documents show as code runs, or says above itself why it is not run here."""

from __future__ import annotations

import json
import re
import shlex
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from costspan.cli.config import settings_schema
from costspan.cli.importers.field_map import read_field_maps
from costspan.cli.main import COMMANDS
from costspan.server.config import KNOWN_KEYS, read_settings

from .desk import Desk, desk
from .markdown import Block, code, documents, fenced, name_in_repository

FOLLOWED = "docs/recipes.md"
"""What `test_recipes` follows as a whole."""
BLOCKS = [block for path in documents() if name_in_repository(path) != FOLLOWED for block in fenced(path)]
RUN = {"python", "sh", "yaml", "json", "toml"}
SHOWN = {"text", "console"}
"""What a terminal or a picture shows; the commands in it are checked as words."""
COMMAND = re.compile(r"(?:^|[\s$(&;|`])(costspan [a-z]+[^|>&;#`]*)")
NAMED = ("${NAME}", "$(")


def run_here(*languages: str) -> dict[str, list[Block]]:
    """Return the blocks of a language that are run, by page."""
    pages: dict[str, list[Block]] = {}
    for block in BLOCKS:
        if block.language in languages and not block.not_run:
            pages.setdefault(block.page, []).append(block)
    return pages


PYTHON, SHELL, YAML = run_here("python"), run_here("sh"), run_here("yaml")
DATA = [block for block in BLOCKS if block.language in {"json", "toml"}]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """One desk for all pages."""
    with desk(tmp_path_factory.mktemp("desk")) as laid:
        yield laid


def test_every_block_runs_or_says_why_it_does_not() -> None:
    assert [b for b in BLOCKS if b.language not in RUN | SHOWN and not b.not_run] == []
    assert {"docs/sdk.md", "docs/budgets.md", "docs/how-to/openai.md", "README.md"} <= set(PYTHON)


@pytest.mark.parametrize("page", PYTHON)
def test_the_python_of_a_page_runs_and_each_of_its_calls_is_in_the_ledger(page: str, place: Desk) -> None:
    made, known = len(place.provider.requests), place.calls()
    program = place.folder / "page.py"
    program.write_text("\n".join(block.body for block in PYTHON[page]), "utf-8")
    done = place.run(sys.executable, "-W", "error::DeprecationWarning:__main__", program)
    assert done.returncode == 0, done.stderr
    assert {request.status for request in place.provider.requests[made:]} <= {200}
    by_hand = program.read_text("utf-8").count("costspan.track(")
    assert place.calls() - known == len(place.provider.requests) - made + by_hand


@pytest.mark.parametrize("page", SHELL)
def test_the_commands_of_a_page_run(page: str, place: Desk) -> None:
    for block in SHELL[page]:
        done = place.run("bash", "-euo", "pipefail", "-c", block.body)
        assert done.returncode == 0, f"{block.body}\n{done.stdout}\n{done.stderr}"


@pytest.mark.parametrize(("page", "place_in_page"), [(p, n) for p, found in YAML.items() for n in range(len(found))])
def test_settings_on_a_page_are_taken(
    page: str, place_in_page: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = YAML[page][place_in_page].body
    for name in re.findall(r"\$\{(\w+)\}", body):
        monkeypatch.setenv(name, "https://example.com/hook")
    document: dict[str, Any] = yaml.safe_load(body)
    file = tmp_path / "costspan.yaml"
    if "fields" in document:
        file.write_text(body, "utf-8")
        assert len(read_field_maps(file)) == 1
        return
    assert set(document) <= set(KNOWN_KEYS)
    jsonschema.validate(document, settings_schema())
    told = {name for rule in (*document.get("alerts", ()), *document.get("budgets", ())) for name in _names(rule)}
    others = {name: {"webhook": "https://example.com"} for name in told - set(document.get("notifiers", {}))}
    file.write_text(yaml.safe_dump(document | {"notifiers": document.get("notifiers", {}) | others}), "utf-8")
    read_settings(file)


@pytest.mark.parametrize("block", DATA, ids=lambda block: f"{block.page}-{block.language}")
def test_data_on_a_page_can_be_read(block: Block) -> None:
    assert (json.loads if block.language == "json" else tomllib.loads)(block.body)


def test_documents_give_commands_no_option_that_is_not_there() -> None:
    unknown = [
        f"{name_in_repository(path)}: {said}"
        for path in documents()
        for line in code(path)
        for said in COMMAND.findall(line)
        if (words := _words(said))[1] in COMMANDS
        for option in words[2 : words.index("--") if "--" in words else None]
        if option.startswith("--") and option.partition("=")[0] not in options(words[1])
    ]
    assert unknown == []


@cache
def options(command: str) -> frozenset[str]:
    """Return every option of a command and of its actions, as its help names them."""
    from tools.reference.commands import parser_of

    waiting, found = [parser_of(command)], {"--help"}
    while waiting:
        for action in waiting.pop()._actions:
            found.update(action.option_strings)
            waiting += action.choices.values() if hasattr(action.choices, "values") else []
    return frozenset(found)


def _names(rule: dict[str, Any]) -> list[str]:
    said = rule.get("notify", [])
    return [said] if isinstance(said, str) else said


def _words(said: str) -> list[str]:
    try:
        return shlex.split(said)
    except ValueError:
        return said.split()
