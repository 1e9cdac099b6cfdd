"""The guard between costspan and its host: nothing of ours may raise into an application, or flood its log."""

from __future__ import annotations

import functools
import logging
import threading
from collections.abc import Callable
from typing import Final, ParamSpec, TypeVar

LOG: Final = logging.getLogger("costspan")

P = ParamSpec("P")
T = TypeVar("T")
U = TypeVar("U")

_said: Final[set[str]] = set()


def log_once(message: str, *, level: int = logging.WARNING, error: BaseException | None = None) -> None:
    """Log `message` the first time it is met in this process; `error` adds its traceback."""
    if message not in _said:
        _said.add(message)
        LOG.log(level, message, exc_info=error)


def never_raise(otherwise: U) -> Callable[[Callable[P, T]], Callable[P, T | U]]:
    """Decorate a step that runs inside a host: any exception is logged once and becomes `otherwise`."""

    def guarded(step: Callable[P, T]) -> Callable[P, T | U]:
        named = getattr(step, "__qualname__", None) or repr(step)  # a `partial` has no name

        @functools.wraps(step)
        def safely(*args: P.args, **kwargs: P.kwargs) -> T | U:
            try:
                return step(*args, **kwargs)
            except Exception as error:  # noqa: BLE001 - the one place: telemetry must never break its host
                log_once(f"costspan: {named} failed and was passed over", error=error)
                return otherwise

        return safely

    return guarded


def done_within(seconds: float, *steps: Callable[[], bool]) -> bool:
    """Run `steps` on a thread of their own and return whether all were done and True in time; the last may go on."""
    answers: list[bool] = []

    def run() -> None:
        answers.extend(never_raise(otherwise=False)(step)() for step in steps)

    worker = threading.Thread(target=run, name="costspan-flush", daemon=True)
    worker.start()
    worker.join(seconds)
    return len(answers) == len(steps) and all(answers)
