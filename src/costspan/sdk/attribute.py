"""`attribute`: say who the calls made here are for. Called by the application; read by `attribute_processor`."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from contextvars import Token
from types import MappingProxyType, TracebackType
from typing import Any, Final, Self, TypeVar, cast

from opentelemetry import baggage
from opentelemetry.context import Context, attach, create_key, detach, get_current, get_value, set_value

from costspan.core.attribution import Attribution
from costspan.sdk import attribute_names as names
from costspan.sdk.generator_scope import in_async_scope, in_scope
from costspan.sdk.safety import never_raise

F = TypeVar("F", bound=Callable[..., Any])

TRAVELS: Final[Mapping[str, str]] = MappingProxyType(
    {"feature": names.FEATURE, "team": names.TEAM, "environment": names.ENVIRONMENT}
)
"""Dimension -> baggage key of what may leave the process. Baggage goes to every host that an instrumented HTTP client
calls, so users, sessions and tags stay behind (https://www.w3.org/TR/baggage/#privacy-of-the-baggage-header)."""

_KEY: Final = create_key("costspan.attribution")


class attribute:  # noqa: N801 - read as a verb where it is called, like the managers of contextlib
    """Attribute every span started within to a feature, team, user, environment, session and free tags.

    A context manager and a decorator, for plain, async and generator functions. Scopes nest: an inner one adds to
    and overrides the outer one, which is restored behind it. The user id is hashed before it is put on a span.
    A new thread starts without the scope unless it runs in a copied context (`contextvars.copy_context().run`).
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
            feature=_text(feature),
            team=_text(team),
            user_id=_text(user_id),
            environment=_text(environment),
            session=_text(session),
            tags=MappingProxyType({name: str(value) for name, value in tags.items() if value is not None}),
        )
        self._entered: list[Token[Context] | None] = []

    def __enter__(self) -> Self:
        self._entered.append(_enter(self._said))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _leave(self._entered.pop())

    def __call__(self, function: F) -> F:
        """Return `function` with a scope of its own around each of its calls."""
        said = self._said
        if inspect.isasyncgenfunction(function):
            return cast("F", in_async_scope(function, lambda: nullcontext(with_attribution(said))))
        if inspect.isgeneratorfunction(function):
            return cast("F", in_scope(function, lambda: nullcontext(with_attribution(said))))

        @functools.wraps(function)
        def plain(*args: Any, **kwargs: Any) -> Any:
            token = _enter(said)
            try:
                return function(*args, **kwargs)
            finally:
                _leave(token)

        @functools.wraps(function)
        async def coroutine(*args: Any, **kwargs: Any) -> Any:
            token = _enter(said)
            try:
                return await function(*args, **kwargs)
            finally:
                _leave(token)

        return cast("F", coroutine if inspect.iscoroutinefunction(function) else plain)


def attribution_in(context: Context | None = None) -> Attribution:
    """Return who work in `context` (default: the current one) is for; what another service sent as baggage included."""
    said = get_value(_KEY, context)
    if isinstance(said, Attribution):
        return said
    sent = baggage.get_all(context)
    if not sent:
        return _NOBODY
    feature, team, environment = (_text(sent.get(key)) for key in TRAVELS.values())
    return Attribution(feature=feature, team=team, environment=environment)


def with_attribution(said: Attribution, context: Context | None = None) -> Context:
    """Return `context` (default: the current one) with `said` added to what it says already."""
    context = set_value(_KEY, said.or_else(attribution_in(context)), context)
    for dimension, key in TRAVELS.items():
        if value := getattr(said, dimension):
            context = baggage.set_baggage(key, value, context)
    return context


@never_raise(None)
def _enter(said: Attribution) -> Token[Context] | None:
    return attach(with_attribution(said, get_current()))


@never_raise(None)
def _leave(token: Token[Context] | None) -> None:
    if token is not None:
        detach(token)


def _text(value: object) -> str | None:
    return None if value is None else str(value) or None


_NOBODY: Final = Attribution()
