"""No baggage goes to a model provider: requests made inside a model call carry the trace's ids and nothing else.

The Anthropic client injects the application's propagator into each of its requests, instrumented HTTP clients into
those of the others. Whatever stands in baggage, costspan's and the application's own, is nobody's business there.
"""

from __future__ import annotations

from typing import Any, Final
from weakref import WeakSet

from opentelemetry import baggage, propagate
from opentelemetry.context import Context
from opentelemetry.propagators import textmap
from opentelemetry.sdk.trace import ReadableSpan, Span
from opentelemetry.trace import Span as AnySpan
from opentelemetry.trace import get_current_span

from costspan.sdk.model_span import is_model_call
from costspan.sdk.safety import never_raise
from costspan.sdk.span_steps import StepWithin


class InsideModelCalls(StepWithin):
    """Knows the spans in progress below a model call, such as that of an instrumented HTTP client."""

    def __init__(self) -> None:
        self._inside: Final[WeakSet[AnySpan]] = WeakSet()

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        if span.parent is not None and self.covers(get_current_span(parent_context)):
            self._inside.add(span)

    def covers(self, span: AnySpan) -> bool:
        """Return True for a model call's span and for one below it."""
        return isinstance(span, ReadableSpan) and (is_model_call(span) or span in self._inside)


class DiscreetPropagator(textmap.TextMapPropagator):
    """Does as `propagator` does, without baggage inside a model call."""

    def __init__(self, propagator: textmap.TextMapPropagator, inside: InsideModelCalls) -> None:
        self._propagator = propagator
        self._inside = inside

    def extract(self, carrier: Any, context: Context | None = None, getter: Any = textmap.default_getter) -> Context:
        return self._propagator.extract(carrier, context, getter)

    def inject(self, carrier: Any, context: Context | None = None, setter: Any = textmap.default_setter) -> None:
        self._propagator.inject(carrier, self._discreet(context), setter)

    @property
    def fields(self) -> set[str]:
        return self._propagator.fields

    @never_raise(None)
    def _discreet(self, context: Context | None) -> Context | None:
        return baggage.clear(context) if self._inside.covers(get_current_span(context)) else context


def keep_baggage_from_providers(inside: InsideModelCalls) -> None:
    """Wrap the application's propagator; one that is set later is its own."""
    propagate.set_global_textmap(DiscreetPropagator(propagate.get_global_textmap(), inside))
