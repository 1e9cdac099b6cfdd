"""What a rule would have done: judged moment by moment over the ledger as it is now, and nobody told."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from costspan.core.period import Period
from costspan.server.alerts.conditions.base import Sources, Verdict
from costspan.server.alerts.evaluator import advance, judged
from costspan.server.alerts.measures import Measure, watched
from costspan.server.alerts.rule import Anomaly, Missing, Rule, Threshold
from costspan.server.alerts.state import Alert, State
from costspan.server.store.alerts import AlertKey
from costspan.server.store.question import Interval, Spend, SpendQuestion

MOST_MOMENTS: Final = 300
"""Moments that a backtest judges at most; where there are more it looks less often, and says so."""
_LOOKS_IN_A_WINDOW: Final = 24
_HOUR: Final = timedelta(hours=1)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MOST_TO_NOW: Final = 120


@dataclass(frozen=True, slots=True)
class Episode:
    """An alert that would have fired; `verdict` is what it would have said, `until` None where it still fires."""

    rule: str
    since: datetime
    until: datetime | None
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Backtest:
    """What a rule would have done in a period, looked at every `step`."""

    period: Period
    step: timedelta
    episodes: Sequence[Episode]


def backtest(rule: Rule, sources: Sources, period: Period) -> Backtest:
    """Return every time a rule would have fired in a period. Raise StoreUnavailable when the ledger cannot be read."""
    if isinstance(rule.condition, Anomaly):
        from costspan.server.alerts.conditions.anomaly import anomalies_in  # noqa: PLC0415 - with it comes numpy

        found = anomalies_in(rule, sources, period)
        return Backtest(
            period, rule.every, [Episode(rule.name, over.since, over.until, verdict) for over, verdict in found]
        )
    hours = _worth_a_look(rule, sources, period)
    # What a window adds up hardly changes in a small part of it.
    least = max(rule.every, rule.window / _LOOKS_IN_A_WINDOW)
    looks = int(len(hours) * (_HOUR / least)) + 1
    step = rule.every * max(1, least // rule.every) * max(1, -(-looks // MOST_MOMENTS))
    alerts: dict[AlertKey, Alert] = {}
    transitions: list[tuple[datetime, Alert]] = []
    for at in _moments(period, step):
        if _hour(at) in hours or any(alert.state is not State.RESOLVED for alert in alerts.values()):
            for verdict in judged(rule, sources, at, alerts):
                advance(rule, verdict, at, alerts, transitions)
    return Backtest(period, step, _episodes(transitions))


def alerts_now(rule: Rule, sources: Sources, now: datetime) -> dict[AlertKey, Alert]:
    """Return how the alerts of a rule stand, from the ledger alone: judged over its `for` and `keep_firing_for`."""
    looked_back = rule.hold + rule.keep_firing_for
    step = rule.every * max(1, -(-(looked_back // rule.every) // _MOST_TO_NOW))
    alerts: dict[AlertKey, Alert] = {}
    for back in range(-(-looked_back // step), -1, -1):
        for verdict in judged(rule, sources, now - back * step, alerts):
            advance(rule, verdict, now - back * step, alerts, [])
    return alerts


def _moments(period: Period, step: timedelta) -> Iterator[datetime]:
    at = _EPOCH + -((_EPOCH - period.since) // step) * step
    while at < period.until:
        yield at
        at += step


def _hour(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)


def _worth_a_look(rule: Rule, sources: Sources, period: Period) -> frozenset[datetime]:
    """Return the hours in which the rule may be met: those whose window has calls, or enough of what it counts."""
    first, last = _hour(period.since), _hour(period.until)
    all_hours = frozenset(first + _HOUR * i for i in range((last - first) // _HOUR + 1))
    what = watched(rule.measure).what
    if rule.missing is not Missing.OK or not isinstance(what, Measure):
        return all_hours
    if not isinstance(rule.condition, Threshold):
        return all_hours
    reach = -(-(rule.window + rule.delay) // _HOUR)
    asked = Period(max(first - reach * _HOUR, _EPOCH), last + _HOUR)
    if rule.condition.below is not None and what.adds_up:
        return all_hours
    least = _least(rule, what)

    def amount(spends: Sequence[Spend]) -> Decimal:
        if least is None:
            return Decimal(sum(spend.calls for spend in spends))
        return what.value(spends[0], spends) or Decimal(0)

    return frozenset(
        hour
        for by_hour in _by_hour(rule, what, sources, asked, amount)
        for hour in all_hours
        if sum((by_hour.get(hour - i * _HOUR, Decimal(0)) for i in range(reach + 1)), Decimal(0)) > (least or 0)
    )


def _least(rule: Rule, what: Measure) -> Decimal | None:
    """Return what a window must hold more of to be met; None where any call may do it."""
    above = rule.condition.above if isinstance(rule.condition, Threshold) else None
    if above is None or not what.adds_up:
        return None
    minutes = Decimal(str(rule.window.total_seconds())) / 60
    return above * minutes if watched(rule.measure).is_rate else above


def _by_hour(
    rule: Rule, what: Measure, sources: Sources, period: Period, amount: Callable[[Sequence[Spend]], Decimal]
) -> list[dict[datetime, Decimal]]:
    """Return for each group the amount of its hours."""
    everything = SpendQuestion(period, rule.group_by, Interval.HOUR, filters=rule.filters)
    found: dict[tuple[str | None, ...], dict[datetime, list[Spend]]] = defaultdict(lambda: defaultdict(list))
    for extra in what.among:
        for row in sources.ledger.spend(replace(everything, filters=(*rule.filters, *extra))).rows:
            if row.start is not None:
                found[row.key][row.start].append(row.spend)
    return [{start: amount(spends) for start, spends in starts.items()} for starts in found.values()]


def _episodes(transitions: Sequence[tuple[datetime, Alert]]) -> list[Episode]:
    ends = {(alert.key, alert.fired_at): at for at, alert in transitions if alert.state is State.RESOLVED}
    return [
        Episode(alert.rule, at, ends.get((alert.key, alert.fired_at)), alert.verdict)
        for at, alert in transitions
        if alert.state is State.FIRING
    ]
