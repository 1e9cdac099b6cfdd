"""Keeps the ledger in order while it is served: rolls up as rows come, removes by night what is past its time.

What writes is done a little at a time, so that telemetry waits for a fraction of a second at most.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final, Protocol, TypeVar

from costspan.core.clock import Clock
from costspan.core.errors import CostspanError, RetryableError
from costspan.server.background import Background
from costspan.server.store.upkeep import Manifest, Removed, Retention, Upkeep, Verdict

Result = TypeVar("Result")

LOOK_EVERY_S: Final = 5.0
ROLL_UP_FROM: Final = 50_000
"""Rows that wait before they are rolled up; a question reads those that wait one by one."""
MERGE_FROM: Final = 20_000
"""Roll-up rows that must go away before merging is worth a pause."""
NIGHT_H: Final = 3
"""The hour, in UTC, of the nightly round."""

_log = logging.getLogger("costspan.upkeep")


class Write(Protocol):
    """Runs what writes where and when it may, and returns what it returned."""

    def __call__(self, act: Callable[[], Result]) -> Result:
        """Run `act`."""


class Caretaker:
    """One background thread. Does a round at its start and every night, and rolls up in between.

    Of processes that share a ledger the one that `is_on_duty` does it, from when it is.
    """

    def __init__(
        self,
        write: Write,
        upkeep: Upkeep,
        retention: Retention,
        clock: Clock,
        *,
        is_on_duty: Callable[[], bool] = lambda: True,
    ) -> None:
        self._write = write
        self._is_on_duty = is_on_duty
        self._upkeep = upkeep
        self._retention = retention
        self._clock = clock
        self._copying = threading.Lock()
        self._night: datetime | None = None
        self._keeping = Background("upkeep", self._look)
        self.verdict: Verdict | None = None

    def start(self) -> None:
        """Begin."""
        self._keeping.start()

    def stop(self) -> None:
        """Finish the step under way and end."""
        self._keeping.stop()

    def round(self) -> Removed:
        """Roll up, remove what is past its time, and make room; return what was removed."""
        while self._write(lambda: self._upkeep.roll_up(ROLL_UP_FROM)) and not self._keeping.is_stopping:
            pass
        self._write(lambda: self._upkeep.merge(1))
        calls = links = raw = 0
        while not self._keeping.is_stopping:
            step = self._write(lambda: self._upkeep.retain(self._retention, self._clock()))
            if step == Removed():
                break
            calls, links, raw = calls + step.calls, links + max(0, step.links), raw + step.raw
        removed = Removed(calls=calls, links=links, raw=raw)
        if removed != Removed():
            _log.info("removed by retention: %d calls, %d spans, %d received records", calls, links, raw)
            self._write(self._upkeep.checkpoint)
        return removed

    def verify(self, progress: Callable[[float], None] = lambda _: None, *, repair: bool = False) -> Verdict:
        """Look whether everything adds up; with `repair` make wrong roll-ups anew from their rows."""
        verdict = self._upkeep.verify(progress)
        for finding in verdict.findings:
            _log.error("%s: %d x %s", f"{finding.day:%Y-%m-%d}", finding.rows, finding.what)
        if repair:
            for day in sorted({finding.day for finding in verdict.findings if finding.rolled_up}):
                self._write(partial(self._upkeep.add_up_again, day))
        self.verdict = verdict
        return verdict

    def backup(self, target: Path, progress: Callable[[float], None] = lambda _: None) -> Manifest:
        """Copy the ledger to a file that is not there yet, while telemetry goes on; return what the copy holds.

        Raise RetryableError when a copy is being made, UsageError when the file is there, Unreachable without room.
        """
        if not self._copying.acquire(blocking=False):
            raise RetryableError("a backup is being made", retry_after_s=30)
        try:
            manifest = self._write(self._upkeep.begin_copy)
            self._upkeep.copy(target, progress)
        finally:
            try:
                self._write(self._upkeep.end_copy)
            finally:
                self._copying.release()
        return manifest

    def _look(self) -> float:
        try:
            if not self._is_on_duty():
                self._night = None
            elif self._night is None or self._clock() >= self._night:
                self.round()
                if self._night is not None:
                    self.verify()
                self._night = following_night(self._clock())
            elif self._upkeep.waiting() >= ROLL_UP_FROM:
                self._write(lambda: self._upkeep.roll_up(ROLL_UP_FROM))
                self._write(lambda: self._upkeep.merge(MERGE_FROM))
                return 0
        except CostspanError as error:
            _log.warning("upkeep is put off: %s", error)
        return LOOK_EVERY_S


def following_night(now: datetime) -> datetime:
    """Return when the next nightly round is due."""
    tonight = now.replace(hour=NIGHT_H, minute=0, second=0, microsecond=0)
    return tonight if tonight > now else tonight + timedelta(days=1)
