"""The picture of the house shows the rooms there are, in no more lines than people read."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from .markdown import ROOT, blocks, text

DOCUMENT = ROOT / "ARCHITECTURE.md"
PACKAGE = ROOT / "src" / "costspan"
PICTURE = blocks(DOCUMENT, "text")[0]


def test_every_room_is_in_the_picture():
    rooms = {path.parent.name for path in [*PACKAGE.glob("*/__init__.py"), *PACKAGE.glob("server/*/__init__.py")]}

    assert {room for room in rooms if f"{room}/" not in PICTURE} == set()


def test_the_picture_shows_no_room_that_is_not_there():
    drawn = set(re.findall(r"[─ ] ([a-z]+)/ ", PICTURE)) - {"src", "costspan"}
    folders = {path.name for path in PACKAGE.rglob("*") if path.is_dir()}

    assert drawn - folders == set()


def test_the_document_stays_within_200_lines():
    assert len(text(DOCUMENT).splitlines()) <= 200


def test_contributing_stays_within_120_lines():
    assert len(text(ROOT / "CONTRIBUTING.md").splitlines()) <= 120


WALK = re.compile(r"\[(?:`[^`]*`, )?`([\w.]+)`\]\((src/[\w/.]+)#L(\d+)\)")
NEAR_LINES = 25
"""So far a definition may move before its link is wrong: a reader still sees it on the screen."""


def test_the_walk_of_a_record_leads_to_where_each_step_is_defined():
    section = text(DOCUMENT).partition("## The walk of one record")[2].partition("\n## ")[0]
    steps = WALK.findall(section)

    assert len(steps) > 10
    assert section.count("#L") == len(steps)
    assert [(name, path, line) for name, path, line in steps if abs(_line(path, name) - int(line)) > NEAR_LINES] == []


_DEFINES = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def _line(path: str, symbol: str) -> int:
    """Return the line where `Class.method` or a function is defined."""
    body: list[ast.stmt] = ast.parse((ROOT / path).read_text(encoding="utf-8")).body
    line = 0
    for name in symbol.removeprefix(f"{Path(path).stem}.").split("."):
        [found] = [node for node in body if isinstance(node, _DEFINES) and node.name == name]
        body, line = found.body, found.lineno
    return line
