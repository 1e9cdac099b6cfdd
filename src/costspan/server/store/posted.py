"""What was posted to the ledger, line by line in the order of posting: for whoever follows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from costspan.server.store.calls import LedgerCall


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in the order of posting: after the line posted at `posted_at` with this sign and entry id."""

    posted_at: datetime
    sign: int
    entry_id: int


@dataclass(frozen=True, slots=True)
class PostedLine:
    """A line: an entry that was posted (`sign` 1), or taken back (-1).

    `entry` is what was entered or what is taken back; `position` says when this line was posted, and `corrects` which
    entry a re-pricing's new one stands for.
    """

    position: Position
    entry: LedgerCall
    run_id: str | None = None
    corrects: int | None = None


class PostedReader(Protocol):
    """Reads what was posted. Safe from several threads; raises StoreUnavailable as LedgerReader does."""

    def posted_after(self, position: Position | None, limit: int) -> Sequence[PostedLine]:
        """Return the first `limit` lines after `position`, or from the beginning."""

    def last_position(self) -> Position | None:
        """Return the place of the last line, None in an empty ledger."""
