"""Reading again what was received, as values: how a reading differs from the recorded one, and the port behind it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from costspan.core.call import Call
from costspan.core.link import Link
from costspan.core.period import Period
from costspan.server.store.entry import Batch, KeptRecord, Neighbourhood, Posting


@dataclass(frozen=True, slots=True)
class Difference:
    """What reading again changes. Money in pico-dollars: what the entries touched cost before and after."""

    records: int = 0
    new_calls: int = 0
    changed_calls: int = 0
    lost_calls: int = 0
    entries: int = 0
    cost_before: int = 0
    cost_after: int = 0

    def __add__(self, other: Difference) -> Difference:
        return Difference(
            self.records + other.records,
            self.new_calls + other.new_calls,
            self.changed_calls + other.changed_calls,
            self.lost_calls + other.lost_calls,
            self.entries + other.entries,
            self.cost_before + other.cost_before,
            self.cost_after + other.cost_after,
        )


class ReplayLedger(Protocol):
    """A ledger that kept records as they were received.

    `received`, `frames` and `recorded` may be asked from any thread; the others run on the one that writes.
    """

    def received(self, period: Period) -> int:
        """Return how many kept records there are to read."""

    def frames(self, period: Period) -> Iterator[Sequence[KeptRecord]]:
        """Yield kept records with those that began in `period`, in the order they came."""

    def recorded(self, batch: Batch) -> Mapping[str, Call | Link]:
        """Return how the records of `batch` were read before, by identity."""

    def neighbourhood(self, batch: Batch) -> Neighbourhood:
        """Return what is recorded of the traces and response ids in `batch`, and of all they lead to."""

    def commit(self, posting: Posting) -> None:
        """Add a posting in one atomic commit, as `Ledger` does."""

    def cost_of(self, entry_ids: Sequence[int]) -> int:
        """Return what counts of the cost of entries."""
