"""A set of texts that remembers 8 bytes of each: says "perhaps" or "surely not", and forgets the oldest when full."""

from __future__ import annotations

from array import array
from typing import Final

BUCKETS: Final = 2**17
_SLOTS: Final = 8
_FULL: Final = BUCKETS * _SLOTS * 6 // 10
"""Texts of one generation: 629,145. Two generations are kept, in 16 MB and a little for what found no slot."""


class Fingerprints:
    """Two generations of hashes; `add` returns True when the older one was given up."""

    def __init__(self) -> None:
        self._young = _Generation()
        self._old = _Generation()

    def __contains__(self, text: str) -> bool:
        mark = hash(text)
        return self._young.has(mark) or self._old.has(mark)

    def add(self, text: str) -> bool:
        """Remember `text`. What is given up then was added at least 629,145 texts ago."""
        self._young.add(hash(text))
        if self._young.size < _FULL:
            return False
        gave_up = self._old.size > 0
        self._young, self._old = _Generation(), self._young
        return gave_up


class _Generation:
    """Hashes in buckets of eight; a bucket that is full sends the rest to a set."""

    def __init__(self) -> None:
        self.size = 0
        self._marks: array[int] | None = None
        self._beside: set[int] = set()

    def has(self, mark: int) -> bool:
        if self._marks is None:
            return False
        at = (mark % BUCKETS) * _SLOTS
        return mark in self._marks[at : at + _SLOTS] or mark in self._beside

    def add(self, mark: int) -> None:
        if self._marks is None:
            self._marks = array("q", bytes(8 * BUCKETS * _SLOTS))
        at = (mark % BUCKETS) * _SLOTS
        bucket = self._marks[at : at + _SLOTS]
        if mark in bucket or (self._beside and mark in self._beside):
            return
        self.size += 1
        if 0 in bucket:
            self._marks[at + bucket.index(0)] = mark
        else:
            self._beside.add(mark)
