"""Something to do right before a span ends, while it can still be written to, whoever ends it.

The SDK's own `SpanProcessor._on_ending` comes when the span is closed already (opentelemetry-sdk up to 1.45).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from opentelemetry.sdk.trace import Span

from costspan.sdk.safety import log_once

_PASSED_OVER: Final = "costspan: the last words on a span failed and were passed over"


def before_end(span: Span, then: Callable[[Span], object]) -> None:
    """Call `then` once with the span when it is about to end; what it raises is logged and passed over."""
    end = span.end

    def ending(end_time: int | None = None) -> None:
        try:  # noqa: SIM105 - the application's thread would pay for `suppress`
            del span.end  # the class has its own again, and nothing refers to the span in a circle
        except AttributeError:
            pass  # another has done it, where several wait for one span
        try:
            then(span)
        except Exception as error:  # noqa: BLE001 - telemetry must never break its host
            log_once(_PASSED_OVER, error=error)
        end(end_time)

    # Not by way of `vars(span)`, which would make every later look at an attribute of the span slower.
    span.end = ending  # type: ignore[method-assign]
