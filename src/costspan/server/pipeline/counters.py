"""What came in since the process started, counted by what became of it. Read by `/api/v1/ingest` and `/metrics`."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from costspan.core.clock import NS_PER_S, Clock, ns_from_utc

_RATE_WINDOW_S = 60


@dataclass(frozen=True, slots=True)
class IngestCounts:
    """The counters. `received_spans` = `calls` + `retransmitted` + `other_spans` + the sum of `refused`."""

    received_spans: int = 0
    calls: int = 0
    retransmitted: int = 0
    other_spans: int = 0
    refused: Mapping[str, int] = field(default_factory=dict)
    refused_requests: Mapping[str, int] = field(default_factory=dict)
    spans_per_minute: float = 0.0
    last_received_at: datetime | None = None
    clock_skew_s: float | None = None
    """How far ahead of this server's clock the latest call of the last minute ended; negative is delay."""


class IngestCounters:
    """Thread-safe counters."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._refused: Counter[str] = Counter()
        self._refused_requests: Counter[str] = Counter()
        self._recent: deque[tuple[float, int, float | None]] = deque()
        self._last_received_at: datetime | None = None

    def count_committed(
        self, *, received: int, calls: int, retransmitted: int, refused: Mapping[str, int], latest_ns: int | None = None
    ) -> None:
        """Count one request whose calls are durable; the latest of them ended at `latest_ns`."""
        now = self._clock()
        skew_s = None if latest_ns is None else (latest_ns - ns_from_utc(now)) / NS_PER_S
        with self._lock:
            self._counts.update(received=received, calls=calls, retransmitted=retransmitted)
            self._counts["other"] += received - calls - retransmitted - sum(refused.values())
            self._refused.update(refused)
            self._recent.append((time.monotonic(), received, skew_s))
            self._forget_old()
            self._last_received_at = now

    def count_refused_request(self, reason: str) -> None:
        """Count one request that was refused whole."""
        with self._lock:
            self._refused_requests[reason] += 1

    def read(self) -> IngestCounts:
        """Return the counters as they stand."""
        with self._lock:
            self._forget_old()
            return IngestCounts(
                received_spans=self._counts["received"],
                calls=self._counts["calls"],
                retransmitted=self._counts["retransmitted"],
                other_spans=self._counts["other"],
                refused=dict(self._refused),
                refused_requests=dict(self._refused_requests),
                spans_per_minute=float(sum(spans for _, spans, _ in self._recent)) * 60 / _RATE_WINDOW_S,
                last_received_at=self._last_received_at,
                clock_skew_s=max((skew_s for *_, skew_s in self._recent if skew_s is not None), default=None),
            )

    def _forget_old(self) -> None:
        horizon = time.monotonic() - _RATE_WINDOW_S
        while self._recent and self._recent[0][0] < horizon:
            self._recent.popleft()
