"""The project's documents, and the parts of them that can be wrong: code, commands, links."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

_BLOCK = re.compile(
    r"^(?:<!-- not run: ([^\n]*) -->\n)?```(\w*)(?: title=\"([^\"\n]*)\")?[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL
)
_FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
_CODE_SPAN = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\]\(([^)\s]+)\)")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block; `not_run` is the reason that stands above it where it is not run, `title` the file it is."""

    page: str
    language: str
    body: str
    not_run: str
    title: str


def documents() -> list[Path]:
    """Return every Markdown file people read on the forge."""
    return sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def text(path: Path) -> str:
    """Return a document."""
    return path.read_text(encoding="utf-8")


def fenced(path: Path) -> list[Block]:
    """Return every fenced block, in order."""
    found = _BLOCK.findall(text(path))
    return [Block(name_in_repository(path), language, body, reason, title) for reason, language, title, body in found]


def blocks(path: Path, language: str) -> list[str]:
    """Return the fenced blocks of one language."""
    return [body for named, body in _FENCE.findall(text(path)) if named == language]


def code(path: Path) -> list[str]:
    """Return everything set as code: each line of the fenced blocks, each code span."""
    fenced = [line for _, body in _FENCE.findall(text(path)) for line in body.splitlines()]
    return fenced + _CODE_SPAN.findall(_FENCE.sub("", text(path)))


def links(path: Path) -> list[str]:
    """Return the targets of the links outside fenced blocks."""
    return _LINK.findall(_FENCE.sub("", text(path)))


def name_in_repository(path: Path) -> str:
    """Return a path as people write it."""
    return path.relative_to(ROOT).as_posix()


def anchors(path: Path) -> set[str]:
    """Return what the headings of a document are linked by."""
    headings = re.findall(r"^#+ (.+)$", _FENCE.sub("", text(path)), re.MULTILINE)
    plain = (re.sub(r"[`*]|\[|\]\([^)]*\)", "", heading).lower() for heading in headings)
    return {re.sub(r"[^\w -]", "", heading).strip().replace(" ", "-") for heading in plain}
