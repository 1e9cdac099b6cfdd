"""Met when a group spends far more than it usually does at this time; says the cause first, then dollars, then who."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

from costspan.core.money import usd_from_pico
from costspan.core.period import Period, iso
from costspan.server.alerts.amounts import MeasureUnit
from costspan.server.alerts.conditions.base import Group, Sources, Truth, Verdict, calls_link, group_text
from costspan.server.alerts.rule import Anomaly as Limits
from costspan.server.alerts.rule import Rule
from costspan.server.analytics.anomaly.document import group_filters
from costspan.server.analytics.anomaly.explain import Explanation, explain
from costspan.server.analytics.anomaly.finder import find
from costspan.server.analytics.anomaly.findings import Anomaly
from costspan.server.analytics.anomaly.history import Asked
from costspan.server.analytics.anomaly.limits import Sensitivity
from costspan.server.analytics.anomaly.watch import Watch
from costspan.server.analytics.anomaly.words import cause, figures, reasons
from costspan.server.store.ports import LedgerReader
from costspan.server.store.question import Filter

_MOST_WATCHES: Final = 8
"""Rules whose history is kept in memory; of more, each look reads it anew."""
_MOST_EXPLAINED: Final = 20
"""Anomalies of a period, the latest, that are told with their drivers; of more only what gave alarm."""
_Asked = tuple[tuple[str, ...], tuple[Filter, ...], Limits]


class _Watches:
    """What is kept of each ledger between two looks. It changes how fast an answer comes, never which."""

    def __init__(self) -> None:
        self._of: weakref.WeakKeyDictionary[LedgerReader, dict[_Asked, Watch]] = weakref.WeakKeyDictionary()
        self._lock = threading.Lock()

    def of(self, ledger: LedgerReader, rule: Rule, limits: Limits) -> Watch:
        """Return the watch of a rule."""
        asked = (rule.group_by, rule.filters, limits)
        with self._lock:
            known = self._of.setdefault(ledger, {})
            if asked not in known and len(known) >= _MOST_WATCHES:
                known.pop(next(iter(known)))
            return known.setdefault(asked, _watch(ledger, rule, limits))


_watches: Final = _Watches()


def judge_anomaly(rule: Rule, sources: Sources, as_of: datetime) -> Sequence[Verdict]:
    """Return a verdict for each group of the last weeks: met where it spends far more than usual at the moment."""
    limits = _limits(rule)
    found, groups = _watches.of(sources.ledger, rule, limits).look(as_of)
    met = {each.key: _verdict(rule, each, sources) for each in found if _is_asked(each, limits)}
    return tuple(met.get(key) or _as_usual(rule, key) for key in groups)


def _as_usual(rule: Rule, key: tuple[str | None, ...]) -> Verdict:
    group: Group = tuple(zip(rule.group_by, key, strict=True))
    text = f"nothing unusual{group_text(group)}"
    return Verdict(group=group, truth=Truth.NOT_MET, unit=MeasureUnit.USD, text=text)


def anomalies_in(rule: Rule, sources: Sources, period: Period) -> list[tuple[Period, Verdict]]:
    """Return what gives alarm in a period, the first first, and from when to when; found in one go."""
    limits = _limits(rule)
    found = find(_asked(sources.ledger, rule, limits), period, Sensitivity(float(limits.ratio)))
    asked = [each for each in found if _is_asked(each, limits)]
    verdicts = [_verdict(rule, each, sources, explained=place < _MOST_EXPLAINED) for place, each in enumerate(asked)]
    told = [(Period(each.since, each.until), verdict) for each, verdict in zip(asked, verdicts, strict=True)]
    return told[::-1]


def _verdict(rule: Rule, anomaly: Anomaly, sources: Sources, *, explained: bool = True) -> Verdict:
    group: Group = tuple(zip(rule.group_by, anomaly.key, strict=True))
    filters = (*rule.filters, *group_filters(rule.group_by, anomaly.key))
    why = explain(sources.ledger, anomaly.window, filters, rule.group_by) if explained else None
    return Verdict(
        group=group,
        truth=Truth.MET,
        unit=MeasureUnit.USD,
        observed=_usd(anomaly.observed_usd),
        limit=_usd(anomaly.expected_usd),
        text=f"{cause(anomaly, why)}{group_text(group)}: {figures(anomaly)}",
        reasons=tuple(reasons(why)) if why else (),
        facts=_facts(anomaly, why),
        link=calls_link(anomaly.window, rule.filters, group),
    )


def _facts(anomaly: Anomaly, why: Explanation | None) -> tuple[tuple[str, str], ...]:
    parts = why.parts.items() if why else ()
    drivers = ((f"driver_{part}_usd", f"{usd_from_pico(amount):f}") for part, amount in parts if amount)
    return (
        ("channel", anomaly.channel),
        ("expected_usd", f"{_usd(anomaly.expected_usd):f}"),
        ("ratio", f"{anomaly.ratio:.3g}"),
        ("window_since", iso(anomaly.window.since)),
        ("window_until", iso(anomaly.window.until)),
        *drivers,
    )


def _limits(rule: Rule) -> Limits:
    return rule.condition if isinstance(rule.condition, Limits) else Limits()


def _watch(ledger: LedgerReader, rule: Rule, limits: Limits) -> Watch:
    return Watch(_asked(ledger, rule, limits), Sensitivity(float(limits.ratio)))


def _asked(ledger: LedgerReader, rule: Rule, limits: Limits) -> Asked:
    return Asked(ledger, rule.group_by, rule.filters, look_back_days=limits.baseline.days)


def _is_asked(anomaly: Anomaly, limits: Limits) -> bool:
    """Return whether an anomaly passes what the rule says beyond the detector's own limits."""
    excess = Decimal(str(anomaly.observed_usd)) - Decimal(str(anomaly.expected_usd))
    if limits.min_excess_usd is not None and excess < limits.min_excess_usd:
        return False
    return not limits.windows or anomaly.window.until - anomaly.window.since <= max(limits.windows)


def _usd(amount: float) -> Decimal:
    return Decimal(f"{amount:.5e}").normalize()
