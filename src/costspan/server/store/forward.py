"""What is forwarded and how far: received records in the order they came, what became of them, a mark per target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from costspan.core.attribution import Attribution
from costspan.core.call import Role
from costspan.server.store.calls import RecordPlace
from costspan.server.store.entry import KeptRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the ledger says of a record. `costs` are pico-dollars by class of units, empty where there is no figure."""

    role: Role
    owner: RecordPlace | None
    price_status: str
    rate_id: str | None
    cost: int | None
    costs: Mapping[str, int]
    attribution: Attribution


class ForwardLedger(Protocol):
    """A ledger that keeps received records. `set_mark` runs on the thread that writes, the others on any.

    All raise StoreUnavailable when they cannot.
    """

    def newest(self) -> datetime | None:
        """Return when the latest records were received."""

    def received_after(self, after: datetime, until: datetime) -> tuple[datetime, Sequence[KeptRecord]] | None:
        """Return the records that came next after a moment, all of one commit, and when; None up to `until`."""

    def told(self, identities: Sequence[str]) -> Mapping[str, Told]:
        """Return what stands for records now, by identity; nothing for those that are no calls."""

    def mark(self, target: str) -> datetime | None:
        """Return up to when records went to a target."""

    def set_mark(self, target: str, at: datetime) -> None:
        """Note, durably, up to when records went to a target."""
