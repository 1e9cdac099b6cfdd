"""Re-pricing as values (accounting rule 9): what is asked, what would change, and the runs that changed something."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final, Protocol

from costspan.core.period import Period
from costspan.pricing.rate_card import RateCard
from costspan.server.store.question import Filter

ALL_TIME: Final = Period(datetime(1970, 1, 1, tzinfo=UTC), datetime(2262, 1, 1, tzinfo=UTC))


@dataclass(frozen=True, slots=True)
class Scope:
    """Which calls may be touched: those of `period` that pass `filters`."""

    period: Period = ALL_TIME
    filters: tuple[Filter, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthChange:
    """What changes for one model in one month; money in pico-dollars, None where no call has a figure.

    `calls` count, with `newly_priced` and `newly_unpriced` of them; `uncounted` are duplicates and aggregates, whose
    money is shown but not part of `old_cost` and `new_cost`. `model` is the name under the new prices.
    """

    month: str
    model: str | None
    calls: int
    old_cost: int | None
    new_cost: int | None
    newly_priced: int
    newly_unpriced: int
    uncounted: int

    @property
    def difference(self) -> int:
        """By how much the ledger's total changes."""
        return (self.new_cost or 0) - (self.old_cost or 0)


@dataclass(frozen=True, slots=True)
class RepricingPlan:
    """Every entry whose result differs under a card, and the change by month and model. `examined` entries stood."""

    card_version: str
    examined: int
    entry_ids: Sequence[int]
    changes: Sequence[MonthChange]


class RunState(StrEnum):
    """How far a run has come. The two in `-ing` were cut off, or are under way, and can be taken up again."""

    APPLYING = "applying"
    APPLIED = "applied"
    UNDOING = "undoing"
    UNDONE = "undone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One re-pricing. `scope` is its words.

    Of the entries it `corrected`, `standing` are still as it left them and `restored` are as before it.
    """

    run_id: str
    card_version: str
    scope: str
    state: RunState
    started_at: datetime
    finished_at: datetime | None
    corrected: int = 0
    standing: int = 0
    restored: int = 0
    difference: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class UnpricedModel:
    """Calls that succeeded without a full price, by the model and provider they were sent under."""

    model: str | None
    provider: str | None
    price_status: str
    reason: str | None
    calls: int
    tokens: int
    first_seen: datetime
    last_seen: datetime


class RepricingLedger(Protocol):
    """A ledger whose prices can be corrected.

    `plan`, `runs` and `unpriced` may be asked from any thread; the others run on the one that writes.
    """

    def unpriced(self, period: Period) -> Sequence[UnpricedModel]:
        """Return the models of `period` without a full price, the busiest first."""

    def plan(self, card: RateCard, scope: Scope) -> RepricingPlan:
        """Return what `card` changes; nothing is written."""

    def runs(self) -> Sequence[Run]:
        """Return every run, the latest first."""

    def put_run(self, run: Run) -> None:
        """Record a run, or what became of it."""

    def correct(self, run_id: str, card: RateCard, entry_ids: Sequence[int], closed_before: datetime | None) -> int:
        """Take back those of `entry_ids` that still stand and add them priced by `card`, in one commit.

        Return how many changed. What belongs before `closed_before` is booked now and names the month it belongs to.
        """

    def undo(self, run_id: str, most: int, closed_before: datetime | None) -> int:
        """Take back up to `most` entries of a run and restore what they corrected, in one commit; return how many."""
