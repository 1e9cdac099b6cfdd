"""Retries of the program's own: a model call that follows a failed one of the same model under the same parent.

The clients' own retries stay inside one span. The server numbers attempts by the same rule, from whole traces; on the
span they are for every other backend.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import Final

from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span
from opentelemetry.trace import StatusCode

from costspan.sdk import attribute_names as names
from costspan.sdk.model_span import is_model_call
from costspan.sdk.span_steps import StepWithin
from costspan.semconv.outcome import RETRY_WITHIN_NS

_REMEMBERED: Final = 1_000

Operation = tuple[int, int, str]


class AttemptCounter(StepWithin):
    """Puts `costspan.attempt` on the second attempt and later ones, as they start."""

    def __init__(self) -> None:
        self._failed: OrderedDict[Operation, tuple[int, int]] = OrderedDict()
        """What failed last of each operation: the number of the attempt and when it ended.

        No lock around it, which a fork could copy as another thread held it.
        """

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:  # noqa: ARG002 - the protocol
        operation = _operation(span) if self._failed else None
        if operation is None:
            return
        number, ended_ns = self._failed.pop(operation, (0, 0))
        if number and (span.start_time or 0) - ended_ns < RETRY_WITHIN_NS:
            span.set_attribute(names.ATTEMPT, number + 1)

    def on_end(self, span: ReadableSpan) -> None:
        if span.parent is None or span.status.status_code is not StatusCode.ERROR:
            return
        operation = _operation(span)
        if operation is None:
            return
        said = (span.attributes or {}).get(names.ATTEMPT)
        self._failed[operation] = (said if isinstance(said, int) else 1, span.end_time or time.time_ns())
        while len(self._failed) > _REMEMBERED:
            self._failed.popitem(last=False)


def _operation(span: ReadableSpan) -> Operation | None:
    """Return what an attempt is one of, or None for a span that is no model call below another span."""
    if span.parent is None or not is_model_call(span):
        return None
    model = (span.attributes or {}).get(names.REQUEST_MODEL)
    return span.parent.trace_id, span.parent.span_id, str(model or span.name)
