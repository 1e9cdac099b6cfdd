"""docs/recipes.md, followed to the letter in a copy of the house: files written, lines put in, commands run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .markdown import ROOT, Block, fenced, text

PAGE = ROOT / "docs/recipes.md"
COPIED = ("src", "pyproject.toml", "docs/dialects.md", "tests/unit/semconv/dialects")
TRIAL = "trial"


def recipes() -> dict[str, list[Block]]:
    """Return the blocks under each heading."""
    found: dict[str, list[Block]] = {}
    waiting = iter(fenced(PAGE))
    for section in text(PAGE).split("\n## ")[1:]:
        blocks = [next(waiting) for _ in range(section.count("\n```") // 2)]
        found[section.partition("\n")[0]] = blocks
    return found


RECIPES = recipes()


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy in which the recipes are followed one after the other, as one person would."""
    folder = tmp_path_factory.mktemp("house")
    left_out = shutil.ignore_patterns("__pycache__", "static")
    for name in COPIED:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=left_out)
        else:
            shutil.copy(ROOT / name, folder / name)
    return folder


def follow(block: Block, house: Path) -> None:
    """Write a file, change one, or run commands, as the block says."""
    file = house / block.title
    if block.language == "diff":
        lines = block.body.splitlines()
        before = "\n".join(line[1:] for line in lines if not line.startswith("+"))
        after = "\n".join(line[1:] for line in lines if not line.startswith("-"))
        assert file.read_text("utf-8").count(before) == 1, f"{block.title}: {before}"
        file.write_text(file.read_text("utf-8").replace(before, after), "utf-8")
    elif block.title:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(block.body, "utf-8")
    else:
        done = run(house, "bash", "-euo", "pipefail", "-c", block.body)
        assert done.returncode == 0, f"{block.body}\n{done.stdout}\n{done.stderr}"


def run(house: Path, *command: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a command in the folder of work, with the copy's `costspan` first on the path."""
    programs = house / "bin"
    programs.mkdir(exist_ok=True)
    (programs / "costspan").write_text(f'#!/bin/sh\nexec {sys.executable} -m costspan.cli "$@"\n', "utf-8")
    (programs / "costspan").chmod(0o755)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COSTSPAN_")}
    paths = os.pathsep.join([str(programs), str(Path(sys.executable).parent), os.environ["PATH"]])
    variables = {**kept, "PATH": paths, "PYTHONPATH": str(house / "src"), "COSTSPAN_URL": "http://127.0.0.1:9"}
    return subprocess.run(
        command, cwd=house / TRIAL, env=variables, capture_output=True, text=True, timeout=180, check=False
    )


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_does_what_it_says(name: str, house: Path) -> None:
    (house / TRIAL).mkdir(exist_ok=True)
    assert RECIPES[name][-1].language == "sh"
    for block in RECIPES[name]:
        follow(block, house)


def test_what_the_recipes_added_keeps_to_the_house(house: Path) -> None:
    checked = run(house, sys.executable, "-m", "ruff", "check", "--no-cache", "../src")
    assert checked.returncode == 0, checked.stdout
    lint = "from importlinter.cli import lint_imports; raise SystemExit(lint_imports(no_cache=True))"
    done = run(house, sys.executable, "-c", f"import os; os.chdir('..'); {lint}")
    assert done.returncode == 0, done.stdout


def test_there_is_a_recipe_for_each_kind() -> None:
    assert [*RECIPES] == ["A dialect", "A price, a provider", "A notifier", "A source of bills", "A store"]
