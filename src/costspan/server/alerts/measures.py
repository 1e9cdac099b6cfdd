"""What a rule can watch. Each is the ledger's own measure, or a quotient of two, so an alert and a chart agree."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from costspan.core.errors import UsageError
from costspan.core.money import usd_from_pico
from costspan.server.alerts.amounts import MeasureUnit
from costspan.server.store.question import Filter, Spend

Amount = Callable[[Spend], int | None]

_FILTERED: Final = (
    (Filter("finish_reason", "content_filter"),),
    (Filter("error_type", "content_filter"), Filter("finish_reason", "content_filter", excludes=True)),
)
"""An answer that was cut off by a filter, and a request that was refused by one, which fails; none is both."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """A measure of the calls in a window.

    It is the sum of `of` over the calls that pass any of `among`, which are disjoint, divided by `per` of all calls
    where there is one. `quantile` is the place of p50, p95 or p99 in `of_times`, in milliseconds.
    """

    name: str
    unit: MeasureUnit
    says: str
    of: Amount = lambda spend: spend.calls
    per: Amount | None = None
    among: tuple[tuple[Filter, ...], ...] = ((),)
    of_times: Callable[[Spend], tuple[float, float, float] | None] | None = None
    quantile: int = 0

    @property
    def adds_up(self) -> bool:
        """True where the value of a window is never below that of a part of it, as a count's is."""
        return self.per is None and self.of_times is None

    @property
    def taken_keys(self) -> frozenset[str]:
        """The keys that a rule's own filters may not use: alternatives of the two would mix."""
        return frozenset(each.key for filters in self.among for each in filters)

    def value(self, everything: Spend, among: Sequence[Spend]) -> Decimal | None:
        """Return the value for a group: `among` are its measures under each of the filters. None where unknown."""
        if self.of_times is not None:
            times_ms = self.of_times(everything)
            return None if times_ms is None else Decimal(repr(times_ms[self.quantile])) / 1000
        known = [amount for spend in among if (amount := self.of(spend)) is not None]
        if not known:
            return None if everything.calls else Decimal(0)
        total = usd_from_pico(sum(known)) if self.unit is MeasureUnit.USD else Decimal(sum(known))
        if self.per is None:
            return total
        whole = self.per(everything)
        return total / whole if whole else None


def _all_input(spend: Spend) -> int:
    return spend.input_tokens + spend.cache_read_tokens + spend.cache_write_tokens


def _calls(spend: Spend) -> int:
    return spend.calls


def _latency_ms(spend: Spend) -> tuple[float, float, float] | None:
    return spend.latency_ms


def _ttft_ms(spend: Spend) -> tuple[float, float, float] | None:
    return spend.ttft_ms


def _time(short: str, says: str, of: Callable[[Spend], tuple[float, float, float] | None]) -> list[Measure]:
    return [
        Measure(name=f"{short}_{p}", unit=MeasureUnit.SECONDS, says=f"{p} of {says}", of_times=of, quantile=i)
        for i, p in enumerate(("p50", "p95", "p99"))
    ]


_COUNT, _SHARE, _USD = MeasureUnit.COUNT, MeasureUnit.SHARE, MeasureUnit.USD

_ALL: Final = (
    Measure(name="cost", unit=_USD, says="cost", of=lambda spend: spend.cost),
    Measure(name="estimated_cost", unit=_USD, says="cost with sampled calls scaled up",
            of=lambda spend: spend.cost if spend.estimated_cost is None else spend.estimated_cost),
    Measure(name="tokens", unit=_COUNT, says="tokens", of=lambda spend: _all_input(spend) + spend.output_tokens),
    Measure(name="input_tokens", unit=_COUNT, says="input tokens", of=_all_input),
    Measure(name="output_tokens", unit=_COUNT, says="output tokens", of=lambda spend: spend.output_tokens),
    Measure(name="calls", unit=_COUNT, says="calls"),
    Measure(name="errors", unit=_COUNT, says="failed calls", of=lambda spend: spend.errors),
    Measure(name="error_share", unit=_SHARE, says="share of calls that failed",
            of=lambda spend: spend.errors, per=_calls),
    Measure(name="truncated", unit=_COUNT, says="truncated answers", of=lambda spend: spend.truncated),
    Measure(name="truncation_share", unit=_SHARE, says="share of answers cut off at the token limit",
            of=lambda spend: spend.truncated, per=_calls),
    Measure(name="content_filter", unit=_COUNT, says="calls stopped by a content filter", among=_FILTERED),
    Measure(name="content_filter_share", unit=_SHARE, says="share of calls stopped by a content filter",
            per=_calls, among=_FILTERED),
    Measure(name="retries", unit=_COUNT, says="calls that were retries", of=lambda spend: spend.retries),
    Measure(name="retry_share", unit=_SHARE, says="share of calls that were retries",
            of=lambda spend: spend.retries, per=_calls),
    Measure(name="unpriced_calls", unit=_COUNT, says="calls without a price", of=lambda spend: spend.unpriced_calls),
    Measure(name="unpriced_tokens", unit=_COUNT, says="tokens without a price", of=lambda spend: spend.unpriced_tokens),
    Measure(name="cache_hit_share", unit=_SHARE, says="share of input tokens read from a cache",
            of=lambda spend: spend.cache_read_tokens, per=_all_input),
    *_time("latency", "the time calls take", _latency_ms),
    *_time("ttft", "the time to the first token", _ttft_ms),
)  # fmt: skip

MEASURES: Final = {measure.name: measure for measure in _ALL}

PER_MINUTE: Final = "_per_minute"
"""Ending of a measure's name that asks for its rate over the window."""


@dataclass(frozen=True, slots=True)
class Fact:
    """Something to watch that is not said by the calls of a window: it has no groups, filters or window."""

    name: str
    says: str
    unit: MeasureUnit = MeasureUnit.SECONDS


FACTS: Final = {
    fact.name: fact
    for fact in (
        Fact("catalogue_age", "time since a price of the catalogue was last checked"),
        Fact("ingest_silence", "time since the latest call began"),
        Fact("drift", "difference from the bill, either way", MeasureUnit.SHARE),
    )
}


@dataclass(frozen=True, slots=True)
class Watched:
    """What a rule's `measure:` names: a measure, as a rate where it says so, or a fact."""

    what: Measure | Fact
    is_rate: bool = False

    @property
    def name(self) -> str:
        """The name without the ending of a rate."""
        return self.what.name

    @property
    def unit(self) -> MeasureUnit:
        """What it counts in."""
        return self.what.unit

    @property
    def says(self) -> str:
        """What it is, in words."""
        return f"{self.what.says} per minute" if self.is_rate else self.what.says

    @property
    def taken_keys(self) -> frozenset[str]:
        """The keys of filters that are its own."""
        return self.what.taken_keys if isinstance(self.what, Measure) else frozenset()


def watched(name: str) -> Watched:
    """Return what a rule watches. Raise UsageError, listing what there is, for a name that is none."""
    base = name.removesuffix(PER_MINUTE)
    measure = MEASURES.get(base)
    if measure is not None and (base == name or measure.adds_up):
        return Watched(measure, is_rate=base != name)
    if name in FACTS:
        return Watched(FACTS[name])
    known = ", ".join([*MEASURES, *FACTS])
    raise UsageError(f"unknown measure {name!r}; known: {known}; what adds up also with {PER_MINUTE}")
