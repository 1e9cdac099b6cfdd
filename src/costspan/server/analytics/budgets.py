"""Where budgets stand: what was spent in their period, and whether one more call is allowed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from costspan.core.budget import Budget, BudgetState, OnUnpriced, state_of
from costspan.core.errors import NotFound, UsageError
from costspan.core.money import usd_text
from costspan.core.period import Period, iso
from costspan.server.store.ports import LedgerReader
from costspan.server.store.question import Filter, Spend, SpendQuestion

VERDICT_MAX_AGE_S: Final = 10
"""How long a client may go on with a verdict before it asks for the next one."""


@dataclass(frozen=True, slots=True)
class _Standing:
    """A budget in its period. `spent` is the estimate of all calls where the recorded ones are a sample."""

    budget: Budget
    period: Period
    now: datetime
    total: Spend

    @property
    def recorded(self) -> int:
        return self.total.cost or 0

    @property
    def spent(self) -> int:
        return self.recorded if self.total.estimated_cost is None else max(self.recorded, self.total.estimated_cost)

    @property
    def unpriced(self) -> int:
        """Calls whose cost is not known in full."""
        return self.total.unpriced_calls + self.total.partial_calls

    @property
    def blocked(self) -> bool:
        return bool(self.unpriced) and self.budget.on_unpriced is OnUnpriced.BLOCK

    @property
    def state(self) -> BudgetState:
        said = state_of(self.spent, self.budget.amount)
        hidden = bool(self.unpriced) and self.budget.on_unpriced is not OnUnpriced.IGNORE
        return BudgetState.SOFT if said is BudgetState.OK and hidden else said

    @property
    def allowed(self) -> bool:
        return self.state is not BudgetState.EXCEEDED and not self.blocked

    @property
    def share_elapsed(self) -> float | None:
        """The part of the period that is over; None for one that rolls, which is never over."""
        if self.budget.period.rolls:
            return None
        return (self.now - self.period.since) / (self.period.until - self.period.since)

    @property
    def reason(self) -> str:
        said = f"${usd_text(self.spent)} of ${usd_text(self.budget.amount)} spent since {iso(self.period.since)}"
        if not self.unpriced or self.budget.on_unpriced is OnUnpriced.IGNORE:
            return said
        effect = ", which stop it (on_unpriced: block)" if self.blocked else ""
        return f"{said}; {self.unpriced} calls have no price or no usage{effect}"


def budgets_document(
    reader: LedgerReader, budgets: Sequence[Budget], parameters: Sequence[tuple[str, str]], now: datetime
) -> dict[str, Any]:
    """Return every budget as `/api/v1/budgets` sends it. Raise UsageError for a parameter: it takes none."""
    if parameters:
        raise UsageError(f"unknown parameter {parameters[0][0]!r}; known: none")
    return {
        "currency": "USD",
        "now": iso(now),
        "budgets": [_document(_standing(reader, each, now)) for each in budgets],
    }


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
    document = _document(_standing(reader, known[asked["budget"]], now))
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


def _standing(reader: LedgerReader, budget: Budget, now: datetime) -> _Standing:
    period = budget.period.at(now)
    filters = tuple(Filter(key, value) for key, value in budget.scope.items())
    return _Standing(budget, period, now, reader.spend(SpendQuestion(period, filters=filters)).total)


def _document(standing: _Standing) -> dict[str, Any]:
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
