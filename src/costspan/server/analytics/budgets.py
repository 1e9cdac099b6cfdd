"""Where budgets stand: what was spent in their period, and whether one more call is allowed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from costspan.core.budget import Budget, BudgetState, OnUnpriced, state_of
from costspan.core.errors import NotFound, UsageError
from costspan.core.money import usd_text
from costspan.core.period import Period, iso
from costspan.server.analytics.spend_ahead import spent
from costspan.server.store.ports import LedgerReader
from costspan.server.store.question import SUMS, Filter, Spend, SpendQuestion

VERDICT_MAX_AGE_S: Final = 10
"""How long a client may go on with a verdict before it asks for the next one."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A budget in its period. `spent` is the estimate of all calls where the recorded ones are a sample."""

    budget: Budget
    period: Period
    now: datetime
    total: Spend

    @property
    def recorded(self) -> int:
        """What the recorded calls cost, in pico-dollars."""
        return self.total.cost or 0

    @property
    def spent(self) -> int:
        """What counts towards the amount, in pico-dollars."""
        return spent(self.total)

    @property
    def unpriced(self) -> int:
        """Calls whose cost is not known in full."""
        return self.total.unpriced_calls + self.total.partial_calls

    @property
    def blocked(self) -> bool:
        """True where calls without a known cost allow no more."""
        return bool(self.unpriced) and self.budget.on_unpriced is OnUnpriced.BLOCK

    @property
    def state(self) -> BudgetState:
        """How much is left, or that nobody can be sure."""
        said = state_of(self.spent, self.budget.amount)
        hidden = bool(self.unpriced) and self.budget.on_unpriced is not OnUnpriced.IGNORE
        return BudgetState.SOFT if said is BudgetState.OK and hidden else said

    @property
    def allowed(self) -> bool:
        """True where one more call may be made."""
        return self.state is not BudgetState.EXCEEDED and not self.blocked

    @property
    def share_elapsed(self) -> float | None:
        """The part of the period that is over; None for one that rolls, which is never over."""
        if self.budget.period.rolls:
            return None
        return (self.now - self.period.since) / (self.period.until - self.period.since)

    @property
    def reason(self) -> str:
        """The figures behind it."""
        said = f"${usd_text(self.spent)} of ${usd_text(self.budget.amount)} spent since {iso(self.period.since)}"
        if not self.unpriced or self.budget.on_unpriced is OnUnpriced.IGNORE:
            return said
        effect = ", which stop it (on_unpriced: block)" if self.blocked else ""
        return f"{said}; {self.unpriced} calls have no price or no usage{effect}"


def budgets_document(
    reader: LedgerReader, budgets: Sequence[Budget], parameters: Sequence[tuple[str, str]], now: datetime
) -> dict[str, Any]:
    """Return every budget as `/api/v1/budgets` sends it. Raise UsageError for a parameter: it takes none."""
    return each_document(budgets, parameters, now, lambda each: standing_document(standing_of(reader, each, now)))


def each_document(
    budgets: Sequence[Budget],
    parameters: Sequence[tuple[str, str]],
    now: datetime,
    show: Callable[[Budget], dict[str, Any]],
) -> dict[str, Any]:
    """Return what `show` says of each budget, as of now. Raise UsageError for a parameter: none is taken."""
    if parameters:
        raise UsageError(f"unknown parameter {parameters[0][0]!r}; known: none")
    return {"currency": "USD", "now": iso(now), "budgets": [show(each) for each in budgets]}


def verdict_document(
    reader: LedgerReader, budgets: Sequence[Budget], parameters: Sequence[tuple[str, str]], now: datetime
) -> dict[str, Any]:
    """Return whether a call is allowed under the budget that `parameters` name.

    Raise UsageError where they name none, NotFound where there is none of that name.
    """
    unknown = [name for name, _ in parameters if name != "budget"]
    if unknown:
        raise UsageError(f"unknown parameter {unknown[0]!r}; known: budget")
    asked: Mapping[str, str] = dict(parameters)
    if "budget" not in asked:
        raise UsageError("name the budget: budget=NAME")
    known = {budget.name: budget for budget in budgets}
    if asked["budget"] not in known:
        raise NotFound(f"no budget {asked['budget']!r}; budgets of costspan.yaml: {', '.join(known) or 'none'}")
    document = standing_document(standing_of(reader, known[asked["budget"]], now))
    return {key: document[key] for key in _VERDICT} | {"max_age_s": VERDICT_MAX_AGE_S}


_VERDICT: Final = (
    "name",
    "allowed",
    "state",
    "reason",
    "amount_usd",
    "spent_usd",
    "remaining_usd",
    "period",
    "since",
    "until",
    "unpriced_calls",
)


def standing_of(reader: LedgerReader, budget: Budget, now: datetime, until: datetime | None = None) -> Standing:
    """Return where a budget stands in its period, by all calls of it or those that began before `until`."""
    period = budget.period.at(now)
    counted = period if until is None else Period(min(period.since, until), min(period.until, until))
    question = SpendQuestion(counted, filters=scope_filters(budget), measures=SUMS)
    return Standing(budget, period, now, reader.spend(question).total)


def scope_filters(budget: Budget) -> tuple[Filter, ...]:
    """Return the filters that keep the calls which count for a budget."""
    return tuple(Filter(key, value) for key, value in budget.scope.items())


def standing_document(standing: Standing) -> dict[str, Any]:
    budget, total = standing.budget, standing.total
    succeeded = total.billed_calls + total.unpriced_calls
    return {
        "name": budget.name,
        "scope": dict(budget.scope),
        "allowed": standing.allowed,
        "state": standing.state.value,
        "reason": standing.reason,
        "amount_usd": usd_text(budget.amount),
        "spent_usd": usd_text(standing.spent),
        "recorded_usd": usd_text(standing.recorded),
        "remaining_usd": usd_text(budget.amount - standing.spent),
        "share_spent": standing.spent / budget.amount,
        "share_elapsed": standing.share_elapsed,
        "period": budget.period.word,
        "since": iso(standing.period.since),
        "until": iso(standing.period.until),
        "calls": total.calls,
        "unpriced_calls": total.unpriced_calls,
        "partial_calls": total.partial_calls,
        "share_priced": total.billed_calls / succeeded if succeeded else None,
        "on_unpriced": budget.on_unpriced.value,
        "notify": list(budget.notify),
    }
