"""What the server process holds, from Linux's /proc (man 5 proc), while the load goes on."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import linear_regression

MIB = 2**20
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Sample:
    """What was held once `calls` new calls had been acknowledged, `at_s` after the start."""

    at_s: float
    calls: int
    rss_bytes: int
    log_bytes: int
    handles: int
    threads: int


def sample(pid: int, data: Path, at_s: float, calls: int) -> Sample:
    """Look at a process and at the write-ahead log of its ledger."""
    process = Path(f"/proc/{pid}")
    pages = int((process / "statm").read_text().split()[1])
    handles, threads = (sum(1 for _ in (process / name).iterdir()) for name in ("fd", "task"))
    log_bytes = sum(path.stat().st_size for path in data.glob("*.wal"))
    return Sample(at_s, calls, pages * PAGE_BYTES, log_bytes, handles, threads)


def bytes_a_call(samples: Sequence[Sample]) -> float:
    """Return by how much memory grew with each call: the slope of the line through `samples`.

    Rows wait in memory for as long as they wait in the write-ahead log, and are let go together at a checkpoint. So
    growth that goes with the log is none, nor is a log that ends without that its memory goes back to the system at
    once; what is kept for good shows in both slopes, and the lower one is returned.
    """
    calls = [each.calls for each in samples]
    whole = linear_regression(calls, [each.rss_bytes for each in samples]).slope
    beside_the_log = linear_regression(calls, [each.rss_bytes - each.log_bytes for each in samples]).slope
    return min(whole, beside_the_log)


def table(samples: Sequence[Sample]) -> str:
    """Return the samples as text, about twenty of them."""
    rows = samples[:: max(1, len(samples) // 20)]
    lines = [
        f"{each.at_s:8.0f} {each.calls:10,} {each.rss_bytes / MIB:8.0f} {each.log_bytes / MIB:8.0f}"
        f" {each.handles:8} {each.threads:8}"
        for each in rows
    ]
    return "\n".join(
        [f"{'seconds':>8} {'calls':>10} {'RSS MiB':>8} {'log MiB':>8} {'handles':>8} {'threads':>8}", *lines]
    )
