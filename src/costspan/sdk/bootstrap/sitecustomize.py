"""Put first on the path by `costspan run`: Python imports it at start-up, before the application.

Hands over to the `sitecustomize` it hides, and never keeps a program from starting.
"""

from __future__ import annotations

import os
import signal
import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from types import FrameType


def _start() -> None:
    try:
        from costspan.sdk.configure import Configured, configure  # noqa: PLC0415 - may not be installed for this Python
    except ImportError as missing:
        print(f"costspan: not recording {sys.executable}: {missing}", file=sys.stderr)
        return
    configured = configure()
    if configured.active and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, lambda number, frame: _flush_and_die(configured, number, frame))


def _flush_and_die(configured: object, number: int, _frame: FrameType | None) -> None:
    # The default action ends the process without running anything at exit: spans of the last second would be lost.
    signal.signal(number, signal.SIG_DFL)
    configured.finish()  # type: ignore[attr-defined]
    os.kill(os.getpid(), number)


def _hand_over() -> None:
    here = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH120, PTH100 - pathlib is not worth its import here
    hidden = PathFinder.find_spec("sitecustomize", [path for path in sys.path if os.path.abspath(path) != here])  # noqa: PTH100
    if hidden and hidden.loader:
        sys.modules["sitecustomize"] = module = module_from_spec(hidden)
        hidden.loader.exec_module(module)


_hand_over()
_start()
