"""May one more call be made? A pure function of what is known of a budget and what the call may cost."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from costspan.core.budget import BudgetState, state_of
from costspan.core.money import usd_from_pico, usd_text
from costspan.core.period import Period


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of a budget: amounts in pico-dollars. `refused` says why it is closed whatever its money says."""

    amount: int
    spent: int
    reserved: int = 0
    period: Period | None = None
    refused: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The answer to one call, and the figures it rests on, in US dollars; None where nobody knows.

    `answer` is what the application's own `on_exceeded` returned, the name of a cheaper model for instance.
    """

    budget: str
    state: BudgetState
    allowed: bool
    reason: str
    amount_usd: Decimal | None = None
    spent_usd: Decimal | None = None
    reserved_usd: Decimal | None = None
    estimate_usd: Decimal | None = None
    period: Period | None = None
    answer: object = None

    def __bool__(self) -> bool:
        return self.allowed


def decide(budget: str, standing: Standing, estimate: int) -> Decision:
    """Return whether a call that may cost `estimate` pico-dollars fits beside what is spent and reserved."""
    taken = standing.spent + standing.reserved
    fits = taken < standing.amount and taken + estimate <= standing.amount
    allowed = fits and standing.refused is None
    spent, reserved, asked, amount = (
        usd_text(each) for each in (standing.spent, standing.reserved, estimate, standing.amount)
    )
    figures = f"${spent} of ${amount} spent, ${reserved} reserved for calls under way, ${asked} expected for this one"
    return Decision(
        budget=budget,
        state=state_of(taken + estimate, standing.amount) if allowed else BudgetState.EXCEEDED,
        allowed=allowed,
        reason=standing.refused if fits and standing.refused else figures,
        amount_usd=usd_from_pico(standing.amount),
        spent_usd=usd_from_pico(standing.spent),
        reserved_usd=usd_from_pico(standing.reserved),
        estimate_usd=usd_from_pico(estimate),
        period=standing.period,
    )


def unavailable(budget: str, reason: str) -> Decision:
    """Return the decision where nothing is known."""
    return Decision(budget=budget, state=BudgetState.UNAVAILABLE, allowed=False, reason=reason)
