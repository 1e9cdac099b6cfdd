"""A round of judging: every rule that is due, up to now, in one commit with what is to be told.

What is told stands in the same transaction as the state it tells of (docs/decisions/0018), so whatever stops the
process, a transition is either known together with its notification or not at all.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from costspan.core.errors import CostspanError
from costspan.server.alerts.announce import Notice, announce
from costspan.server.alerts.conditions import judge
from costspan.server.alerts.conditions.base import Sources, Truth, Verdict, group_text
from costspan.server.alerts.notification import notification
from costspan.server.alerts.rule import Rule, Threshold
from costspan.server.alerts.state import Alert, State, group_key, retired, step
from costspan.server.store.alerts import (
    AlertChanges,
    AlertEvent,
    AlertKey,
    AlertStanding,
    AlertStore,
    QueuedNotification,
)

CATCH_UP: Final = timedelta(hours=1)
"""How far back a rule is judged that was not judged while the server was down."""
MOST_MOMENTS: Final = 60
"""Moments that one catching up looks at; beyond it they are further apart."""
_SEEN_TO_THE: Final = timedelta(hours=1)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ENCODE: Final = msgspec.json.Encoder()
_ALERT: Final = msgspec.json.Decoder(Alert)

_log = logging.getLogger("costspan.alerts")

Write = Callable[[Callable[[], None]], None]
"""Runs what writes where the ledger is written, and returns when it is durable."""


def alert_of(document: str) -> Alert:
    """Return an alert as it was kept."""
    return _ALERT.decode(document)


def next_moment(rules: Iterable[Rule], now: datetime) -> datetime | None:
    """Return the first moment after now at which any of the rules is to be judged, None where there is none."""
    return min((_EPOCH + ((now - _EPOCH) // rule.every + 1) * rule.every for rule in rules), default=None)


def moments(rule: Rule, last: datetime | None, now: datetime) -> list[datetime]:
    """Return the moments at which a rule is to be judged: whole multiples of `every` up to now."""
    current = _EPOCH + (now - _EPOCH) // rule.every * rule.every
    if last is None:
        return [current]
    since = max(last, current - max(CATCH_UP, rule.every))
    count = (current - since) // rule.every
    apart = rule.every * max(1, -(-count // MOST_MOMENTS))
    return [current - apart * back for back in range((current - since - timedelta(microseconds=1)) // apart, -1, -1)]


@dataclass(slots=True)
class _Round:
    """What has been found so far."""

    now: datetime
    alerts: dict[AlertKey, Alert]
    judged_at: dict[str, datetime] = field(default_factory=dict)
    transitions: list[tuple[datetime, Alert]] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)


class Evaluator:
    """Judges rules. Keeps nothing itself: what it goes on from is what was committed. One thread at a time."""

    def __init__(
        self, rules: Sequence[Rule], sources: Sources, store: AlertStore, write: Write, *, url: str = ""
    ) -> None:
        self._rules = {rule.name: rule for rule in rules}
        self._sources = sources
        self._store = store
        self._write = write
        self._url = url
        self.problems: Mapping[str, str] = {}
        """Rule -> why it could not be judged in the last round."""

    def round(self, now: datetime) -> bool:
        """Judge what is due and commit it; return whether anything is to be told.

        Raise StoreUnavailable where nothing could be kept: the next round begins where this one did.
        """
        standing = self._store.standing()
        current = _Round(now, {key: alert_of(document) for key, document in standing.standing.items()})
        problems: dict[str, str] = {}
        for rule in self._rules.values():
            try:
                self._judge(rule, standing, current)
            except CostspanError as error:
                problems[rule.name] = str(error)
            except Exception as error:  # noqa: BLE001 - whatever is wrong with one rule, the others are judged
                _log.exception("the rule %s could not be judged", rule.name)
                problems[rule.name] = f"{type(error).__name__}: {error}"
        self.problems = problems
        self._retire(current)
        self._tell(current, standing, now)
        changes = self._changes(current, standing)
        if changes == AlertChanges():
            return False
        self._write(lambda: self._store.commit(changes))
        return bool(changes.notifications)

    def _judge(self, rule: Rule, standing: AlertStanding, current: _Round) -> None:
        last = standing.judged_at.get(rule.name)
        due = moments(rule, last, current.now)
        if last is not None and due and due[0] - last > CATCH_UP:
            # Nobody knows whether the condition was met all the while.
            _drop_pending(rule, current.alerts)
        for at in due:
            # All verdicts first: what cannot be judged changes nothing.
            verdicts = judged(rule, self._sources, at, current.alerts)
            for verdict in verdicts:
                advance(rule, verdict, at, current.alerts, current.transitions)
            current.judged_at[rule.name] = at
            if rule.notify_past:
                self._tell(current, standing, at, only=rule.name)

    def _retire(self, current: _Round) -> None:
        for key, alert in list(current.alerts.items()):
            if alert.rule not in self._rules and alert.state is not State.RESOLVED:
                after = retired(alert, current.now)
                if after is not None:
                    current.alerts[key] = after
                    current.transitions.append((current.now, after))
                else:
                    del current.alerts[key]
            elif alert.rule not in self._rules:
                del current.alerts[key]

    def _tell(self, current: _Round, standing: AlertStanding, at: datetime, only: str | None = None) -> None:
        after, notices = announce(current.alerts, self._rules, standing.silences, at)
        kept = [notice for notice in notices if only in (None, notice.rule)]
        current.notices += kept
        current.alerts |= {key: alert for key, alert in after.items() if only in (None, alert.rule)}

    def _changes(self, current: _Round, standing: AlertStanding) -> AlertChanges:
        before = {key: alert_of(document) for key, document in standing.standing.items()}
        changed = {key: alert for key, alert in current.alerts.items() if _is_news(before.get(key), alert)}
        return AlertChanges(
            judged_at=current.judged_at,
            standing={key: _ENCODE.encode(alert).decode() for key, alert in changed.items()},
            gone=[key for key in before if key not in current.alerts],
            events=[_event(at, alert, current) for at, alert in current.transitions],
            notifications=[queued for notice in current.notices for queued in self._queued(notice, current.now)],
        )

    def _queued(self, notice: Notice, now: datetime) -> list[QueuedNotification]:
        rule = self._rules.get(notice.rule) or Rule(name=notice.rule, condition=Threshold())
        said = [
            (notifier, notification(notice.kind, rule, notice.alerts, now, notifier=notifier, url=self._url))
            for notifier in dict.fromkeys(notice.notifiers)
        ]
        return [
            QueuedNotification(
                id=each.id,
                notifier=notifier,
                rule=notice.rule,
                created_at=now,
                due_at=now,
                document=_ENCODE.encode(each).decode(),
            )
            for notifier, each in said
        ]


def judged(rule: Rule, sources: Sources, at: datetime, alerts: Mapping[AlertKey, Alert]) -> list[Verdict]:
    """Return the verdicts on a rule, also on the groups that are known and of which nothing was said."""
    verdicts = list(judge(rule, sources, at - rule.delay))
    found = {group_key(verdict.group) for verdict in verdicts}
    # A threshold judges every group with calls; the others name those that are not as they should be.
    is_lacking = isinstance(rule.condition, Threshold)
    for (name, group), alert in alerts.items():
        if name == rule.name and group not in found:
            truth = Truth.NO_DATA if is_lacking else Truth.NOT_MET
            text = f"{'no calls' if is_lacking else 'nothing unusual any more'}{group_text(alert.group)}"
            verdicts.append(
                replace(alert.verdict, truth=truth, observed=None, samples=0, text=text, reasons=(), facts=())
            )
    return verdicts


def advance(
    rule: Rule,
    verdict: Verdict,
    at: datetime,
    alerts: dict[AlertKey, Alert],
    transitions: list[tuple[datetime, Alert]],
) -> None:
    """Take one verdict into `alerts`; add to `transitions` what it made fire or end."""
    key = rule.name, group_key(verdict.group)
    before = alerts.get(key)
    after = step(before, verdict, rule, at)
    if after is None:
        alerts.pop(key, None)
        return
    alerts[key] = after
    was = before.state if before else State.INACTIVE
    if after.state is not was and (after.state is State.FIRING or was is State.FIRING):
        transitions.append((at, after))


def _drop_pending(rule: Rule, alerts: dict[AlertKey, Alert]) -> None:
    for key, alert in list(alerts.items()):
        if alert.rule == rule.name and alert.state is State.PENDING and alert.told_at is None:
            del alerts[key]


def _is_news(before: Alert | None, after: Alert) -> bool:
    """Return whether an alert is worth writing: of one that is inactive only about when it was seen last."""
    if before is not None and before.state is after.state is State.INACTIVE:
        return after.seen_at - before.seen_at >= _SEEN_TO_THE
    return before != after


def _event(at: datetime, alert: Alert, current: _Round) -> AlertEvent:
    note = ""
    if alert.state is State.FIRING and not any(alert.fired_at == told.fired_at for told in _told(current, alert.key)):
        now = current.alerts.get(alert.key)
        is_same = now is not None and now.state is State.FIRING and now.fired_at == alert.fired_at
        note = now.note if now is not None and is_same else "over before anybody could be told"
    document = _ENCODE.encode(alert.verdict).decode()
    return AlertEvent(at=at, key=alert.key, state=alert.state.value, note=note, document=document)


def _told(current: _Round, key: AlertKey) -> Iterator[Alert]:
    return (alert for notice in current.notices for alert in notice.alerts if alert.key == key)
