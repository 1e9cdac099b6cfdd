"""Figures as a person reads them, tables, and a progress bar. `rich` where it is installed and a terminal looks on."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from decimal import ROUND_HALF_EVEN, Decimal
from importlib.util import find_spec

UNKNOWN = "–"


def money_text(usd: Decimal | str | None) -> str:
    """Return dollars at the precision a person needs: none above $100, cents above $1, else two significant digits."""
    if usd is None:
        return UNKNOWN
    amount = Decimal(usd)
    size = abs(amount)
    if size == 0:
        return "$0"
    places = 0 if size >= 100 else 2 if size >= 1 else 1 - size.adjusted()
    shown = size.quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN)
    return f"{'-' if amount < 0 else ''}${shown:,f}"


def count_text(count: int | None) -> str:
    """Return a whole number with thousands apart."""
    return UNKNOWN if count is None else f"{count:,}"


def render_table(headers: Sequence[str], rows: Sequence[Sequence[str]], *, words: int) -> str:
    """Return rows as aligned plain text: the first `words` columns to the left, figures to the right."""
    widths = [max(len(row[column]) for row in [headers, *rows]) for column in range(len(headers))]
    lines = [headers, ["-" * width for width in widths], *rows]
    return "\n".join(_line(line, widths, words) for line in lines)


def print_table(headers: Sequence[str], rows: Sequence[Sequence[str]], total: Sequence[str], *, words: int) -> None:
    """Print rows and their total on stdout."""
    if not sys.stdout.isatty() or not find_spec("rich"):
        print(render_table(headers, [*rows, total], words=words))
        return
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, show_footer=True)
    for column, header in enumerate(headers):
        table.add_column(header, footer=total[column], justify="left" if column < words else "right")
    for row in rows:
        table.add_row(*row)
    Console().print(table)


@contextmanager
def progress_bar(label: str, total: float) -> Iterator[Callable[[float], None]]:
    """Show how far long work has come, on a terminal only; yields the function that takes how much is done."""
    if not sys.stderr.isatty() or not find_spec("rich"):
        yield lambda _done: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(label, total=total)
        yield lambda done: progress.update(task, completed=done)


def _line(cells: Sequence[str], widths: Sequence[int], words: int) -> str:
    aligned = [
        cell.ljust(width) if column < words else cell.rjust(width)
        for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return "  ".join(aligned).rstrip()
