"""Tables, on a terminal and in a document."""

from __future__ import annotations

from collections.abc import Sequence

Table = Sequence[Sequence[str]]


def plain(table: Table) -> str:
    """Return a table in columns."""
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in table)
    return "\n".join(line.rstrip() for line in lines)


def markdown(table: Table) -> str:
    """Return a table for a document."""
    head, *body = ("| " + " | ".join(row) + " |" for row in table)
    return "\n".join([head, "|" + "---|" * len(table[0]), *body])
