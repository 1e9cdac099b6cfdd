"""What the ledger says was spent, as time series with a bounded set of labels. Read by `/metrics`."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from costspan.core.period import Period
from costspan.server.store.ports import LedgerReader
from costspan.server.store.question import Spend, SpendQuestion

LABELS: Final = ("provider", "model", "feature", "team", "environment")
MAX_SERIES: Final = 1_000
"""Label sets shown one by one; what is spent under others is shown as OTHER."""
OTHER: Final = ("other",) * len(LABELS)
_ALWAYS: Final = Period(datetime(1970, 1, 1, tzinfo=UTC), datetime(2262, 1, 1, tzinfo=UTC))

Series = tuple[str, ...]
"""One value for each of LABELS, empty where the calls say none."""


@dataclass(frozen=True, slots=True)
class Costs:
    """`standing` is the ledger's cost now, in pico-dollars; a correction may lower it.

    `spent` is what it grew by since the process started. It never falls: what a correction takes back of a series is
    held against what is spent under it later.
    """

    standing: Mapping[Series, int]
    spent: Mapping[Series, int]
    total: Spend


class CostSeries:
    """The series of one ledger. Safe from several threads."""

    def __init__(self, reader: LedgerReader, good_for_s: float = 10.0) -> None:
        self._reader = reader
        self._good_for_s = good_for_s
        self._lock = threading.Lock()
        self._shown: set[Series] = set()
        self._spent: dict[Series, int] = {}
        self._at_start, total = self._ask()
        self._read_at_s = -good_for_s
        self._costs = Costs(self._at_start, {}, total)

    def read(self) -> Costs:
        """Return the series as the ledger says them, asked again where the last answer is no longer good."""
        with self._lock:
            if time.monotonic() - self._read_at_s >= self._good_for_s:
                standing, total = self._ask()
                for series, cost in standing.items():
                    grown = cost - self._at_start.get(series, 0)
                    self._spent[series] = max(grown, self._spent.get(series, 0))
                self._read_at_s = time.monotonic()
                self._costs = Costs(standing, dict(self._spent), total)
            return self._costs

    def _ask(self) -> tuple[dict[Series, int], Spend]:
        answer = self._reader.spend(SpendQuestion(_ALWAYS, LABELS))
        standing: dict[Series, int] = defaultdict(int)
        for row in answer.rows:
            if row.spend.cost is not None:
                standing[self._series(tuple(value or "" for value in row.key))] += row.spend.cost
        return dict(standing), answer.total

    def _series(self, series: Series) -> Series:
        """Return the labels to show: the first to come keep theirs, and rows come the dearest first."""
        if series not in self._shown and len(self._shown) >= MAX_SERIES:
            return OTHER
        self._shown.add(series)
        return series
