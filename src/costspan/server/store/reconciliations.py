"""What a reconciliation keeps: the pages of a bill as they were read, and every verdict that was reached."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from costspan.core.period import Period


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """The pages of one report of a bill source over one period, as they were read: JSON, gzipped.

    `provider` is whose bill it is, `source` what it was read from. A later sheet of the same report and period stands
    in place of an earlier one, which is kept.
    """

    provider: str
    source: str
    report: str
    period: Period
    fetched_at: datetime
    body: bytes

    @property
    def digest(self) -> str:
        """What tells two readings of one report apart."""
        return hashlib.blake2b(self.body, digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetMark:
    """That a sheet is there, and when it was last read."""

    source: str
    report: str
    period: Period
    fetched_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """One verdict. `document` is what the API sends; `digest` is of what it says, apart from when it was reached.

    Shares are of the bill: what is missing on balance, either way, and without a cause. None where nothing was billed.
    """

    reconciliation_id: str
    provider: str
    period: Period
    made_at: datetime
    state: str
    net_share: float | None
    gross_share: float | None
    unexplained_share: float | None
    limit: float
    digest: str
    document: dict[str, Any]


class ReconciliationLog(Protocol):
    """Keeps bills and verdicts; only grows. What puts runs on the writing thread; questions may come from any."""

    def put_sheet(self, sheet: Sheet) -> None:
        """Keep a sheet; of one that says what the last reading said only the time of reading is kept."""

    def sheet_marks(self, provider: str, period: Period) -> Sequence[SheetMark]:
        """Return the last reading of every report that touches `period`."""

    def sheets(self, provider: str, period: Period) -> Sequence[Sheet]:
        """Return what stands of every report that touches `period`, with its last reading's time."""

    def put_reconciliation(self, reconciliation: Reconciliation) -> None:
        """Keep a verdict."""

    def reconciliations(self, provider: str | None = None) -> Sequence[Reconciliation]:
        """Return every verdict, the latest first."""

    def reconciliation(self, reconciliation_id: str) -> Reconciliation | None:
        """Return one verdict, None where there is none of that id."""
