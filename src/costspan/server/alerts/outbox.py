"""Sending what is queued: one thread for each notifier, in order for each rule, until it is taken or given up.

An attempt is written down before it is made and after it was answered, so that one that a crash cut off is known to be
in doubt: it is made again with the same id, by which the receiver knows it.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import msgspec

from costspan.core.clock import Clock
from costspan.core.errors import CostspanError, PermanentError, RetryableError
from costspan.server.alerts.notification import Notification
from costspan.server.alerts.notifiers.base import Notifier, Sending
from costspan.server.background import Background
from costspan.server.store.alerts import AlertStore, QueuedNotification, SendState

ATTEMPTS: Final = 10
"""Attempts after which a notification is given up, about four hours after the first."""
FIRST_PAUSE_S: Final = 1.0
LONGEST_PAUSE_S: Final = 3600.0
_GROWTH: Final = 4
_JITTER: Final = (0.8, 1.2)
_LOOK_EVERY_S: Final = 60.0
_LOOK_AGAIN_S: Final = 0.5
_OPEN: Final = (SendState.QUEUED, SendState.SENDING)

_log = logging.getLogger("costspan.alerts")
_DECODE: Final = msgspec.json.Decoder(Notification)


def pause_s(attempts: int, asked_s: float, jitter: float) -> float:
    """Return how long to wait after the so-and-so-many-th failure: four times as long each time, or what was asked."""
    return max(asked_s, min(LONGEST_PAUSE_S, FIRST_PAUSE_S * float(_GROWTH ** (attempts - 1))) * jitter)


class Courier:
    """Delivers what is queued for one notifier."""

    def __init__(
        self,
        name: str,
        notifier: Notifier,
        store: AlertStore,
        write: Callable[[Callable[[], None]], None],
        clock: Clock,
        is_on_duty: Callable[[], bool] = lambda: True,
    ) -> None:
        self._is_on_duty = is_on_duty
        self._name = name
        self._notifier = notifier
        self._store = store
        self._write = write
        self._clock = clock
        self._sending = Background(f"notify-{name}", self._look)

    def start(self) -> None:
        """Begin, with what an earlier process left."""
        self._sending.start()

    def wake(self) -> None:
        """There is something new to send."""
        self._sending.wake()

    def stop(self) -> None:
        """Finish the attempt under way and end."""
        self._sending.stop()

    def deliver(self) -> bool:
        """Make one attempt at the oldest notification that is due; return whether there was any."""
        queued = self._store.due(self._name, self._clock())
        if queued is None:
            return False
        attempt = replace(queued, state=SendState.SENDING, attempts=queued.attempts + 1)
        self._write(lambda: self._store.put_notification(attempt))
        outcome = self._outcome(attempt, in_doubt=queued.state is SendState.SENDING)
        self._keep(outcome)
        return True

    def _outcome(self, attempt: QueuedNotification, *, in_doubt: bool) -> QueuedNotification:
        try:
            notification = _DECODE.decode(attempt.document)
            self._notifier.send(Sending(notification, attempt.attempts, in_doubt))
        except PermanentError as error:
            return self._given_up(attempt, str(error))
        except RetryableError as error:
            return self._put_off(attempt, str(error), error.retry_after_s)
        except Exception as error:  # noqa: BLE001 - a notifier is somebody else's code
            # Its text may hold an address, which may hold a secret.
            return self._put_off(attempt, type(error).__name__, 0)
        return replace(attempt, state=SendState.SENT, error="")

    def _put_off(self, attempt: QueuedNotification, why: str, asked_s: float) -> QueuedNotification:
        if attempt.attempts >= ATTEMPTS:
            return self._given_up(attempt, why)
        pause = pause_s(attempt.attempts, asked_s, random.uniform(*_JITTER))  # noqa: S311 - no secret is made of it
        _log.warning("notification %s to %s is put off for %.0f s: %s", attempt.id, self._name, pause, why)
        return replace(attempt, state=SendState.QUEUED, error=why, due_at=self._clock() + timedelta(seconds=pause))

    def _given_up(self, attempt: QueuedNotification, why: str) -> QueuedNotification:
        _log.error("notification %s to %s is given up: %s", attempt.id, self._name, why)
        return replace(attempt, state=SendState.DEAD, error=why)

    def _keep(self, outcome: QueuedNotification) -> None:
        """Write down what became of an attempt; until it is, nothing else is sent."""
        while True:
            try:
                self._write(lambda: self._store.put_notification(outcome))
            except CostspanError as error:
                _log.warning("what became of notification %s could not be kept: %s", outcome.id, error)
                if self._sending.pause(_LOOK_AGAIN_S):
                    return
            else:
                return

    def _look(self) -> float:
        if not self._is_on_duty():
            return _LOOK_AGAIN_S
        try:
            if self.deliver():
                return 0
            waiting = self._store.notifications(_OPEN, 1_000)
        except CostspanError as error:
            _log.warning("notifications are put off: %s", error)
            return _LOOK_AGAIN_S
        return _LOOK_AGAIN_S if any(each.notifier == self._name for each in waiting) else _LOOK_EVERY_S


def again(dead: QueuedNotification, now: datetime) -> QueuedNotification:
    """Return a notification that was given up, to be tried anew."""
    return replace(dead, state=SendState.QUEUED, attempts=0, error="", due_at=now)
