"""What the README tells a newcomer to type is there."""

from __future__ import annotations

import ast
import os
import re
import subprocess

import costspan

from .markdown import ROOT, blocks, code, documents

README = ROOT / "README.md"
MAX_README_LINES = 120


def test_the_python_of_the_readme_compiles():
    assert [ast.parse(block) for block in blocks(README, "python")]


def test_the_python_of_the_readme_uses_public_names_only():
    used = {
        node.attr
        for block in blocks(README, "python")
        for node in ast.walk(ast.parse(block))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "costspan"
    }

    assert used
    assert used - set(costspan.__all__) == set()


def test_every_make_target_that_a_document_names_exists():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = {
        name for path in documents() for line in code(path) for name in re.findall(r"(?:^|[ &;(])make ([a-z]+)", line)
    }

    assert {"demo", "test"} <= named
    assert named - targets == set()


def test_chosen_tests_bring_no_browser_to_the_machine():
    def asked_for(*words: str) -> str:
        path = {"PATH": os.environ["PATH"]}
        command = ["make", "-n", "test", *words]
        return subprocess.run(command, cwd=ROOT, env=path, capture_output=True, text=True, check=True).stdout

    assert "install_chromium" in asked_for()
    assert "install_chromium" not in asked_for("ARGS=tests/unit")


def test_the_readme_stays_on_one_screen():
    assert len(README.read_text(encoding="utf-8").splitlines()) <= MAX_README_LINES
