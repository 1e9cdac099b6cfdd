"""A notification as a value: what is told of one rule at one time, and its text."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec

from costspan.core.period import iso
from costspan.server.alerts.rule import Rule
from costspan.server.alerts.silence import labels_of
from costspan.server.alerts.state import Alert, State

MOST_ALERTS: Final = 50
"""Alerts of one rule that one notification lists; how many more there are is said."""
RULE_LABEL: Final = "alertname"


class Kind(StrEnum):
    """Why somebody is told."""

    FIRING = "firing"
    REPEAT = "repeat"
    RESOLVED = "resolved"
    TEST = "test"


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldAlert:
    """One alert of a notification. `fingerprint` is the same for the same rule and group."""

    labels: dict[str, str]
    fingerprint: str
    text: str
    reasons: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    link: str = ""
    starts_at: datetime
    ends_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """What a notifier sends. `id` is the same whenever the same is told again, after a crash for instance."""

    id: str
    kind: Kind
    rule: str
    severity: str
    at: datetime
    url: str
    """The dashboard's address, with a slash at its end."""
    alerts: tuple[ToldAlert, ...]
    left_out: int = 0

    @property
    def is_over(self) -> bool:
        """True when nothing it tells of fires any more."""
        return self.kind is Kind.RESOLVED

    @property
    def title(self) -> str:
        """One line: what happened."""
        count = len(self.alerts) + self.left_out
        first = self.alerts[0].text if self.alerts else ""
        more = f" (and {count - 1} more)" if count > 1 else ""
        return f"[{_WORD[self.kind]}] {self.rule}: {first}{more}"

    def body(self, *, in_doubt: bool = False) -> str:
        """Return the text below the title; `in_doubt` says that it may have been sent before."""
        lines: list[str] = []
        for alert in self.alerts:
            lines += [alert.text, *(f"  {reason}" for reason in alert.reasons)]
            lines += [f"  since {iso(alert.starts_at)}" + (f", over {iso(alert.ends_at)}" if alert.ends_at else "")]
            lines += [f"  {self.url}{alert.link}"] if alert.link else []
        if self.left_out:
            lines.append(f"and {self.left_out} more: {self.url}alerts")
        if in_doubt:
            lines.append("Sent again: the server stopped before it knew whether the first one arrived.")
        return "\n".join([*lines, f"Id {self.id}"])


_WORD: Final = {Kind.FIRING: "FIRING", Kind.REPEAT: "STILL FIRING", Kind.RESOLVED: "RESOLVED", Kind.TEST: "TEST"}


def notification(
    kind: Kind, rule: Rule, alerts: Sequence[Alert], at: datetime, *, notifier: str, url: str
) -> Notification:
    """Return what one notifier is told of alerts of one rule."""
    told = [_told(rule, alert) for alert in alerts[:MOST_ALERTS]]
    episodes = sorted([alert.key[1], iso(alert.fired_at) if alert.fired_at else ""] for alert in alerts)
    # A repetition is another notification each time; everything else is told once of an episode.
    said = [notifier, rule.name, kind.value, episodes, iso(at) if kind is Kind.REPEAT else ""]
    return Notification(
        id=hashlib.sha256(msgspec.json.encode(said)).hexdigest()[:32],
        kind=kind,
        rule=rule.name,
        severity=rule.severity,
        at=at,
        url=url,
        alerts=tuple(told),
        left_out=len(alerts) - len(told),
    )


def example(notifier: str, at: datetime, url: str) -> Notification:
    """Return the notification that `costspan alerts test` sends."""
    labels = {RULE_LABEL: "test", "severity": "info"}
    told = ToldAlert(labels=labels, fingerprint=_fingerprint(labels), text="notifications arrive", starts_at=at)
    return Notification(
        id=hashlib.sha256(f"test {notifier} {iso(at)}".encode()).hexdigest()[:32],
        kind=Kind.TEST,
        rule="test",
        severity="info",
        at=at,
        url=url,
        alerts=(told,),
    )


def _told(rule: Rule, alert: Alert) -> ToldAlert:
    labels = labels_of(rule, alert.group)
    labels[RULE_LABEL] = labels.pop("rule")
    over = alert.state is not State.FIRING
    return ToldAlert(
        labels=labels,
        fingerprint=_fingerprint(labels),
        text=alert.verdict.text,
        reasons=alert.verdict.reasons,
        facts=alert.verdict.facts,
        link=alert.verdict.link,
        starts_at=alert.fired_at or alert.since,
        ends_at=alert.since if over else None,
    )


def _fingerprint(labels: dict[str, str]) -> str:
    return hashlib.sha256(msgspec.json.encode(sorted(labels.items()))).hexdigest()[:16]
