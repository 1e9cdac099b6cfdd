"""The rules that budgets with `notify:` bring with them, beside those of `alerts:`."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import timedelta
from typing import Final

from costspan.core.budget import Budget
from costspan.server.alerts.rule import BudgetAlert, Rule

_EVERY: Final = timedelta(minutes=5)
"""A fast burn is judged over an hour: five minutes later is soon enough."""
_HYSTERESIS: Final = timedelta(hours=2)
"""How long a forecast must be within the amount again before it is over."""


def budget_rules(budgets: Sequence[Budget], taken: Collection[str] = ()) -> Iterator[Rule]:
    """Yield a rule for each budget that says whom to tell; `taken` are the names of rules that are there already."""
    for budget in budgets:
        name = f"budget {budget.name}"
        if budget.notify and name not in taken:
            yield Rule(
                name=name,
                condition=BudgetAlert(budget=budget.name),
                notify=budget.notify,
                every=_EVERY,
                keep_firing_for=_HYSTERESIS,
            )
