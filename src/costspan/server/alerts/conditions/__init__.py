"""Conditions: one file for each kind, and the list of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from costspan.server.alerts import rule as kinds
from costspan.server.alerts.conditions.base import Condition, Sources, Verdict
from costspan.server.alerts.conditions.budget import judge_budget
from costspan.server.alerts.conditions.threshold import judge_threshold
from costspan.server.alerts.rule import Rule


def _judge_anomaly(rule: Rule, sources: Sources, as_of: datetime) -> Sequence[Verdict]:
    # With it comes numpy: a quarter of a second, and only where a rule asks for it.
    from costspan.server.alerts.conditions.anomaly import judge_anomaly  # noqa: PLC0415

    return judge_anomaly(rule, sources, as_of)


CONDITIONS: Final[Mapping[type[kinds.Condition], Condition]] = {
    kinds.Threshold: judge_threshold,
    kinds.BudgetAlert: judge_budget,
    kinds.Anomaly: _judge_anomaly,
}
"""Kind of condition a rule has -> who judges it."""


def judge(rule: Rule, sources: Sources, as_of: datetime) -> Sequence[Verdict]:
    """Return the verdicts on a rule at a moment, one for each group; none for a kind that nobody judges."""
    judged_by = CONDITIONS.get(type(rule.condition))
    return () if judged_by is None else judged_by(rule, sources, as_of)
