"""Lock files say what is installed and by which hash, never from where: that is the installer's setting."""

from __future__ import annotations

import json
import re

import pytest

from .sources import ROOT

ADDRESS = re.compile(r"\w+://|--(?:extra-)?index-url|--find-links|--trusted-host")
PINNED = re.compile(r"^[A-Za-z0-9][\w.-]*==[^\s;]+")


@pytest.mark.parametrize("name", ["constraints.txt", "tools/bootstrap.txt"])
def test_a_python_lock_names_no_registry(name: str):
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()

    assert [line for line in lines if ADDRESS.search(line)] == []


@pytest.mark.parametrize("name", ["constraints.txt", "tools/bootstrap.txt"])
def test_a_python_lock_pins_every_line_to_a_version_and_a_hash(name: str):
    text = (ROOT / name).read_text(encoding="utf-8").replace("\\\n", " ")
    requirements = [line for line in text.splitlines() if line.strip()]

    assert requirements
    assert [line for line in requirements if not PINNED.match(line) or "--hash=sha256:" not in line] == []


@pytest.mark.parametrize("folder", ["ui", "examples/node"])
def test_a_node_lock_names_no_registry(folder: str):
    lock = json.loads((ROOT / folder / "package-lock.json").read_text(encoding="utf-8"))

    assert [name for name, package in lock["packages"].items() if "resolved" in package] == []


@pytest.mark.parametrize("folder", ["ui", "examples/node"])
def test_a_node_lock_has_a_hash_for_every_package(folder: str):
    lock = json.loads((ROOT / folder / "package-lock.json").read_text(encoding="utf-8"))
    installed = {name: package for name, package in lock["packages"].items() if name}

    assert installed
    # A package bundled inside another has that one's hash.
    assert [name for name, each in installed.items() if "integrity" not in each and not each.get("inBundle")] == []
