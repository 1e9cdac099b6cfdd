"""Reconciles by night what is configured: each month once its days are settled. One background thread."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Final

from costspan.core.clock import Clock
from costspan.core.errors import CostspanError
from costspan.core.period import Period
from costspan.server.background import Background
from costspan.server.pipeline.caretaker import following_night
from costspan.server.reconciliation.reconciler import Reconciler
from costspan.server.reconciliation.settings import BillSettings

LOOK_EVERY_S: Final = 60.0

_log = logging.getLogger("costspan.reconciliation")


class Bookkeeper:
    """Looks at its start and every night whether a month is to be reconciled. Telemetry never waits for a provider."""

    def __init__(self, reconciler: Reconciler, clock: Clock, is_on_duty: Callable[[], bool] = lambda: True) -> None:
        """`is_on_duty` says whether this process is the one that does it, of those that share the ledger."""
        self._is_on_duty = is_on_duty
        self._reconciler = reconciler
        self._clock = clock
        self._night: datetime | None = None
        self._reconciling = Background("reconciliation", self._look, LOOK_EVERY_S)

    def start(self) -> None:
        """Begin, where anything is configured."""
        if self._reconciler.configured:
            self._reconciling.start()

    def stop(self) -> None:
        """End; a report under way is left."""
        self._reconciling.stop(within_s=0)

    def round(self) -> int:
        """Reconcile the months that are due; return how many."""
        done = 0
        for settings, month in self._due():
            if self._reconciling.is_stopping:
                break
            try:
                self._reconciler.fetch(settings.provider, month)
                found = self._reconciler.judge(settings.provider, month)
                _log.info("%s %s: %s", settings.provider, f"{month.since:%Y-%m}", found.state)
                done += 1
            except CostspanError as error:
                _log.warning("%s's bill is not compared: %s", settings.provider, error)
        return done

    def _due(self) -> Iterator[tuple[BillSettings, Period]]:
        now = self._clock()
        for settings in self._reconciler.configured:
            month = last_settled_month(now, settings.settle)
            made = [each for each in self._reconciler.all(settings.provider) if each.period == month]
            if not any(each.made_at >= month.until + settings.settle for each in made):
                yield settings, month

    def _look(self) -> float:
        if self._is_on_duty() and (self._night is None or self._clock() >= self._night):
            self.round()
            self._night = following_night(self._clock())
        return LOOK_EVERY_S


def last_settled_month(now: datetime, settle: timedelta) -> Period:
    """Return the latest month whose last day is settled."""
    until = (now - settle).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return Period((until - timedelta(days=1)).replace(day=1), until)
