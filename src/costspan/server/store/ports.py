"""What the server asks of a ledger. `memory` shows the meaning; `duckdb` keeps it on disk."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Final, Protocol

from costspan.semconv.metrics import MetricState
from costspan.server.store.calls import CallsPage, CallsQuestion, TraceView
from costspan.server.store.cells import CellReader
from costspan.server.store.entry import Batch, Neighbourhood, Posting
from costspan.server.store.question import LedgerSummary, SpendAnswer, SpendQuestion
from costspan.server.store.spend_series import SeriesAnswer, SeriesQuestion, Touched
from costspan.server.store.tools import AskedTrace, ToolQuestion
from costspan.server.store.usage_history import UsageQuestion, UsageRow

SETTLING_WINDOW: Final = timedelta(hours=24)
"""How far apart, by their starts, two records of one trace or response may be and still be settled together.

Beyond it both count. It is measured in span time, not in time of arrival, so a record may arrive as late as it likes.
"""


SETTLED_TOGETHER: Final = 20_000
"""Records of one trace, or of one response id, that are settled together: what bounds the memory of a commit.

Of a larger one the nearest in time to what just came are looked at, and the calls that count so say it in their reason:
past the bound a duplicate may count, and it depends on the order of arrival.
"""


class Ledger(Protocol):
    """Takes postings. Only grows. One thread writes."""

    def known(self, batch: Batch) -> frozenset[str]:
        """Return the identities among `batch` that were recorded before."""

    def neighbourhood(self, batch: Batch) -> Neighbourhood:
        """Return what is recorded of the traces and response ids in `batch`, and of all they lead to."""

    def metric_state(self) -> MetricState:
        """Return what every cumulative metric series had counted at its last point."""

    def kept_since(self) -> datetime | None:
        """Return since when records are recognised as sent before, None where all are; older ones must not come in."""

    @property
    def trouble(self) -> str | None:
        """Why the last write did not succeed, None where it did."""

    def probe(self) -> None:
        """Write next to nothing, durably; raise StoreUnavailable where that cannot be done."""

    def commit(self, posting: Posting) -> None:
        """Add a posting in one atomic commit that is durable when this returns.

        When nothing was added raise StoreUnavailable if the posting may succeed later, PermanentError if it cannot.
        """

    def close(self) -> None:
        """Release the ledger; nothing committed is lost."""


class SharedLedger(Ledger, Protocol):
    """A ledger that many processes give records to, of which one at a time settles."""

    def leave(self, batch: Batch) -> None:
        """Keep a batch, durably, for whoever settles. Raise StoreUnavailable; leaving it again counts nothing twice."""

    def try_to_hold(self) -> bool:
        """Return whether this process settles, from now on where nobody does. Raise StoreUnavailable."""

    def waiting(self) -> Sequence[tuple[bytes, Batch]]:
        """Return some batches that wait, with their ids, the first to arrive first."""

    def taking(self, batch_ids: Sequence[bytes]) -> AbstractContextManager[None]:
        """Let what the block commits settle these batches, in the same atomic commit."""

    def set_aside(self, batch_id: bytes, batch: Batch, why: str) -> None:
        """Keep a batch that can never be settled beside the ledger, and no longer let it wait."""

    def tidy(self) -> None:
        """Remove what no longer waits."""


class LedgerReader(Protocol):
    """Answers questions about what the ledger holds. Safe to call from several threads."""

    def spend(self, question: SpendQuestion) -> SpendAnswer:
        """Return the measures of the calls asked about. Raise StoreUnavailable when the ledger cannot be read."""

    def spend_series(self, question: SeriesQuestion) -> SeriesAnswer:
        """Return spend by group and five minutes. Raise StoreUnavailable when the ledger cannot be read."""

    def touched(self, after: datetime | None = None) -> Touched:
        """Return what was posted, or taken back, after a moment; without one only when the last posting was."""

    def summary(self) -> LedgerSummary:
        """Return how much the ledger holds, and since when."""

    def usage_history(self, question: UsageQuestion) -> Sequence[UsageRow]:
        """Return what the calls that count used, in any order, from rows: of those that are gone, nothing."""

    def tool_traces(self, question: ToolQuestion) -> Sequence[AskedTrace]:
        """Return the traces with a tool use or a tool's fee asked about. Raise UsageError where they are too many."""


class CallReader(Protocol):
    """Shows the rows behind a figure. Safe from several threads; raises StoreUnavailable as LedgerReader does."""

    def calls(self, question: CallsQuestion) -> CallsPage:
        """Return one page of the entries asked for."""

    def traces(self, prefix: str, limit: int) -> tuple[str, ...]:
        """Return the first `limit` recorded trace ids, in order, that begin with `prefix` (lower-case hex)."""

    def trace(self, trace_id: str) -> TraceView:
        """Return all that is recorded of a trace; of one that is not recorded, nothing."""


class Store(Ledger, LedgerReader, CallReader, CellReader, Protocol):
    """A ledger that can be written and read."""
