"""Moving a ledger from one engine to another: posting after posting, from where it was left, counted on both sides.

What is moved keeps its ids and the moments it was posted at, so the two sides can be told apart by nothing but the
engine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from costspan.core.errors import UsageError

Columns = Mapping[str, Sequence[Any]]


@dataclass(frozen=True, slots=True)
class Held:
    """How many rows of each table a ledger holds, and the signed sums of their cost, in pico-dollars."""

    rows: Mapping[str, int]
    calls_cost: int
    charges_cost: int

    @property
    def total_rows(self) -> int:
        """Rows of all tables."""
        return sum(self.rows.values())


@dataclass(frozen=True, slots=True)
class Stretch:
    """All rows that were posted in a stretch of time up to `until`, by table, as columns."""

    until: datetime
    last_entry_id: int
    tables: Mapping[str, Columns]


class Origin(Protocol):
    """The ledger that is read."""

    def held(self, until: datetime | None = None) -> Held:
        """Return what was posted up to a moment, or ever."""

    def after(self, moment: datetime | None) -> Stretch | None:
        """Return the next rows posted after a moment, whole postings only; None where there are none."""


class Destination(Protocol):
    """The ledger that is written."""

    def reached(self) -> datetime | None:
        """Return the moment of the last posting that is there; None in an empty ledger."""

    def held(self) -> Held:
        """Return what is there."""

    def add(self, stretch: Stretch) -> None:
        """Add a stretch in one commit."""


def migrate(origin: Origin, destination: Destination, show: Callable[[float], None]) -> Held:
    """Bring to `destination` what it does not have of `origin`, and return what both hold in the end.

    `show` is told the share that is done. Raise UsageError where the destination holds something else.
    """
    reached = destination.reached()
    there, everything = destination.held(), origin.held()
    if there != (origin.held(reached) if reached else Held(dict.fromkeys(everything.rows, 0), 0, 0)):
        raise UsageError("the ledger to migrate to holds other records than this one; name an empty database")
    done = there.total_rows
    while stretch := origin.after(reached):
        destination.add(stretch)
        reached = stretch.until
        done += sum(len(next(iter(columns.values()), ())) for columns in stretch.tables.values())
        show(done / max(1, everything.total_rows))
    there = destination.held()
    if there != everything:
        raise UsageError(f"after the migration there is {there}, not {everything}; try an empty database")
    return there
