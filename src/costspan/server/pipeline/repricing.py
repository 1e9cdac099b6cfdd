"""Re-pricing the ledger (accounting rule 9): look first, apply in chunks between commits, take up again, undo.

A run that is cut off leaves whole chunks: every entry is as it was or as it will be. Finishing it looks again at what
differs, so it needs no list of what was left.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol, TypeVar

from costspan.core.clock import Clock
from costspan.core.errors import RetryableError, UsageError
from costspan.core.period import Period
from costspan.pricing.rate_card import RateCard
from costspan.server.store.repricing import RepricingLedger, RepricingPlan, Run, RunState, Scope, UnpricedModel

Result = TypeVar("Result")

CHUNK: Final = 5_000
"""Entries a commit corrects; telemetry waits while one is written, about a quarter of a second."""


@dataclass(frozen=True, slots=True)
class PriceSettings:
    """What `costspan.yaml` says of prices: the card with its overlays, and the moment before which books are closed.

    `file` is where an overlay can be added; it need not exist yet.
    """

    card: RateCard
    closed_before: datetime | None = None
    file: Path | None = None


@dataclass(frozen=True, slots=True)
class Applied:
    """What a run did: `run` is None when nothing differed."""

    plan: RepricingPlan
    run: Run | None
    corrected: int


@dataclass(frozen=True, slots=True)
class Undone:
    """`restored` entries are as before the run; `left` of its entries had been corrected again by newer telemetry."""

    run: Run
    restored: int
    left: int


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the work under way has come."""

    run_id: str
    done: int
    planned: int


class Pricer(Protocol):
    """What prices the calls that come in, and where corrections get their turn between them."""

    @property
    def card(self) -> RateCard:
        """What new calls are priced with."""

    def price_with(self, card: RateCard) -> None:
        """Price every call that comes after with `card`; when this returns no commit under the old one is under way."""

    def write(self, act: Callable[[], Result]) -> Result:
        """Run `act` where the ledger may be written, with no commit under way, and return what it returns."""


class Repricing:
    """Corrects a ledger's prices, one run at a time. `settings` is read anew for each question."""

    def __init__(
        self,
        pricer: Pricer,
        ledger: RepricingLedger,
        settings: Callable[[], PriceSettings],
        clock: Clock,
        *,
        chunk: int = CHUNK,
    ) -> None:
        self._chunk = chunk
        self._pricer = pricer
        self._ledger = ledger
        self._settings = settings
        self._clock = clock
        self._busy = threading.Lock()
        self.progress: Progress | None = None

    @property
    def card(self) -> RateCard:
        """What new calls are priced with."""
        return self._pricer.card

    def settings(self) -> PriceSettings:
        """Return what the configuration says now; raise ConfigError where it is wrong."""
        return self._settings()

    def unpriced(self, period: Period) -> Sequence[UnpricedModel]:
        """Return the models of `period` without a full price, the busiest first."""
        return self._ledger.unpriced(period)

    def dry_run(self, scope: Scope) -> RepricingPlan:
        """Return what the prices of the configuration, as it is now, would change."""
        return self._ledger.plan(self._settings().card, scope)

    def runs(self) -> Sequence[Run]:
        """Return every run, the latest first."""
        return self._ledger.runs()

    def apply(self, scope: Scope, words: str) -> Applied:
        """Correct what differs in `scope` (`words` say it) and price what comes from now on the same way.

        Raise UsageError when an earlier run was cut off, RetryableError when one is under way.
        """
        with self._alone():
            self.refuse_unfinished()
            settings = self._settings()
            plan = self._plan(settings, scope)
            if not plan.entry_ids:
                return Applied(plan, None, 0)
            now = self._clock()
            run = Run(
                run_id=f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}",
                card_version=settings.card.version,
                scope=words,
                state=RunState.APPLYING,
                started_at=now,
                finished_at=None,
            )
            return self._correct(run, plan, settings)

    def resume(self, run_id: str, scope: Callable[[str], Scope]) -> Applied:
        """Finish a run that was cut off; `scope` reads its words. Raise UsageError where that is not possible."""
        with self._alone():
            run = self._find(run_id)
            if run.state is not RunState.APPLYING:
                raise UsageError(f"run {run_id} is {run.state}; only one that was cut off can be resumed")
            settings = self._settings()
            if settings.card.version != run.card_version:
                raise UsageError(f"prices have changed since run {run_id} was cut off: undo it, then apply again")
            return self._correct(run, self._plan(settings, scope(run.scope)), settings)

    def undo(self, run_id: str) -> Undone:
        """Restore what a run corrected, to the last digit. Undoing what is undone does nothing."""
        with self._alone():
            run = self._find(run_id)
            self.refuse_unfinished(but=run_id)
            self._refuse_below_a_later_run(run)
            if run.state is RunState.UNDONE:
                return Undone(run, 0, run.corrected - run.restored)
            closed = self._settings().closed_before
            self._record(replace(run, state=RunState.UNDOING, finished_at=None))
            restored = 0
            while done := self._pricer.write(lambda: self._ledger.undo(run_id, self._chunk, closed)):
                restored += done
                self.progress = Progress(run_id, restored, run.standing)
            self._pricer.write(
                lambda: self._ledger.put_run(replace(run, state=RunState.UNDONE, finished_at=self._clock()))
            )
            undone = self._find(run_id)
            return Undone(undone, restored, undone.corrected - undone.restored)

    def _plan(self, settings: PriceSettings, scope: Scope) -> RepricingPlan:
        # First the card, then the look: a call that arrives meanwhile is priced the new way already.
        self._pricer.price_with(settings.card)
        return self._ledger.plan(settings.card, scope)

    def _correct(self, run: Run, plan: RepricingPlan, settings: PriceSettings) -> Applied:
        self._record(run)
        corrected = 0
        for first in range(0, len(plan.entry_ids), self._chunk):
            chunk = plan.entry_ids[first : first + self._chunk]
            corrected += self._correct_chunk(run, chunk, settings)
            self.progress = Progress(run.run_id, first + len(chunk), len(plan.entry_ids))
        self._pricer.write(
            lambda: self._ledger.put_run(replace(run, state=RunState.APPLIED, finished_at=self._clock()))
        )
        return Applied(plan, self._find(run.run_id), corrected)

    def _correct_chunk(self, run: Run, chunk: Sequence[int], settings: PriceSettings) -> int:
        card, closed = settings.card, settings.closed_before
        return self._pricer.write(lambda: self._ledger.correct(run.run_id, card, chunk, closed))

    def _record(self, run: Run) -> None:
        self._pricer.write(lambda: self._ledger.put_run(run))

    def _find(self, run_id: str) -> Run:
        known = self._ledger.runs()
        found = next((run for run in known if run.run_id == run_id), None)
        if found is None:
            said = ", ".join(run.run_id for run in known[:5]) or "none yet"
            raise UsageError(f"there is no run {run_id!r}; the latest are: {said}")
        return found

    def refuse_unfinished(self, but: str | None = None) -> None:
        """Raise UsageError, saying what to do, when a run other than `but` was cut off."""
        for run in self._ledger.runs():
            if run.run_id != but and run.finished_at is None:
                finish = "--undo" if run.state is RunState.UNDOING else "--resume"
                either = "" if run.state is RunState.UNDOING else f", or costspan reprice --undo {run.run_id}"
                raise UsageError(f"run {run.run_id} was cut off: costspan reprice {finish} {run.run_id}{either}")

    def _refuse_below_a_later_run(self, run: Run) -> None:
        if run.standing == run.corrected or run.state is not RunState.APPLIED:
            return
        for later in self._ledger.runs():
            if later.started_at > run.started_at and later.state is RunState.APPLIED:
                raise UsageError(f"run {later.run_id} corrected some of the same calls later: undo that one first")

    @contextmanager
    def _alone(self) -> Iterator[None]:
        if not self._busy.acquire(blocking=False):
            raise RetryableError("a re-pricing is under way; see costspan reprice --list")
        try:
            yield
        finally:
            self.progress = None
            self._busy.release()
