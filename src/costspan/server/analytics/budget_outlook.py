"""Will a budget last? Where it stands, what its period will come to, and whether it is being spent too fast."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from costspan.core.budget import Budget
from costspan.core.money import usd_text
from costspan.core.period import iso
from costspan.server.analytics.budgets import Standing, each_document, scope_filters, standing_document, standing_of
from costspan.server.analytics.burn import MIN_DAYS, Burn, burns
from costspan.server.analytics.forecast_document import days_document, explanation, quantiles
from costspan.server.analytics.spend_ahead import Ahead, Ask, Span, look_ahead
from costspan.server.store.ports import LedgerReader


class Expectation(StrEnum):
    """How a period is expected to end."""

    WITHIN = "within"
    OVER = "over"
    """Expected to end over the amount (P50): worth a warning."""
    SURELY_OVER = "surely_over"
    """Over the amount nine times in ten (P10): worth a page."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class BudgetOutlook:
    """A budget at a moment. `burns` are its windows, none where there is too little history to compare with."""

    standing: Standing
    span: Span
    ahead: Ahead
    burns: tuple[Burn, ...]

    @property
    def expectation(self) -> Expectation:
        """How the period is expected to end."""
        found, amount = self.ahead.outlook, self.standing.budget.amount
        if found is None:
            return Expectation.UNKNOWN
        if self.ahead.spent + found.low[-1] > amount:
            return Expectation.SURELY_OVER
        return Expectation.OVER if self.ahead.spent + found.middle[-1] > amount else Expectation.WITHIN


def budget_outlook(reader: LedgerReader, budget: Budget, now: datetime) -> BudgetOutlook:
    """Return how a budget looks at `now`, by the calls that began before."""
    standing = standing_of(reader, budget, now, until=now)
    span, ahead, _ = look_ahead(reader, Ask(period=budget.period, now=now, filters=scope_filters(budget)))
    return BudgetOutlook(standing, span, ahead, burns(reader, budget, now))


def outlooks_document(
    reader: LedgerReader, budgets: Sequence[Budget], parameters: Sequence[tuple[str, str]], now: datetime
) -> dict[str, Any]:
    """Return every budget as `/api/v1/budgets/outlook` sends it. Raise UsageError for a parameter: it takes none."""
    return each_document(budgets, parameters, now, lambda each: _document(budget_outlook(reader, each, now)))


def _document(looked: BudgetOutlook) -> dict[str, Any]:
    return standing_document(looked.standing) | {
        "expectation": looked.expectation.value,
        "forecast_until": iso(looked.span.until),
        "forecast_usd": quantiles(looked.ahead),
        "explanation": explanation(looked.ahead),
        "burn": [_burn_document(burn) for burn in looked.burns],
        "burn_note": None if looked.burns else f"burn rate: needs {MIN_DAYS} days of history",
        "days": days_document(looked.span, looked.ahead),
    }


def _burn_document(burn: Burn) -> dict[str, Any]:
    return {
        "window": window_text(burn.limit.window),
        "spent_usd": usd_text(burn.spent),
        "share_of_amount": burn.share,
        "times_usual": burn.times,
        "fast": burn.fast,
    }


def window_text(window: timedelta) -> str:
    """Return a window as `1h`."""
    return f"{window // timedelta(hours=1)}h"
