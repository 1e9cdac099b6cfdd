"""How much each key sent, and whether it may send more now."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from costspan.core.errors import RetryableError
from costspan.server.receiver.keys import Key

_MINUTE_S: Final = 60.0


class QuotaExceeded(RetryableError):
    """The key has used up what it may send for now (HTTP 429)."""


@dataclass(slots=True)
class KeyUsage:
    """What was done with one key since the process started."""

    requests: int = 0
    spans: int = 0
    bytes: int = 0
    over_quota: int = 0


@dataclass(slots=True)
class _Allowance:
    """A minute's worth at most, filled again evenly. One request may overdraw it; the next waits until it is paid."""

    per_minute: int
    left: float = field(init=False)
    at_s: float = field(init=False)

    def __post_init__(self) -> None:
        self.left, self.at_s = float(self.per_minute), -math.inf

    def wait_s(self, now_s: float) -> float:
        """Return how long until something is left, 0 where it is."""
        if self.at_s > -math.inf:
            self.left = min(self.per_minute, self.left + (now_s - self.at_s) * self.per_minute / _MINUTE_S)
        self.at_s = now_s
        return 0.0 if self.left > 0 else (1 - self.left) * _MINUTE_S / self.per_minute


class Quotas:
    """The books of all keys, by name. Safe from several threads."""

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._clock_s = clock_s
        self._lock = threading.Lock()
        self._usage: dict[str, KeyUsage] = {}
        self._allowances: dict[tuple[str, str, int], _Allowance] = {}

    def admit(self, key: Key) -> None:
        """Count a request. Raise QuotaExceeded where the key has to wait first."""
        with self._lock:
            usage = self._usage.setdefault(key.name, KeyUsage())
            usage.requests += 1
            wait_s = max((each.wait_s(self._clock_s()) for each in self._allowances_of(key).values()), default=0.0)
            if wait_s > 0:
                usage.over_quota += 1
                raise QuotaExceeded(f"the key {key.name} is over its quota", retry_after_s=math.ceil(wait_s))

    def book(self, key: Key, *, spans: int = 0, size_bytes: int = 0) -> None:
        """Count what a request brought against the quota of its key."""
        with self._lock:
            usage = self._usage.setdefault(key.name, KeyUsage())
            usage.spans += spans
            usage.bytes += size_bytes
            for measure, allowance in self._allowances_of(key).items():
                allowance.wait_s(self._clock_s())
                allowance.left -= spans if measure == "spans" else size_bytes

    def read(self) -> dict[str, KeyUsage]:
        """Return the books, by the name of the key."""
        with self._lock:
            return {name: replace(usage) for name, usage in self._usage.items()}

    def _allowances_of(self, key: Key) -> dict[str, _Allowance]:
        bounds = {"spans": key.quota.spans_per_minute, "bytes": key.quota.bytes_per_minute}
        return {
            measure: self._allowances.setdefault((key.name, measure, bound), _Allowance(bound))
            for measure, bound in bounds.items()
            if bound is not None
        }
