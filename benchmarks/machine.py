"""The machine a figure belongs to."""

from __future__ import annotations

import os
import platform


def machine() -> str:
    """Return the class of this machine."""
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} cores, {memory_gib:.0f} GiB, {platform.system()} {platform.machine()}"
