"""What mkdocs is told beyond mkdocs.yml: pages from lists, documents from outside `docs/`, links among all of them."""

from __future__ import annotations

import os
import re
from pathlib import Path, PurePosixPath
from typing import Final

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from tools.reference import PAGES

ROOT: Final = Path(__file__).parents[1]
HOUSE: Final = {
    "ARCHITECTURE.md": "house/architecture.md",
    "CONTRIBUTING.md": "house/contributing.md",
    "CHANGELOG.md": "changes.md",
    "SECURITY.md": "security.md",
    "examples/README.md": "how-to/examples.md",
}
"""Document at its usual place in the repository -> its place in the site."""
_PLACES: Final = {place: document for document, place in HOUSE.items()}
_LINK: Final = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)")
_FENCE: Final = re.compile(r"(^```.*?^```)", re.MULTILINE | re.DOTALL)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that do not stand in `docs/`."""
    for place, document in _PLACES.items():
        files.append(File.generated(config, place, content=(ROOT / document).read_text(encoding="utf-8")))
    for place, page in PAGES.items():
        files.append(File.generated(config, place, content=page()))
    return files


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    """Let links that are right in the repository be right in the site; of what is not in it, only the words stay."""
    place = page.file.src_uri
    if place in PAGES:
        return markdown
    document = PurePosixPath(_PLACES.get(place, f"docs/{place}"))
    pieces = _FENCE.split(markdown)
    return "".join(piece if piece.startswith("```") else _relinked(piece, document, place) for piece in pieces)


def _relinked(text: str, document: PurePosixPath, place: str) -> str:
    def relink(found: re.Match[str]) -> str:
        mark, words, target = found.groups()
        path, _, anchor = target.partition("#")
        if "://" in target or not path or path.startswith("mailto:"):
            return found[0]
        meant = os.path.normpath(document.parent / path)
        there = HOUSE.get(meant) or (meant.removeprefix("docs/") if meant.startswith("docs/") else None)
        if there is None:
            return words if "`" in words else f"{words} (`{meant}`)"
        relative = os.path.relpath(there, PurePosixPath(place).parent)
        return f"{mark}[{words}]({relative}{'#' if anchor else ''}{anchor})"

    return _LINK.sub(relink, text)
