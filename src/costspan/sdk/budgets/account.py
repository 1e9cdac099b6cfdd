"""`Account`: the money of one budget in this process. A call reserves what it may cost and is settled to what it did.

Everything that reads or changes an account holds its lock, for microseconds and never during I/O, so threads and tasks
cannot race past the limit: what is spent and reserved never exceeds it by more than the estimates were too low.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from costspan.core.budget_decision import Decision, Standing, decide, unavailable
from costspan.core.charge import PriceStatus
from costspan.core.clock import Clock, system_clock
from costspan.sdk.budgets.spend_log import SpendLog
from costspan.sdk.budgets.verdicts import Verdicts
from costspan.sdk.price_span import PricedSpan

_KEPT_OF_AVERAGE: Final = 8
"""The recent average moves an eighth of the way to each new cost."""


class Account:
    """`outside` says what is known beyond this process, and from when on our own spending is to be added to it."""

    def __init__(
        self,
        name: str,
        outside: Callable[[], tuple[Standing, float] | None],
        *,
        slot_s: float,
        verdicts: Verdicts | None = None,
        clock: Clock = system_clock,
    ) -> None:
        self.name = name
        self.terms: tuple[object, ...] = ()
        """What the budget was made with."""
        self._verdicts = verdicts
        self.recent: int | None = None
        """A moving average of what calls cost lately, in pico-dollars."""
        self._outside = outside
        self._clock = clock
        self._log = SpendLog(slot_s)
        self._reserved = 0
        self.lock = threading.Lock()

    @property
    def awaits_verdict(self) -> bool:
        """True where no verdict of the server serves and one can be had."""
        return self._verdicts is not None and self._verdicts.is_awaited

    def wait(self) -> None:
        """Wait for a verdict, where one is awaited, as long as was allowed."""
        if self._verdicts:
            self._verdicts.wait()

    def renew_locks(self) -> None:
        """Start afresh in a forked child."""
        self.lock = threading.Lock()
        if self._verdicts:
            self._verdicts.renew_locks()

    def look(self, estimate: int = 0) -> Decision:
        """Return what would be decided now, without reserving anything."""
        outside = self._outside()
        with self.lock:
            return self._decide(outside, estimate)

    def reserve(
        self, estimate: int, out_of: Reservation | None = None, *, anyway: bool = False
    ) -> tuple[Decision, Reservation | None]:
        """Decide on a call and, where it may be made or is made `anyway`, hold `estimate` pico-dollars for it.

        `out_of` is the reservation of the block around it, which is used up first.
        """
        outside = self._outside()
        with self.lock:
            taken = min(out_of.held, estimate) if out_of else 0
            decision = self._decide(outside, estimate - taken)
            if not decision.allowed and not anyway:
                return decision, None
            if out_of:
                out_of.held -= taken
            self._reserved += estimate - taken
            return decision, Reservation(self, estimate)

    def _decide(self, outside: tuple[Standing, float] | None, estimate: int) -> Decision:
        if outside is None:
            return unavailable(self.name, "the server gives no verdict on it")
        standing, since_s = outside
        spent = standing.spent + self._log.since(since_s)
        return decide(self.name, replace(standing, spent=spent, reserved=self._reserved), estimate)

    def spend(self, cost: int, reservation: Reservation) -> None:
        """Book a cost against a reservation. The lock is held by the caller."""
        self._log.add(self._clock().timestamp(), cost)
        self.release(reservation, cost)
        if cost:
            self.recent = cost if self.recent is None else self.recent + (cost - self.recent) // _KEPT_OF_AVERAGE

    def release(self, reservation: Reservation, amount: int) -> None:
        """Give back up to `amount` of what is held. The lock is held by the caller."""
        given_back = min(amount, reservation.held)
        reservation.held -= given_back
        self._reserved -= given_back


class Reservation:
    """What is held for one call, or for one block of calls, until it is known what they cost. A `Watcher`."""

    def __init__(self, account: Account, estimate: int) -> None:
        self.account = account
        self.estimate = estimate
        self.held = estimate
        self._open = 0
        self._heard = False
        self._closed = False
        self._if_unheard = 0

    def opened(self) -> None:
        """Hear that a span has started."""
        with self.account.lock:
            self._open += 1

    def ended(self, verdict: PricedSpan | None) -> None:
        """Hear what a call cost; of a call whose cost is not known the estimate is taken (unknown is never zero)."""
        with self.account.lock:
            self._open -= 1
            if verdict:
                self._heard = True
                self.account.spend(self._cost(verdict), self)
            self._finish()

    def close(self, if_unheard: int = 0) -> None:
        """End what was reserved for; what is open still, a stream for instance, is waited for.

        `if_unheard` is what to book where no span told of any call.
        """
        with self.account.lock:
            self._closed, self._if_unheard = True, if_unheard
            self._finish()

    def _finish(self) -> None:
        if self._closed and not self._open:
            if not self._heard and self._if_unheard:
                self.account.spend(self._if_unheard, self)
            self.account.release(self, self.held)

    def _cost(self, verdict: PricedSpan) -> int:
        if verdict.priced.cost is not None:
            return verdict.priced.cost
        failed = verdict.call.failed and verdict.priced.status is not PriceStatus.USAGE_MISSING
        return 0 if failed else self.estimate
