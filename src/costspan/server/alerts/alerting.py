"""Alerting as it runs beside the server: one thread that judges, one for each notifier that sends."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final
from uuid import uuid4

from costspan.core.clock import Clock
from costspan.core.errors import CostspanError, NotFound, UsageError
from costspan.server.alerts.conditions.base import Sources
from costspan.server.alerts.evaluator import Evaluator, next_moment
from costspan.server.alerts.notification import example
from costspan.server.alerts.notifiers.base import Notifier, Sending
from costspan.server.alerts.outbox import Courier, again
from costspan.server.alerts.rule import Rule
from costspan.server.alerts.silence import checked_matchers
from costspan.server.background import Background
from costspan.server.store.alerts import AlertStore, SendState, StoredSilence

_LOOK_EVERY_S: Final = 60.0
_LOOK_AGAIN_S: Final = 1.0
LONGEST_SILENCE: Final = timedelta(days=366)
_MOST: Final = 10_000

_log = logging.getLogger("costspan.alerts")

Write = Callable[[Callable[[], None]], None]


class Alerting:
    """The rules and notifiers of one configuration over one ledger."""

    def __init__(
        self,
        rules: Sequence[Rule],
        notifiers: Mapping[str, Notifier],
        sources: Sources,
        store: AlertStore,
        write: Write,
        clock: Clock,
        url: str = "",
        is_on_duty: Callable[[], bool] = lambda: True,
    ) -> None:
        """`is_on_duty` tells whether this process judges and sends, of several over one ledger."""
        self._is_on_duty = is_on_duty
        self.rules = tuple(rules)
        self.sources = sources
        self.store = store
        self.notifiers = dict(notifiers)
        self._write = write
        self._clock = clock
        self._url = url
        self._evaluator = Evaluator(rules, sources, store, write, url=url)
        self._couriers = [Courier(name, each, store, write, clock, is_on_duty) for name, each in notifiers.items()]
        self._judging = Background("alerts", self._look)

    @property
    def problems(self) -> Mapping[str, str]:
        """Rule -> why it could not be judged in the last round."""
        return self._evaluator.problems

    def start(self) -> None:
        """Begin to judge and to send."""
        for courier in self._couriers:
            courier.start()
        self._judging.start()

    def stop(self) -> None:
        """Finish what is under way and end; what is queued is sent by the next process."""
        self._judging.stop()
        for courier in self._couriers:
            courier.stop()

    def round(self, now: datetime) -> None:
        """Judge what is due."""
        if self._evaluator.round(now):
            self._wake()

    def test(self, notifier: str) -> str:
        """Send a test notification and return its id. Raise NotFound for an unknown notifier, what sending raises."""
        if notifier not in self.notifiers:
            known = ", ".join(self.notifiers) or "none"
            raise NotFound(f"no notifier {notifier!r}; notifiers of costspan.yaml: {known}")
        said = example(notifier, self._clock(), self._url)
        self.notifiers[notifier].send(Sending(said))
        return said.id

    def silence(self, matchers: Sequence[str], length: timedelta, comment: str, author: str) -> StoredSilence:
        """Keep a silence from now on. Raise UsageError for matchers or a length that make no sense."""
        if not timedelta(0) < length <= LONGEST_SILENCE:
            raise UsageError("a silence lasts up to 366d")
        now = self._clock()
        silence = StoredSilence(
            id=uuid4().hex[:8],
            matchers=checked_matchers(matchers),
            starts_at=now,
            ends_at=now + length,
            comment=comment[:1_000],
            author=author[:200],
        )
        self._write(lambda: self.store.put_silence(silence))
        return silence

    def end_silence(self, silence_id: str) -> StoredSilence:
        """End a silence now. Raise NotFound where none of that id holds."""
        now = self._clock()
        held = {each.id: each for each in self.store.standing().silences if each.ends_at > now}
        if silence_id not in held:
            raise NotFound(f"no silence {silence_id!r} holds")
        ended = replace(held[silence_id], ends_at=max(now, held[silence_id].starts_at))
        self._write(lambda: self.store.put_silence(ended))
        return ended

    def send_again(self, notification_id: str) -> None:
        """Queue a notification that was given up. Raise NotFound where none of that id was."""
        dead = {each.id: each for each in self.store.notifications([SendState.DEAD], _MOST)}
        if notification_id not in dead:
            raise NotFound(f"no notification {notification_id!r} was given up")
        queued = again(dead[notification_id], self._clock())
        self._write(lambda: self.store.put_notification(queued))
        self._wake()

    def _wake(self) -> None:
        for courier in self._couriers:
            courier.wake()

    def _look(self) -> float:
        if not self._is_on_duty():
            return _LOOK_AGAIN_S
        try:
            self.round(self._clock())
        except CostspanError as error:
            _log.warning("judging is put off: %s", error)
            return _LOOK_AGAIN_S
        now = self._clock()
        due = next_moment(self.rules, now)
        return _LOOK_EVERY_S if due is None else min(_LOOK_EVERY_S, (due - now).total_seconds())
