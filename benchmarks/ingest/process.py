"""What a server and its child processes used, from Linux's /proc (man 5 proc)."""

from __future__ import annotations

import os
from pathlib import Path

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
MIB = 2**20
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def cpu_s(pid: int) -> float:
    """Return CPU seconds, user and system, of the process tree, children that ended included."""
    return sum(sum(int(ticks) for ticks in _stat(one)[11:15]) for one in _tree(pid)) / TICKS_PER_S


def rss_mib(pid: int) -> float:
    """Return the memory the process tree holds."""
    pages = sum(int(Path(f"/proc/{one}/statm").read_text().split()[1]) for one in _tree(pid))
    return pages * PAGE_BYTES / MIB


def _tree(pid: int) -> list[int]:
    children = [int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in _children(task)]
    return [pid, *(one for child in children for one in _tree(child))]


def _children(task: Path) -> list[str]:
    try:
        return (task / "children").read_text().split()
    except FileNotFoundError:  # the thread ended meanwhile
        return []


def _stat(pid: int) -> list[str]:
    # The fields after the command's name, which may itself hold spaces and brackets.
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
