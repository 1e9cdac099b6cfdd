"""Which files the house rules look at."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "costspan"

_CODE = ("src", "tests", "tools", "benchmarks", "examples", "ui/src")
_CODE_SUFFIXES = {".py", ".ts", ".tsx", ".css", ".sql", ".sh"}
_TEXT = (*_CODE, "docs", ".ci", "ui")
_MADE = {"__pycache__", "node_modules", "static", "results", ".vite"}
_OF_TOOLS = {".git", ".coverage"}
"""Files at the top that tools keep: in a second work tree `.git` is a file that names a folder of the machine."""
_BINARY = {".png", ".woff2", ".ico", ".gz", ".bin", ".zst"}


def code_files() -> list[Path]:
    """Return every source file that people write, tests among them."""
    found = [path for top in _CODE for path in _under(ROOT / top) if path.suffix in _CODE_SUFFIXES]
    return [*found, *ROOT.glob("*.py")]


def python_files() -> list[Path]:
    """Return the Python files among them."""
    return [path for path in code_files() if path.suffix == ".py"]


def text_files() -> list[Path]:
    """Return every text file of the repository, documents and settings included."""
    found = {path for top in _TEXT for path in _under(ROOT / top) if path.suffix not in _BINARY}
    return sorted(found | {path for path in ROOT.iterdir() if path.is_file() and path.name not in _OF_TOOLS})


def name_of(path: Path) -> str:
    """Return a path as people write it: relative to the repository, with slashes."""
    return path.relative_to(ROOT).as_posix()


def _under(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.is_dir() and path.name not in _MADE:
            yield from _under(path)
        elif path.is_file():
            yield path
