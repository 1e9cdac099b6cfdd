"""The picture of the house shows the rooms there are, in no more lines than people read."""

from __future__ import annotations

import re

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
