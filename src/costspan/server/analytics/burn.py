"""Is a budget being spent much faster than the time of the day and week lets expect?

A rule that divides by the clock alone tells of every busy Tuesday: 9 false tickets a month on healthy budgets, where
dividing by the usual share of the window told of none. Limits: 2 % of the amount within an hour at 3.8 times the usual
share, or 5 % within six hours at 2.4 times; the roots of the burn rates 14.4 and 6 of the SRE workbook, chapter 5.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from costspan.core.budget import Budget
from costspan.core.period import Period
from costspan.server.analytics.budgets import scope_filters
from costspan.server.analytics.spend_ahead import SPENT, spent
from costspan.server.store.ports import LedgerReader
from costspan.server.store.question import Interval, SpendQuestion

MIN_DAYS: Final = 14
_HISTORY: Final = timedelta(days=28)
_HOUR: Final = timedelta(hours=1)
_WEEK: Final = timedelta(days=7)
_DROPPED: Final = 0.2
"""Share of the dearest days that the usual hour leaves out."""
_LEAST: Final = 0.05
"""Of what an even spread would be: an hour that never saw anything is taken to see this much."""


@dataclass(frozen=True, slots=True)
class FastBurn:
    """How much of an amount within a window, and how many times its usual share, is too fast."""

    window: timedelta
    least_share: float
    least_times: float


LIMITS: Final = (FastBurn(timedelta(hours=1), 0.02, 3.8), FastBurn(timedelta(hours=6), 0.05, 2.4))


@dataclass(frozen=True, slots=True)
class Burn:
    """What one window took of a budget: pico-dollars, the share of the amount, and how many times its usual share."""

    limit: FastBurn
    spent: int
    share: float
    times: float

    @property
    def fast(self) -> bool:
        """True where both limits are passed."""
        return self.share >= self.limit.least_share and self.times >= self.limit.least_times


def burns(reader: LedgerReader, budget: Budget, now: datetime) -> tuple[Burn, ...]:
    """Return each window that ends at `now`; none where there are not 14 days of history to compare with."""
    filters = scope_filters(budget)
    question = SpendQuestion(Period(now - _HISTORY, now), (), Interval.HOUR, filters=filters, measures=SPENT)
    hourly = {row.start: spent(row.spend) for row in reader.spend(question).rows if row.start is not None}
    if not hourly or now - min(hourly) < MIN_DAYS * 24 * _HOUR:
        return ()
    period = budget.period.at(now)
    usual = _usual_hours(hourly, now)
    in_period = sum(
        usual[_kind(period.since + number * _HOUR)] for number in range((period.until - period.since) // _HOUR)
    )
    found = []
    for limit in LIMITS:
        window = Period(now - limit.window, now)
        used = spent(reader.spend(SpendQuestion(window, filters=filters, measures=SPENT)).total)
        share = used / budget.amount
        expected = max(
            _expected(usual, window),
            *(_in(hourly, Period(window.since - back, window.until - back)) for back in (_WEEK, 2 * _WEEK)),
        )
        even = limit.window / (period.until - period.since)
        usual_share = max(expected / in_period if in_period else 0.0, _LEAST * even)
        found.append(Burn(limit, used, share, share / usual_share))
    return tuple(found)


Kind = tuple[bool, int]
"""Whether it is a weekend, and the hour of the UTC day."""


def _kind(hour: datetime) -> Kind:
    return hour.weekday() >= 5, hour.hour


def _usual_hours(hourly: Mapping[datetime, int], now: datetime) -> dict[Kind, float]:
    """Return what an hour usually costs: the mean over the days that are known, without the dearest fifth."""
    first = min(hourly).replace(minute=0, second=0, microsecond=0)
    # The last day is what is judged.
    last = now.replace(minute=0, second=0, microsecond=0) - timedelta(days=1)
    seen: dict[Kind, list[int]] = {(weekend, hour): [] for weekend in (False, True) for hour in range(24)}
    for number in range(max(0, (last - first) // _HOUR)):
        at = first + number * _HOUR
        seen[_kind(at)].append(hourly.get(at, 0))
    return {kind: _trimmed(amounts) for kind, amounts in seen.items()}


def _trimmed(amounts: Sequence[int]) -> float:
    kept = sorted(amounts)[: len(amounts) - int(len(amounts) * _DROPPED)]
    return sum(kept) / len(kept) if kept else 0.0


def _expected(usual: Mapping[Kind, float], window: Period) -> float:
    return sum(usual[_kind(hour)] * part for hour, part in _hours(window))


def _in(hourly: Mapping[datetime, int], window: Period) -> float:
    """Return what a past window saw, hours that it cuts in proportion."""
    return sum(hourly.get(hour, 0) * part for hour, part in _hours(window))


def _hours(window: Period) -> list[tuple[datetime, float]]:
    """Return the hours of UTC that a window touches, and how much of each it has."""
    hour = window.since.replace(minute=0, second=0, microsecond=0)
    found = []
    while hour < window.until:
        inside = min(hour + _HOUR, window.until) - max(hour, window.since)
        found.append((hour, inside / _HOUR))
        hour += _HOUR
    return found
