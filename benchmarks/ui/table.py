"""The result as people read it, ratios last: absolute times belong to one machine on one day."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.servers import PHOENIX
from benchmarks.table import plain
from benchmarks.ui.measure import Measured

_HEAD = ("server", "version", "page", "first paint ms", "main thread ms", "KB", "requests")


def report(measured: Sequence[Measured]) -> str:
    """Return the table and how costspan stands to each peer."""
    own, *peers = measured
    lines = [f"costspan takes {_ratio(own, peer)} of {peer.server}" for peer in peers]
    if not peers:
        lines = [
            f"{PHOENIX.name} is not on PATH (pip install arize-phoenix) and not in {PHOENIX.url_variable}: no ratio"
        ]
    return "\n".join([plain([_HEAD, *map(_row, measured)]), "", *lines])


def _row(one: Measured) -> list[str]:
    opened = one.opened
    return [
        one.server,
        one.version,
        one.page,
        f"{opened.first_paint_ms:.0f}",
        f"{opened.main_thread_ms:.0f}",
        f"{opened.transferred_bytes / 1024:.0f}",
        str(opened.requests),
    ]


def _ratio(own: Measured, peer: Measured) -> str:
    mine, theirs = own.opened, peer.opened
    return (
        f"{mine.first_paint_ms / theirs.first_paint_ms:.2f} of the time to the first paint, "
        f"{mine.main_thread_ms / theirs.main_thread_ms:.2f} of the main thread and "
        f"{mine.transferred_bytes / theirs.transferred_bytes:.3f} of the bytes"
    )
