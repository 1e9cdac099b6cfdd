"""Markdown tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table; a line break or a bar in a cell does not end it."""
    lines = [_line(heads), _line(["---"] * len(heads)), *(_line(row) for row in rows)]
    return "\n".join(lines) + "\n"


def code(words: Iterable[object]) -> str:
    """Return words as code, one after the other."""
    return ", ".join(f"`{word}`" for word in words)


def _line(cells: Sequence[object]) -> str:
    return "| " + " | ".join(str(cell).replace("\n", " ").replace("|", "\\|") for cell in cells) + " |"
