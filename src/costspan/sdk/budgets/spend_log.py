"""What was spent when, in this process, kept no longer and no finer than it is asked for."""

from __future__ import annotations

from collections import deque


class SpendLog:
    """Sums of pico-dollars by time slot of `slot_s` seconds. Not locked: its account is."""

    def __init__(self, slot_s: float) -> None:
        self._slot_s = slot_s
        self._slots: deque[tuple[float, int]] = deque()
        self._total = 0

    def add(self, at_s: float, amount: int) -> None:
        """Add what was spent at a moment, in seconds since 1970; moments do not go back."""
        if self._slots and at_s - self._slots[-1][0] < self._slot_s:
            begun, before = self._slots.pop()
            self._slots.append((begun, before + amount))
        else:
            self._slots.append((at_s, amount))
        self._total += amount

    def since(self, moment_s: float) -> int:
        """Return what was spent from `moment_s` on, and forget what was before; a slot counts by its beginning."""
        while self._slots and self._slots[0][0] < moment_s:
            self._total -= self._slots.popleft()[1]
        return self._total
