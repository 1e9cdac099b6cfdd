"""What one finished span cost: the two pure functions of the house, applied once per span whoever asks.

The metrics ask when the span ends, the exporter when its batch leaves; both get the same verdict.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from opentelemetry.sdk.trace import ReadableSpan

from costspan.core.call import Call, SpanClass
from costspan.core.charge import PricedUsage
from costspan.pricing.price_call import price_call
from costspan.pricing.quote import default_card
from costspan.sdk.safety import never_raise
from costspan.sdk.span_record import span_record
from costspan.semconv.normalize import read_call


@dataclass(frozen=True, slots=True)
class PricedSpan:
    """A model call and the verdict on it."""

    call: Call
    priced: PricedUsage


def price_by_catalogue(call: Call) -> PricedUsage:
    """Return the verdict of the built-in catalogue, which is read the first time a call is priced."""
    return price_call(call, default_card())


class SpanPricer:
    """Prices spans and remembers each verdict for as long as the span lives."""

    def __init__(self, price: Callable[[Call], PricedUsage] = price_by_catalogue) -> None:
        self._price = price
        self._verdicts: WeakKeyDictionary[ReadableSpan, PricedSpan | None] = WeakKeyDictionary()

    @never_raise(None)
    def verdict(self, span: ReadableSpan) -> PricedSpan | None:
        """Return what the call in `span` cost, or None for a span that is no model call of its own.

        An agent or workflow span repeats what its children used, so it gets no cost that a backend would add twice.
        """
        if span in self._verdicts:
            return self._verdicts[span]
        call = read_call(span_record(span))
        known = PricedSpan(call, self._price(call)) if call and call.span_class is SpanClass.INFERENCE else None
        self._verdicts[span] = known
        return known
