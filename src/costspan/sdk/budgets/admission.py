"""`admit`: the moment before a call. Every budget in force is asked, and reserves what the call may cost, or refuses.

Called by `budget` for a block, by `track` for a tracked call and by guarded clients for each of theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from opentelemetry.context import Context, create_key, get_current, get_value, set_value

from costspan.core.budget import BudgetState
from costspan.core.budget_decision import Decision, unavailable
from costspan.core.errors import BudgetExceeded
from costspan.sdk.budgets.account import Account, Reservation
from costspan.sdk.budgets.estimate import Ask, estimate
from costspan.sdk.calls_within import watchers_in, with_watchers
from costspan.sdk.safety import log_once

OnExceeded = str | Callable[[Decision], object]
RAISE: Final = "raise"
WARN: Final = "warn"
_KEY: Final = create_key("costspan.budgets")


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A budget's account, and what to do when it does not allow a call, or when nobody knows."""

    account: Account
    on_exceeded: OnExceeded
    fails_open: bool
    estimate: int | None
    """What one call may cost, in pico-dollars, where the application said it."""

    def estimate_of(self, ask: Ask) -> int:
        """Return what a call may cost under this budget."""
        return estimate(ask, self.account.recent) if self.estimate is None else self.estimate

    def goes_ahead(self, decision: Decision) -> Decision:
        """Return the decision as it is acted on where the call may be made all the same; raise BudgetExceeded if not.

        What the application's own function raises is logged once, and decided as if the budget were unavailable.
        """
        if decision.state is BudgetState.UNAVAILABLE and self.fails_open:
            log_once(f"costspan: budget {decision.budget!r} is not enforced: {decision.reason}")
            return decision
        if callable(self.on_exceeded):
            try:
                return replace(decision, answer=self.on_exceeded(decision))
            except Exception as error:  # noqa: BLE001 - the application's function must not break its call
                log_once(f"costspan: on_exceeded of budget {decision.budget!r} failed", error=error)
                if self.fails_open:
                    return decision
        if self.on_exceeded != WARN:
            raise BudgetExceeded(decision)
        since = f", in the period from {decision.period.since:%Y-%m-%d}" if decision.period else ""
        log_once(f"costspan: budget {decision.budget!r} is {decision.state}{since}; calls go on")
        return decision


@dataclass(frozen=True, slots=True)
class Admission:
    """A call, or a block of calls, that may go ahead: `context` is to be current meanwhile, `close` to end it."""

    context: Context
    decisions: tuple[Decision, ...] = ()
    reservations: tuple[Reservation, ...] = ()

    @property
    def answer(self) -> object:
        """What the application's `on_exceeded` returned; the innermost budget's where several did."""
        return next((each.answer for each in reversed(self.decisions) if each.answer is not None), None)

    def close(self, if_unheard: Callable[[Reservation], int] = lambda _: 0) -> None:
        """End it. `if_unheard` says what to book where no span told of the call."""
        for reservation in self.reservations:
            reservation.close(if_unheard(reservation))


def in_force(context: Context | None = None) -> tuple[Policy, ...]:
    """Return the policies of the blocks around `context` (default: the current one), the outermost first."""
    found = get_value(_KEY, context)
    return found if isinstance(found, tuple) else ()


def with_policy(policy: Policy, context: Context) -> Context:
    """Return `context` with a policy that holds for each tracked or guarded call inside."""
    return set_value(_KEY, (*in_force(context), policy), context)


def admit(policies: Sequence[Policy], ask: Ask, context: Context | None = None) -> Admission:
    """Reserve for one call under each of `policies`. Raise BudgetExceeded, with nothing reserved, where one refuses."""
    context = get_current() if context is None else context
    around = watchers_in(context)
    held = {each.account: each for each in around if isinstance(each, Reservation)}
    decisions: list[Decision] = []
    made: list[Reservation] = []
    try:
        for policy in {policy.account: policy for policy in policies}.values():
            decision, reservation = _reserved(policy, ask, held.get(policy.account))
            decisions.append(decision)
            made += [reservation] if reservation else []
    except BudgetExceeded:
        for reservation in made:
            reservation.close()
        raise
    replaced = {held.get(each.account) for each in made}
    watchers = [*(each for each in around if each not in replaced), *made]
    return Admission(with_watchers(watchers, context), tuple(decisions), tuple(made))


def _reserved(policy: Policy, ask: Ask, out_of: Reservation | None) -> tuple[Decision, Reservation | None]:
    try:
        expected = policy.estimate_of(ask)
        policy.account.wait()
        decision, reservation = policy.account.reserve(expected, out_of)
    except Exception as error:  # noqa: BLE001 - a fault of ours is treated as a budget nobody knows
        log_once(f"costspan: budget {policy.account.name!r} failed", error=error)
        return policy.goes_ahead(unavailable(policy.account.name, "an error is logged above")), None
    if reservation is None:
        decision = policy.goes_ahead(decision)
        reservation = policy.account.reserve(expected, out_of, anyway=True)[1]
    return decision, reservation
