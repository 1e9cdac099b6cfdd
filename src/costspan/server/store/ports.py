"""What the server asks of a ledger. `memory` shows the meaning; `duckdb` keeps it on disk."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from costspan.server.store.entry import Entry
from costspan.server.store.question import LedgerSummary, SpendAnswer, SpendQuestion


class Ledger(Protocol):
    """Takes entries. Only grows."""

    def append(self, entries: Sequence[Entry]) -> Sequence[bool]:
        """Add the entries the ledger does not have, in one atomic commit that is durable when this returns.

        Return for each entry whether it was new; False is a record that was sent again. When nothing was added raise
        StoreUnavailable if the same entries may succeed later, PermanentError if they cannot.
        """

    def close(self) -> None:
        """Release the ledger; nothing appended is lost."""


class LedgerReader(Protocol):
    """Answers questions about what the ledger holds. Safe to call from several threads."""

    def spend(self, question: SpendQuestion) -> SpendAnswer:
        """Return the measures of the calls asked about. Raise StoreUnavailable when the ledger cannot be read."""

    def summary(self) -> LedgerSummary:
        """Return how much the ledger holds, and since when."""


class Store(Ledger, LedgerReader, Protocol):
    """A ledger that can be written and read."""
