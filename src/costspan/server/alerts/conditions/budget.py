"""Met when a budget is used up to a level, will not last, or is being spent much faster than usual."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from costspan.core.budget import Budget
from costspan.core.errors import UsageError
from costspan.core.money import PicoUsd, usd_from_pico
from costspan.core.period import Period
from costspan.server.alerts.amounts import MeasureUnit, length_text
from costspan.server.alerts.conditions.base import Group, Sources, Truth, Verdict, calls_link
from costspan.server.alerts.rule import BudgetAlert, Rule
from costspan.server.analytics.budget_outlook import BudgetOutlook, Expectation, budget_outlook
from costspan.server.analytics.budgets import Standing, scope_filters, standing_of
from costspan.server.analytics.burn import Burn
from costspan.server.analytics.forecast_document import explanation, short

WARNING: Final = "warning"
PAGE: Final = "page"
_MOMENT: Final = timedelta(microseconds=1)


def judge_budget(rule: Rule, sources: Sources, as_of: datetime) -> Sequence[Verdict]:
    """Return a verdict for each level, and for the forecast and each window of the burn rate that can be judged.

    A group names its period, so that what was told is told once in it. The fact `severity` says what is worth a page.
    """
    condition = rule.condition
    if not isinstance(condition, BudgetAlert):
        raise UsageError(f"{rule.name} has no budget")
    budget = next((each for each in sources.budgets if each.name == condition.budget), None)
    if budget is None:
        raise UsageError(f"no budget {condition.budget!r} in costspan.yaml")
    if not (condition.forecast or condition.burn):
        standing = standing_of(sources.ledger, budget, as_of, until=as_of)
        return (*_levels(condition, standing), *_over(condition, budget, as_of))
    looked = budget_outlook(sources.ledger, budget, as_of)
    return (
        *_levels(condition, looked.standing),
        *(_forecasts(looked) if condition.forecast else ()),
        *((_burn(looked, burn) for burn in looked.burns) if condition.burn else ()),
        *_over(condition, budget, as_of),
    )


def _levels(condition: BudgetAlert, standing: Standing) -> Iterator[Verdict]:
    budget = standing.budget
    for level in condition.levels:
        limit = int(budget.amount * level)
        is_met = standing.spent >= limit
        yield _verdict(
            standing,
            _percent(level),
            is_met,
            f"budget {budget.name}: ${short(standing.spent)} of ${short(budget.amount)} spent "
            f"({standing.spent / budget.amount:.0%})" + (f", {_percent(level)} reached" if is_met else ""),
            PAGE if level >= 1 else WARNING,
            limit,
        )
    if standing.blocked:
        yield _verdict(standing, "stopped", True, f"budget {budget.name}: {standing.reason}", PAGE)


def _forecasts(looked: BudgetOutlook) -> Iterator[Verdict]:
    budget, found = looked.standing.budget, looked.ahead.outlook
    if found is None:
        return
    ends = [looked.ahead.spent + amounts[-1] for amounts in (found.low, found.middle, found.high)]
    said = f"${short(ends[1])} (${short(ends[0])} to ${short(ends[2])}) by {looked.span.until:%Y-%m-%d}"
    text = f"budget {budget.name}: expected to come to {said}, the amount is ${short(budget.amount)}"
    for name, meanings, severity in (
        ("expected over", (Expectation.OVER, Expectation.SURELY_OVER), WARNING),
        ("surely over", (Expectation.SURELY_OVER,), PAGE),
    ):
        is_met = looked.expectation in meanings
        yield _verdict(looked.standing, name, is_met, text, severity, budget.amount, (explanation(looked.ahead),))


def _burn(looked: BudgetOutlook, burn: Burn) -> Verdict:
    standing, limit = looked.standing, burn.limit
    window = length_text(limit.window)
    text = (
        f"budget {standing.budget.name}: ${short(burn.spent)} in {window}, {burn.share:.1%} of the amount and "
        f"{burn.times:.1f} times its usual share"
    )
    least = f"told from {limit.least_share:.0%} and {limit.least_times} times on"
    return _verdict(standing, f"fast burn {window}", burn.fast, text, PAGE, reasons=(least,))


def _over(condition: BudgetAlert, budget: Budget, as_of: datetime) -> Iterator[Verdict]:
    """Yield that what was reached in the period before is over with it."""
    if budget.period.rolls:
        return
    before = budget.period.at(budget.period.at(as_of).since - _MOMENT)
    names = [*map(_percent, condition.levels), "expected over", "surely over"]
    for name in names:
        yield Verdict(
            group=_group(budget, name, before),
            truth=Truth.NOT_MET,
            unit=MeasureUnit.USD,
            text=f"budget {budget.name}: its period from {before.since:%Y-%m-%d} is over",
        )


def _verdict(
    standing: Standing,
    name: str,
    is_met: bool,
    text: str,
    severity: str,
    limit: int | None = None,
    reasons: tuple[str, ...] = (),
) -> Verdict:
    budget, total = standing.budget, standing.total
    succeeded = total.billed_calls + total.unpriced_calls
    lacking = f"{standing.unpriced} calls have no full price: what was spent is at least this"
    return Verdict(
        group=_group(budget, name, standing.period),
        truth=Truth.MET if is_met else Truth.NOT_MET,
        unit=MeasureUnit.USD,
        observed=usd_from_pico(standing.spent),
        limit=None if limit is None else usd_from_pico(PicoUsd(limit)),
        samples=total.calls,
        share_priced=total.billed_calls / succeeded if succeeded else None,
        text=text,
        reasons=(*reasons, *([lacking] if standing.unpriced else [])),
        facts=(("budget", budget.name), ("severity", severity), ("period", budget.period.word)),
        link=calls_link(Period(standing.period.since, standing.now), scope_filters(budget)),
    )


def _group(budget: Budget, name: str, period: Period) -> Group:
    told = (("budget", budget.name), ("reached", name))
    return told if budget.period.rolls else (*told, ("since", f"{period.since:%Y-%m-%d}"))


def _percent(level: Decimal) -> str:
    return f"{(level * 100).normalize():f}%"
