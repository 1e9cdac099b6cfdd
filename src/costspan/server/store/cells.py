"""The ledger's side of a reconciliation: what was used and what it cost by hour, model, mode and unit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from costspan.core.period import Period
from costspan.core.units import Unit


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """How much of one unit, and its cost in pico-dollars: as published, and after contract overlays."""

    quantity: int
    list_cost: int = 0
    cost: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerCell:
    """The calls of one hour, model, mode and scope. `calls` leaves out those that failed without using anything.

    `hour` is the UTC hour in which the calls were complete, which is when providers count them. A line without a cost
    is a quantity no price list has a rate for.
    """

    hour: datetime
    provider: str | None
    model: str | None
    mode: str
    scope: str | None
    calls: int
    lines: Mapping[Unit, LedgerLine]


@dataclass(frozen=True, slots=True)
class CellsQuestion:
    """Which cells: of whole UTC hours, of one provider, told apart by the group key `scope_by` (None: not at all)."""

    period: Period
    provider: str
    scope_by: str | None = None


class CellReader(Protocol):
    """Adds the ledger up for a reconciliation. Safe from several threads."""

    def ledger_cells(self, question: CellsQuestion) -> Sequence[LedgerCell]:
        """Return the cells of calls that count, ordered. Raise StoreUnavailable when the ledger cannot be read.

        A call counts in its own hour, also where a correction of it is booked in a later month (accounting rule 9).
        """
