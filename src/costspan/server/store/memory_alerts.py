"""The meaning of the port `AlertStore`, in plain Python; keeps nothing after exit."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from costspan.core.clock import Clock, system_clock
from costspan.server.store.alerts import (
    AlertBook,
    AlertChanges,
    AlertEvent,
    AlertKey,
    AlertStanding,
    QueuedNotification,
    SendState,
    StoredSilence,
)

OPEN = (SendState.QUEUED, SendState.SENDING)
SILENCE_KEPT = timedelta(days=1)


_EMPTY: Final = AlertBook()


class MemoryAlerts:
    """What alerting keeps, in lists."""

    def __init__(self, clock: Clock = system_clock, book: AlertBook = _EMPTY) -> None:
        """Begin with what `book` says."""
        self._clock = clock
        self._judged_at: dict[str, datetime] = dict(book.judged_at)
        self._standing: dict[AlertKey, str] = {(rule, group): document for rule, group, document in book.standing}
        self._events: list[AlertEvent] = list(book.events)
        self._notifications = {(each.notifier, each.id): each for each in book.notifications}
        self._silences: dict[str, StoredSilence] = {each.id: each for each in book.silences}

    def book(self, most: int) -> AlertBook:
        """Return all that is kept; of events and of notifications that need no more doing the latest `most`."""
        notifications = list(self._notifications.values())
        latest = set(map(id, notifications[-most:]))
        return AlertBook(
            judged_at=dict(self._judged_at),
            standing=tuple((*key, document) for key, document in self._standing.items()),
            events=tuple(self._events[-most:]),
            notifications=tuple(each for each in notifications if each.state in OPEN or id(each) in latest),
            silences=tuple(self._silences.values()),
        )

    def standing(self) -> AlertStanding:
        """Return how everything stands."""
        since = self._clock() - SILENCE_KEPT
        silences = sorted((each for each in self._silences.values() if each.ends_at > since), key=lambda s: s.id)
        return AlertStanding(judged_at=dict(self._judged_at), standing=dict(self._standing), silences=tuple(silences))

    def events(self, limit: int, rule: str | None = None) -> Sequence[AlertEvent]:
        """Return the latest events, the latest first."""
        asked = [event for event in self._events if rule is None or event.key[0] == rule]
        return asked[::-1][:limit]

    def notifications(self, states: Sequence[SendState], limit: int) -> Sequence[QueuedNotification]:
        """Return notifications in any of `states`, the latest first."""
        return [each for each in self._notifications.values() if each.state in states][::-1][:limit]

    def commit(self, changes: AlertChanges) -> None:
        """Keep the changes."""
        self._judged_at |= changes.judged_at
        for key in changes.gone:
            self._standing.pop(key, None)
        self._standing |= changes.standing
        self._events += changes.events
        for each in changes.notifications:
            self._notifications.setdefault((each.notifier, each.id), each)

    def due(self, notifier: str, now: datetime) -> QueuedNotification | None:
        """Return the oldest notification to send that is due and waits for no other of its rule."""
        rules = set()
        for each in self._notifications.values():
            if each.notifier == notifier and each.state in OPEN:
                if each.due_at <= now and each.rule not in rules:
                    return each
                rules.add(each.rule)
        return None

    def put_notification(self, notification: QueuedNotification) -> None:
        """Keep how far a notification has come."""
        self._notifications[notification.notifier, notification.id] = notification

    def put_silence(self, silence: StoredSilence) -> None:
        """Keep a silence."""
        self._silences[silence.id] = silence
