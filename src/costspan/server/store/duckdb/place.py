"""Where the ledger's file lies: is it still the one that was opened, and is there room to write?

A file that was moved away or replaced goes on taking writes that nobody finds again, and a disk that runs full in the
middle of a checkpoint kills the instance: both are looked for before each write.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Final

from costspan.core.errors import Unreachable

RESERVE_BYTES: Final = 16 * 1024 * 1024
"""Free space below which nothing more is taken, so that a checkpoint still fits."""


class Misplaced(Exception):
    """The file that was opened is not the one that lies there."""


class Place:
    """One ledger file, watched."""

    def __init__(self, path: Path, *, reserve_bytes: int = RESERVE_BYTES) -> None:
        self._path = path
        self._reserve_bytes = reserve_bytes
        self._opened: tuple[int, int] | None = None

    def open_again(self) -> None:
        """Raise Unreachable where a file that was open once is gone: opening would begin an empty ledger instead."""
        if self._opened is not None and not self._path.exists():
            raise Unreachable(f"{self._path} is gone; put it back or restart costspan")

    def opened(self) -> None:
        """Remember which file was opened."""
        self._opened = self._there()

    def check(self) -> None:
        """Raise Misplaced where another file lies there or none, Unreachable where the disk is full."""
        if self._there() != self._opened:
            raise Misplaced(f"{self._path} was replaced or removed while costspan had it open")
        free_bytes = shutil.disk_usage(self._path.parent).free
        if free_bytes < self._reserve_bytes:
            raise Unreachable(f"the disk of {self._path} is full: {free_bytes:,} bytes are left")

    def _there(self) -> tuple[int, int] | None:
        try:
            found = os.stat(self._path)
        except FileNotFoundError:
            return None
        return found.st_dev, found.st_ino
