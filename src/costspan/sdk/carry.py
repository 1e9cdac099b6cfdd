"""Attribution in threads: tasks of a thread pool are for whom the code that submitted them is for.

A pool's task begins and ends with its scope, so `configure` sees to it. A bare thread may outlive the scope that
happened to start it, such as a queue's worker started by the first request; carrying there is the program's to say.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final, ParamSpec, TypeVar

from costspan.core.attribution import Attribution
from costspan.sdk.attribute import attribution_in, enter, leave
from costspan.sdk.safety import never_raise

P = ParamSpec("P")
T = TypeVar("T")

_NOBODY: Final = Attribution()


def carry(function: Callable[P, T]) -> Callable[P, T]:
    """Return `function` bound to the attribution in force now, for a thread, a callback or a queue to call later."""
    said = never_raise(_NOBODY)(attribution_in)()
    return function if said == _NOBODY else _bound(function, said)


def carry_into_pools() -> None:
    """Have every `ThreadPoolExecutor.submit` carry the attribution over; done once however often it is called.

    `asyncio.to_thread`, anyio and so FastAPI copy the context themselves; `loop.run_in_executor` comes through here.
    """
    submit: Callable[..., Future[Any]] = ThreadPoolExecutor.submit
    if hasattr(submit, "carries_attribution"):
        return

    @functools.wraps(submit)
    def carrying(pool: ThreadPoolExecutor, function: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        return submit(pool, carry(function), *args, **kwargs)

    carrying.carries_attribution = True  # type: ignore[attr-defined]
    ThreadPoolExecutor.submit = carrying  # type: ignore[method-assign, assignment]


def _bound(function: Callable[P, T], said: Attribution) -> Callable[P, T]:
    @functools.wraps(function)
    def bound(*args: P.args, **kwargs: P.kwargs) -> T:
        token = enter(said)
        try:
            return function(*args, **kwargs)
        finally:
            leave(token)

    return bound
