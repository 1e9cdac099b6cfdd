"""`attribute`: say who the calls made here are for. Called by the application; read by `attribute_processor`."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from contextlib import nullcontext
from contextvars import ContextVar, Token
from types import MappingProxyType, TracebackType
from typing import Any, Final, Self, TypeVar, cast

from opentelemetry.context import Context, attach, create_key, detach, get_current, set_value

from costspan.core.attribution import Attribution
from costspan.sdk.generator_scope import in_async_scope, in_scope
from costspan.sdk.safe_text import safe_text
from costspan.sdk.safety import never_raise
from costspan.sdk.travel import TRAVEL

F = TypeVar("F", bound=Callable[..., Any])

_KEY: Final = create_key("costspan.attribution")
_open: Final[ContextVar[tuple[tuple[object, Token[Context] | None], ...]]] = ContextVar("costspan.open", default=())
"""The scopes entered in this context, innermost last. Not on the scope: tasks and threads may share one."""


class attribute:  # noqa: N801 - read as a verb where it is called, like the managers of contextlib
    """Attribute every span started within to a feature, team, user, environment, session and free tags.

    A context manager and a decorator, for plain, async and generator functions. Scopes nest: an inner one adds to
    and overrides the outer one, which is restored behind it. The user id is hashed before it is put on a span.
    Tasks of a thread pool take the scope along; a bare thread does where its target is `costspan.carry(function)`.
    """

    def __init__(
        self,
        *,
        feature: str | None = None,
        team: str | None = None,
        user_id: str | None = None,
        environment: str | None = None,
        session: str | None = None,
        **tags: object,
    ) -> None:
        self._said = Attribution(
            feature=safe_text(feature),
            team=safe_text(team),
            user_id=safe_text(user_id),
            environment=safe_text(environment),
            session=safe_text(session),
            tags=MappingProxyType({name: said for name, value in tags.items() if (said := safe_text(value))}),
        )

    def __enter__(self) -> Self:
        _open.set((*_open.get(), (self, enter(self._said))))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        *outer, (scope, token) = _open.get() or ((None, None),)
        if scope is self:  # else it was entered in another context, as by a generator that is closed elsewhere
            _open.set(tuple(outer))
            leave(token)

    def __call__(self, function: F) -> F:
        """Return `function` with a scope of its own around each of its calls."""
        said = self._said
        if inspect.isasyncgenfunction(function):
            return cast("F", in_async_scope(function, lambda: nullcontext(with_attribution(said))))
        if inspect.isgeneratorfunction(function):
            return cast("F", in_scope(function, lambda: nullcontext(with_attribution(said))))

        @functools.wraps(function)
        def plain(*args: Any, **kwargs: Any) -> Any:
            token = enter(said)
            try:
                return function(*args, **kwargs)
            finally:
                leave(token)

        @functools.wraps(function)
        async def coroutine(*args: Any, **kwargs: Any) -> Any:
            token = enter(said)
            try:
                return await function(*args, **kwargs)
            finally:
                leave(token)

        return cast("F", coroutine if inspect.iscoroutinefunction(function) else plain)


def attribution_in(context: Context | None = None) -> Attribution:
    """Return who work in `context` (default: the current one) is for; what another service sent as baggage included."""
    if context is None:
        context = get_current()
    said = context.get(_KEY)
    if isinstance(said, Attribution):
        return said
    return (TRAVEL.unpack(context) if context else None) or _NOBODY


def with_attribution(said: Attribution, context: Context | None = None) -> Context:
    """Return `context` (default: the current one) with `said` added to what it says already."""
    return TRAVEL.pack(said, set_value(_KEY, said.or_else(attribution_in(context)), context))


@never_raise(None)
def enter(said: Attribution) -> Token[Context] | None:
    """Begin a scope in which calls are for `said`; `leave` ends it. None where that failed."""
    return attach(with_attribution(said, get_current()))


@never_raise(None)
def leave(token: Token[Context] | None) -> None:
    """End the scope that `enter` began."""
    if token is not None:
        detach(token)


_NOBODY: Final = Attribution()
