"""What one finished span cost: the two pure functions of the house, applied once per span whoever asks.

The metrics ask when the span ends, the exporter when its batch leaves; both get the same verdict.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from weakref import WeakKeyDictionary

from opentelemetry.sdk.trace import ReadableSpan

from costspan.core.call import Call, SpanClass
from costspan.core.charge import PricedUsage, PriceStatus
from costspan.pricing.price_call import price_call
from costspan.pricing.quote import default_card
from costspan.sdk.counted_once import CountedOnce
from costspan.sdk.safety import log_once, never_raise
from costspan.sdk.span_record import span_record
from costspan.semconv.normalize import read_call


@dataclass(frozen=True, slots=True)
class PricedSpan:
    """A model call and the verdict on it."""

    call: Call
    priced: PricedUsage


@dataclass(frozen=True, slots=True)
class SecondRecord:
    """A span that records again the call of another one, whose id this is."""

    call: Call
    of_span_id: str


_TRIED: Final = 3
_failures: Final[Counter[str | None]] = Counter()


def price_by_catalogue(call: Call) -> PricedUsage:
    """Return the verdict of the built-in catalogue, which is read the first time a call is priced.

    Where a provider's prices cannot be read its calls are unpriced, which is said once; a damaged file is read three
    times and then let be, so that it costs the program no more.
    """
    provider = call.provider
    if _failures[provider] < _TRIED:
        try:
            verdict = price_call(call, default_card())
        except Exception as error:  # noqa: BLE001 - whatever a damaged file leads to
            _failures[provider] += 1
            log_once(f"costspan: the prices of {provider} cannot be read; its calls are unpriced", error=error)
        else:
            _failures.pop(provider, None)
            return verdict
    return PricedUsage(status=PriceStatus.UNPRICED, reason="the price list cannot be read")


class SpanPricer:
    """Prices spans and remembers each verdict for as long as the span lives."""

    def __init__(self, price: Callable[[Call], PricedUsage] = price_by_catalogue) -> None:
        self._price = price
        self._counted = CountedOnce()
        self._verdicts: WeakKeyDictionary[ReadableSpan, PricedSpan | SecondRecord | None] = WeakKeyDictionary()

    @never_raise(None)
    def verdict(self, span: ReadableSpan) -> PricedSpan | SecondRecord | None:
        """Return what the call in `span` cost, or None for a span that is no model call of its own.

        An agent or workflow span repeats what its children used, so it gets no cost that a backend would add twice.
        Nor does a second record of a call, by another instrumentation, that ends when the first was priced.
        """
        if span in self._verdicts:
            return self._verdicts[span]
        known = self._verdict(span)
        self._verdicts[span] = known
        return known

    def _verdict(self, span: ReadableSpan) -> PricedSpan | SecondRecord | None:
        call = read_call(span_record(span))
        if call is None or call.span_class is not SpanClass.INFERENCE:
            return None
        owner = self._counted.owner_of(call)
        return SecondRecord(call, owner.span_id) if owner else PricedSpan(call, self._price(call))
