"""A server that ends by the very signal that stopped it runs nothing at exit: what waits is sent as it stops.

uvicorn is one: it puts the default handler back and raises SIGTERM again (`Server.capture_signals`). A handler of ours
would change how programs end, and uvicorn, which imports the application late, would replace it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

from costspan.sdk.replaced_method import replace_method
from costspan.sdk.when_imported import when_imported


def send_as_servers_stop(flush: Callable[[], bool]) -> None:
    """Call `flush`, which takes seconds at most, when a server that is imported now or later has answered its last."""
    when_imported("uvicorn.server", partial(_complete_uvicorn, flush))


def _complete_uvicorn(flush: Callable[[], bool]) -> None:
    import asyncio  # noqa: PLC0415 - loaded by uvicorn, not by every program

    def around(shutdown: Callable[..., Any]) -> Callable[..., Any]:
        async def shut_down(*args: Any, **kwargs: Any) -> None:
            await shutdown(*args, **kwargs)
            await asyncio.get_running_loop().run_in_executor(None, flush)

        return shut_down

    replace_method(import_module("uvicorn.server").Server, "shutdown", around)
