"""Tells whoever watches a block of code of the model calls made inside it. Used by `track` and `budget`."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from typing import Final, Protocol

from opentelemetry.context import Context, create_key, get_current, get_value, set_value
from opentelemetry.sdk.trace import ReadableSpan, Span

from costspan.sdk.price_span import PricedSpan, SpanPricer
from costspan.sdk.safety import never_raise
from costspan.sdk.span_steps import StepWithin

SpanKey = tuple[int, int]
_KEY: Final = create_key("costspan.watchers")


class Watcher(Protocol):
    """Hears of every span started in its context: once at its start, once at its end."""

    def opened(self) -> None:
        """A span has started."""

    def ended(self, verdict: PricedSpan | None) -> None:
        """A span has ended, with what its call cost; None for a span that is no model call of
        its own, or was given up."""


def watchers_in(context: Context | None = None) -> tuple[Watcher, ...]:
    """Return who watches `context` (default: the current one), the outermost first."""
    found = get_value(_KEY, context)
    return found if isinstance(found, tuple) else ()


def with_watchers(watchers: Sequence[Watcher], context: Context | None = None) -> Context:
    """Return `context` (default: the current one) watched by `watchers` and nobody else."""
    return set_value(_KEY, tuple(watchers), context)


class CallsWithin(StepWithin):
    """Passes spans on to the watchers of the context they start in; others cost one look-up."""

    active = False
    """True once a processor of this process can hear of spans."""

    def __init__(self, pricer: SpanPricer) -> None:
        self._pricer = pricer
        self._open: dict[SpanKey, tuple[Watcher, ...]] = {}
        CallsWithin.active = True

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        context = get_current() if parent_context is None else parent_context
        if _KEY not in context or (key := _key(span)) is None:
            return
        self._open[key] = watchers = watchers_in(context)
        for watcher in watchers:
            watcher.opened()
        # A stream that is dropped half-way may never end its span.
        weakref.finalize(span, self._tell, key, None).atexit = False

    def on_end(self, span: ReadableSpan) -> None:
        if self._open and (key := _key(span)) in self._open:
            verdict = self._pricer.verdict(span)
            self._tell(key, verdict if isinstance(verdict, PricedSpan) else None)

    @never_raise(None)
    def _tell(self, key: SpanKey, verdict: PricedSpan | None) -> None:
        for watcher in self._open.pop(key, ()):
            watcher.ended(verdict)


def _key(span: ReadableSpan) -> SpanKey | None:
    context = span.get_span_context()
    return (context.trace_id, context.span_id) if context else None
