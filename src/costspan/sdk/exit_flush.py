"""No span is lost when the program ends, and no program hangs because a server is away."""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Callable
from importlib import import_module
from typing import Final

from costspan.sdk.safety import never_raise
from costspan.sdk.when_imported import when_imported

EXIT_BOUND_S: Final = 5.0


class ExitFlush:
    """Runs `finish` at exit, waiting for it `bound_s` seconds at most.

    The thread is started beforehand because Python 3.12 and later start none while they shut down, and again in every
    forked child, which has no copy of it.
    """

    def __init__(self, finish: Callable[[], None], bound_s: float = EXIT_BOUND_S) -> None:
        self._finish = finish
        self._bound_s = bound_s
        self._arm()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._arm)
        atexit.register(self.now)
        when_imported("multiprocessing.util", self._join_multiprocessing)

    def now(self) -> None:
        """Finish within the bound."""
        atexit.unregister(self.now)
        self._wanted.set()
        self._thread.join(self._bound_s)

    @never_raise(None)
    def _arm(self) -> None:
        self._wanted = threading.Event()
        self._thread = threading.Thread(target=self._wait, args=(self._wanted,), name="costspan-exit", daemon=True)
        self._thread.start()

    def _join_multiprocessing(self) -> None:
        # A multiprocessing child leaves through os._exit, past atexit; it runs what is registered after its fork.
        util = import_module("multiprocessing.util")
        util.register_after_fork(self, lambda flush: util.Finalize(None, flush.now, exitpriority=0))

    def _wait(self, wanted: threading.Event) -> None:
        wanted.wait()
        self._finish()
