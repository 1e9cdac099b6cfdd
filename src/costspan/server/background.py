"""Work beside the server's requests: one thread that looks, again and again, whether there is something to do."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Final

AGAIN_AFTER_S: Final = 10.0
"""When a look that failed for an unknown reason is repeated."""

_log = logging.getLogger("costspan.background")


class Background:
    """A thread that lasts until it is stopped: what nobody foresaw is logged, and the next look comes all the same."""

    def __init__(self, name: str, look: Callable[[], float], again_after_s: float = AGAIN_AFTER_S) -> None:
        """`look` does what is due and returns in how many seconds to look again."""
        self._look = look
        self._again_after_s = again_after_s
        self._stopping = threading.Event()
        self._woken = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"costspan-{name}", daemon=True)

    @property
    def is_stopping(self) -> bool:
        """True once `stop` was called: a look that takes long ends early."""
        return self._stopping.is_set()

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def wake(self) -> None:
        """Look now."""
        self._woken.set()

    def pause(self, seconds: float) -> bool:
        """Wait inside a look; return whether it is to end."""
        return self._stopping.wait(seconds)

    def stop(self, within_s: float | None = None) -> None:
        """End after the look under way, and wait for that, at most so long."""
        self._stopping.set()
        self._woken.set()
        if self._thread.is_alive():
            self._thread.join(within_s)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._woken.clear()
            if self._stopping.is_set():
                return
            try:
                pause_s = self._look()
            except Exception:  # noqa: BLE001 - whatever it is, alerts are judged and calls forwarded tomorrow, too
                _log.exception("%s failed, tried again in %.0f s", self._thread.name, self._again_after_s)
                pause_s = self._again_after_s
            self._woken.wait(pause_s)
