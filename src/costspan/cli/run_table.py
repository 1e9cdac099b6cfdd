"""The table `costspan run` ends with: calls, tokens and cost by model, from the lines the program's processes left."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from costspan.core.money import usd_from_pico

_HEAD: Final = ("model", "calls", "input", "cached", "output", "cost")
_NOTHING_SEEN: Final = "costspan: no model call was seen (costspan doctor says what is instrumented)"


@dataclass(slots=True)
class Row:
    """Totals of one model. `cost_pico_usd` covers the priced calls only; the others are counted beside it."""

    model: str
    calls: int = 0
    failed: int = 0
    unpriced: int = 0
    tokens: dict[str, int] = field(default_factory=lambda: {"input_tokens": 0, "cache_tokens": 0, "output_tokens": 0})
    cost_pico_usd: int = 0

    def add(self, line: dict[str, Any]) -> None:
        """Count one call."""
        self.calls += 1
        self.failed += line["failed"]
        self.unpriced += line["cost_pico_usd"] is None and not line["failed"]
        self.cost_pico_usd += line["cost_pico_usd"] or 0
        for kind in self.tokens:
            self.tokens[kind] += line[kind]


def read_tally(folder: Path) -> list[Row]:
    """Return the totals by model, dearest first. A response that two instrumentations saw counts once."""
    rows: dict[str, Row] = {}
    seen: set[str] = set()
    for line in _lines(sorted(folder.glob("*.jsonl"))):
        response_id = line["response_id"]
        if response_id in seen:
            continue
        if response_id:
            seen.add(response_id)
        rows.setdefault(line["model"], Row(line["model"])).add(line)
    return sorted(rows.values(), key=lambda row: (-row.cost_pico_usd, row.model))


def spans_not_taken(folder: Path) -> int:
    """Return how many spans were under way and acknowledged by nobody when the program had ended."""
    return sum(int(mark.read_text(encoding="utf-8") or 1) for mark in folder.glob("*.waiting"))


def table(rows: Sequence[Row]) -> str:
    """Return the rows as text, with a total where there are several models."""
    if not rows:
        return _NOTHING_SEEN
    cells = [_HEAD, *(_cells(row) for row in rows)]
    if len(rows) > 1:
        cells.append(_cells(_total(rows)))
    widths = [max(len(line[column]) for line in cells) for column in range(len(_HEAD))]
    return "\n".join(
        "  ".join(
            [line[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True))]
        )
        for line in cells
    )


def cost_text(row: Row) -> str:
    """Return a cost as people read it: cents for dollars, two digits that count for less; what is unknown said so."""
    amount = usd_from_pico(row.cost_pico_usd)
    known = f"${amount:,.2f}" if amount >= 1 or not amount else f"${_two_digits(amount):f}"
    if not row.unpriced:
        return known
    return "unpriced" if row.unpriced == row.calls - row.failed else f"{known} + {row.unpriced} unpriced"


def _two_digits(amount: Decimal) -> Decimal:
    return round(amount, max(2, 1 - amount.adjusted()))


def _cells(row: Row) -> tuple[str, ...]:
    calls = f"{row.calls:,} ({row.failed:,} failed)" if row.failed else f"{row.calls:,}"
    return (row.model, calls, *(f"{count:,}" for count in row.tokens.values()), cost_text(row))


def _total(rows: Iterable[Row]) -> Row:
    total = Row("total")
    for row in rows:
        total.calls += row.calls
        total.failed += row.failed
        total.unpriced += row.unpriced
        total.cost_pico_usd += row.cost_pico_usd
        for kind, count in row.tokens.items():
            total.tokens[kind] += count
    return total


def _lines(files: Iterable[Path]) -> Iterator[dict[str, Any]]:
    for file in files:
        for text in file.read_text(encoding="utf-8").splitlines():
            try:
                yield json.loads(text)
            except ValueError:
                continue  # the last line of a process that was killed while it wrote
