"""Put first on the path by `costspan run`: Python imports it at start-up, before the application.

Hands over to the `sitecustomize` it hides, and never keeps a program from starting.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from pathlib import Path


def _hand_over() -> None:
    here = Path(__file__).parent.resolve()
    hidden = PathFinder.find_spec("sitecustomize", [path for path in sys.path if Path(path).resolve() != here])
    if hidden and hidden.loader:
        sys.modules["sitecustomize"] = module = module_from_spec(hidden)
        hidden.loader.exec_module(module)


def _start() -> None:
    try:
        from costspan.sdk.configure import configure  # noqa: PLC0415 - may not be installed for this Python
    except Exception as unfit:  # noqa: BLE001 - an OpenTelemetry that does not go with ours fails in its own ways
        print(f"costspan: not recording {sys.executable}: {unfit}", file=sys.stderr)
        return
    configured = configure()
    if configured.active and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, lambda number, _frame: _finish_and_die(configured.finish, number))


def _finish_and_die(finish: Callable[[], None], number: int) -> None:
    # The default action runs nothing at exit, which would lose the spans of the last second.
    signal.signal(number, signal.SIG_DFL)
    finish()
    os.kill(os.getpid(), number)


_start()
_hand_over()
