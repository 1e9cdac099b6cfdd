"""All that is done as a span starts and ends, as one span processor: the application waits for it at every span."""

from __future__ import annotations

from collections.abc import Callable

from opentelemetry.context import Context, get_current
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor

from costspan.sdk.safety import log_once


class StepWithin(SpanProcessor):
    """A step that has nothing to do at the start of a span around which nothing is open: no other span, no scope."""


class SpanSteps(SpanProcessor):
    """Runs `steps` in their order, each only where it has something to do, with the context looked up once.

    What a step raises is logged once and passed over: the guard of `safety.never_raise`, without a call for each.
    """

    def __init__(self, *steps: SpanProcessor) -> None:
        self._steps = steps
        starting = [step for step in steps if type(step).on_start is not SpanProcessor.on_start]
        self._at_start = tuple(step.on_start for step in starting)
        self._in_the_open = tuple(step.on_start for step in starting if not isinstance(step, StepWithin))
        self._at_end = tuple(step.on_end for step in steps if type(step).on_end is not SpanProcessor.on_end)

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        context = get_current() if parent_context is None else parent_context
        for step in self._at_start if context else self._in_the_open:
            try:
                step(span, context)
            except Exception as error:  # noqa: BLE001 - telemetry must never break its host
                _passed_over(step, error)

    def on_end(self, span: ReadableSpan) -> None:
        for step in self._at_end:
            try:
                step(span)
            except Exception as error:  # noqa: BLE001 - as above
                _passed_over(step, error)

    def shutdown(self) -> None:
        for step in self._steps:
            step.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        done = [step.force_flush(timeout_millis) for step in self._steps]
        return all(done)


def _passed_over(step: Callable[..., None], error: Exception) -> None:
    log_once(f"costspan: {step.__qualname__} failed and was passed over", error=error)
