"""Generator functions that run in a context of their own, one step at a time. Used by `attribute`,
`track` and `budget` as decorators.

A generator shares the context of whoever asks for its next item (PEP 568, which would change that, is deferred), so
a scope entered inside would leak to the consumer between two items. Streaming endpoints are written this way.
"""

from __future__ import annotations

import functools
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import AbstractContextManager
from typing import Any

from opentelemetry.context import Context, attach, detach, get_current

Scope = Callable[[], AbstractContextManager[Context]]
"""Opens what surrounds one run of the generator, from its first step to its end, and gives the context of its steps."""


def in_scope(
    function: Callable[..., Generator[Any, Any, Any]], scope: Scope
) -> Callable[..., Generator[Any, Any, Any]]:
    """Return the generator function with the context of `scope` current while it runs, and only then."""

    @functools.wraps(function)
    def stepped(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        with scope() as first:
            generator, context = function(*args, **kwargs), first
            resume: Callable[[Any], Any] = generator.send
            value: Any = None
            while True:
                token = attach(context)
                try:
                    item = resume(value)
                except StopIteration as done:
                    return done.value
                finally:
                    context = get_current()
                    detach(token)
                try:
                    resume, value = generator.send, (yield item)
                except GeneratorExit:
                    token = attach(context)
                    try:
                        generator.close()
                    finally:
                        detach(token)
                    raise
                except BaseException as error:  # noqa: BLE001 - what the consumer throws is the generator's to handle
                    resume, value = generator.throw, error

    return stepped


def in_async_scope(
    function: Callable[..., AsyncGenerator[Any, Any]], scope: Scope
) -> Callable[..., AsyncGenerator[Any, Any]]:
    """Return the async generator function with the context of `scope` current while it runs, and only then."""

    @functools.wraps(function)
    async def stepped(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        with scope() as first:
            generator, context = function(*args, **kwargs), first
            resume: Callable[[Any], Any] = generator.asend
            value: Any = None
            while True:
                token = attach(context)
                try:
                    item = await resume(value)
                except StopAsyncIteration:
                    return
                finally:
                    context = get_current()
                    detach(token)
                try:
                    resume, value = generator.asend, (yield item)
                except GeneratorExit:
                    token = attach(context)
                    try:
                        await generator.aclose()
                    finally:
                        detach(token)
                    raise
                except BaseException as error:  # noqa: BLE001 - what the consumer throws is the generator's to handle
                    resume, value = generator.athrow, error

    return stepped
