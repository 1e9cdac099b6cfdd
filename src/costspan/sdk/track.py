"""`track`: record a model call by hand, for anything that is not instrumented. Called by the application."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, TypeVar, cast

from opentelemetry import trace
from opentelemetry.context import Context, create_key, get_value, set_value
from opentelemetry.trace import INVALID_SPAN, Span, SpanKind, TracerProvider, set_span_in_context
from opentelemetry.util.types import AttributeValue

from costspan.sdk.budgets.account import Reservation
from costspan.sdk.budgets.admission import Admission, admit, in_force
from costspan.sdk.budgets.estimate import Ask
from costspan.sdk.calls_within import watchers_in, with_watchers
from costspan.sdk.entered import Entered
from costspan.sdk.generator_scope import in_async_scope, in_scope
from costspan.sdk.safety import never_raise
from costspan.sdk.tracked_call import TrackedCall
from costspan.semconv.dialects.tracked import SCOPE

F = TypeVar("F", bound=Callable[..., Any])
_KEY: Final = create_key("costspan.tracked_call")


@dataclass(frozen=True, slots=True)
class _Open:
    """A call under way, and what the budgets around it reserved for it."""

    call: TrackedCall
    admission: Admission

    def close(self, error: BaseException | None = None) -> None:
        self.call.end(error)
        self.admission.close(lambda reservation: _expected(reservation) if error is None else 0)


class track:  # noqa: N801 - read as a verb where it is called, like the managers of contextlib
    """Record one call to a model as a GenAI client span: priced, attributed and counted like an instrumented one.

        with costspan.track("chat", provider="openai", model="gpt-5") as call:
            answer = post(...)
            call.record_response(answer)     # or call.record_usage(input_tokens=87, output_tokens=52)

    A context manager, plain and async, and a decorator: what a decorated function returns is recorded where it is a
    provider's answer, and `costspan.current_call()` is the call inside. `operation` is the specification's word (chat,
    generate_content, text_completion, embeddings). An exception marks the call as failed and goes on unchanged; without
    any usage the call is `usage_missing`. Around an instrumented client nothing is counted twice.

    Never raises but for BudgetExceeded, inside a `costspan.budget` that does not allow the call.
    """

    def __init__(
        self,
        operation: str = "chat",
        *,
        provider: str | None = None,
        model: str | None = None,
        service_tier: str | None = None,
        attributes: Mapping[str, AttributeValue] | None = None,
        tracer_provider: TracerProvider | None = None,
    ) -> None:
        self._name = f"{operation} {model}" if model else operation
        self._ask = Ask(model=model, provider=provider)
        said = {
            "gen_ai.operation.name": operation,
            "gen_ai.provider.name": provider,
            "gen_ai.request.model": model,
            "gen_ai.request.service_tier": service_tier,
        }
        self._attributes = {key: value for key, value in said.items() if value is not None} | dict(attributes or {})
        self._tracer_provider = tracer_provider
        self._entered: Entered[_Open] = Entered()

    def __enter__(self) -> TrackedCall:
        opened, context = self._open()
        self._entered.enter(opened, context)
        return opened.call

    async def __aenter__(self) -> TrackedCall:
        return self.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if opened := self._entered.leave():
            opened.close(error)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, trace)

    def __call__(self, function: F) -> F:
        """Return `function` with each of its calls recorded as one call to a model."""
        if inspect.isasyncgenfunction(function):
            return cast("F", in_async_scope(function, self._around))
        if inspect.isgeneratorfunction(function):
            return cast("F", in_scope(function, self._around))

        @functools.wraps(function)
        def plain(*args: Any, **kwargs: Any) -> Any:
            with self as call:
                returned = function(*args, **kwargs)
                call.returned(returned)
                return returned

        @functools.wraps(function)
        async def coroutine(*args: Any, **kwargs: Any) -> Any:
            async with self as call:
                returned = await function(*args, **kwargs)
                call.returned(returned)
                return returned

        return cast("F", coroutine if inspect.iscoroutinefunction(function) else plain)

    @contextmanager
    def _around(self) -> Iterator[Context]:
        opened, context = self._open()
        try:
            yield context
        except BaseException as error:
            opened.close(error)
            raise
        opened.close()

    def _open(self) -> tuple[_Open, Context]:
        admission = admit(in_force(), self._ask)
        call = TrackedCall(self._start(admission.context) or INVALID_SPAN, self._ask.model)
        context = set_span_in_context(call.span, admission.context)
        watched = with_watchers((*watchers_in(context), call), context)
        return _Open(call, admission), set_value(_KEY, call, watched)

    @never_raise(None)
    def _start(self, context: Context) -> Span:
        tracer = trace.get_tracer(SCOPE, tracer_provider=self._tracer_provider)
        return tracer.start_span(self._name, context, SpanKind.CLIENT, self._attributes)


def current_call() -> TrackedCall:
    """Return the innermost call that is tracked here; outside of any, one that records nothing."""
    call = get_value(_KEY)
    return call if isinstance(call, TrackedCall) else TrackedCall(INVALID_SPAN)


def _expected(reservation: Reservation) -> int:
    return reservation.estimate
