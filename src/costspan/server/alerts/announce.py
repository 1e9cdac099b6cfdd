"""Who is to be told what of how alerts stand: not of what is silenced or inhibited, and of nothing twice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from costspan.server.alerts.notification import Kind
from costspan.server.alerts.rule import Rule
from costspan.server.alerts.silence import is_active, labels_of, silences
from costspan.server.alerts.state import Alert, State
from costspan.server.store.alerts import AlertKey, StoredSilence

Alerts = Mapping[AlertKey, Alert]


@dataclass(frozen=True, slots=True)
class Notice:
    """What some notifiers are told of alerts of one rule."""

    kind: Kind
    rule: str
    notifiers: tuple[str, ...]
    alerts: tuple[Alert, ...]


def announce(
    alerts: Alerts,
    rules: Mapping[str, Rule],
    quiet: Sequence[StoredSilence],
    now: datetime,
) -> tuple[dict[AlertKey, Alert], list[Notice]]:
    """Return the alerts with who was told of them, and the notices that tell it.

    That an alert is over is told to whoever was told that it fires, silenced or not: it closes what it opened.
    """
    after: dict[AlertKey, Alert] = {}
    notices: dict[tuple[str, Kind, tuple[str, ...]], list[Alert]] = {}
    firing = [alert for alert in alerts.values() if alert.state is State.FIRING and alert.rule in rules]
    for key, alert in alerts.items():
        after[key] = alert
        if alert.state is not State.FIRING:
            if alert.told_at is not None:
                notices.setdefault((alert.rule, Kind.RESOLVED, alert.told), []).append(alert)
                after[key] = replace(alert, told_at=None, told=())
        elif rule := rules.get(alert.rule):
            kind = _due(alert, rule, now)
            why = _suppressed(alert, rules, firing, quiet, now)
            if kind is not None and not why:
                notices.setdefault((alert.rule, kind, rule.notify), []).append(alert)
                after[key] = replace(alert, told_at=now, told=rule.notify, note="")
            elif alert.note != why:
                after[key] = replace(alert, note=why)
    return after, [Notice(kind, rule, to, tuple(told)) for (rule, kind, to), told in notices.items()]


def _due(alert: Alert, rule: Rule, now: datetime) -> Kind | None:
    if alert.told_at is None:
        return Kind.FIRING
    return Kind.REPEAT if rule.repeat is not None and now - alert.told_at >= rule.repeat else None


def _suppressed(
    alert: Alert,
    rules: Mapping[str, Rule],
    firing: Iterable[Alert],
    quiet: Sequence[StoredSilence],
    now: datetime,
) -> str:
    """Return why nobody is told of a firing alert; empty where nothing speaks against it."""
    labels = labels_of(rules[alert.rule], alert.group)
    for silence in quiet:
        if is_active(silence, now) and silences(silence, labels):
            return f"silenced by {silence.id}"
    for other in firing:
        if alert.rule in rules[other.rule].inhibits and _same_where_both_say(alert, other):
            return f"inhibited by {other.rule}"
    return ""


def _same_where_both_say(one: Alert, other: Alert) -> bool:
    group, others = dict(one.group), dict(other.group)
    return all(group[key] == others[key] for key in group.keys() & others.keys())
