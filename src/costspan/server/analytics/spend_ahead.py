"""Asking the ledger what a forecast needs: whole days of history, what is spent so far, how much of today is left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from costspan.core.budget import BudgetPeriod
from costspan.core.period import Period
from costspan.core.zone import ZONE_UTC, Zone
from costspan.server.analytics.outlook import HISTORY_DAYS, MIN_DAYS, Outlook
from costspan.server.store.ports import LedgerReader
from costspan.server.store.question import SUMS, Filter, Interval, Spend, SpendQuestion

Key = tuple[str | None, ...]
Daily = Mapping[datetime, int]
"""The beginning of a local day -> what was spent that day, in pico-dollars."""

_DAY: Final = timedelta(days=1)
_HOUR: Final = timedelta(hours=1)
_AHEAD_DAYS: Final = 7
"""How far a period that rolls is looked ahead, since it has no end."""


SPENT: Final = ("cost", "estimated_cost")
"""The measures that `spent` reads."""


def spent(total: Spend) -> int:
    """Return what was spent, in pico-dollars: the estimate of all calls where the recorded ones are a sample."""
    recorded = total.cost or 0
    return recorded if total.estimated_cost is None else max(recorded, total.estimated_cost)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """Whose spending, and in which period of which calendar. `limit` keeps the groups that cost the most."""

    period: BudgetPeriod
    now: datetime
    zone: Zone = ZONE_UTC
    filters: tuple[Filter, ...] = ()
    group_by: tuple[str, ...] = ()
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """The time a forecast is about: `since` to `until`, of which `ahead` are the moments at which days end from `today`
    on, and `shares` how much of each of those days is still to come."""

    since: datetime
    until: datetime
    today: datetime
    ahead: tuple[datetime, ...]
    shares: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Ahead:
    """One group: what is spent and counts towards the end of the span, by day, and what is ahead.

    `history_days` whole days are known; where they are too few `outlook` is None.
    """

    key: Key
    total: Spend
    spent: int
    daily: Daily
    outlook: Outlook | None
    history_days: int

    @property
    def silence(self) -> str | None:
        """Why there is no forecast, None where there is one."""
        if self.outlook is not None:
            return None
        return f"{self.history_days} whole days of history; a forecast needs {MIN_DAYS}"


def look_ahead(reader: LedgerReader, ask: Ask) -> tuple[Span, Ahead, tuple[Ahead, ...]]:
    """Return the time asked about, what is ahead of all calls together, and of each group, the dearest first."""
    # With it comes numpy: a quarter of a second, and only where it is asked what is ahead.
    from costspan.server.analytics.forecast import outlook  # noqa: PLC0415

    zone, now = ask.zone, ask.now
    today = zone.day_start(now)
    history = Period(_days_from(zone, today, -HISTORY_DAYS), today)
    span = _span(ask, _rest_of_today(reader, ask, history, today))
    whole = SpendQuestion(history, ask.group_by, Interval.DAY, zone, ask.filters, measures=SPENT)
    so_far = replace(whole, period=Period(min(span.since, now), now), limit=ask.limit)
    groups = reader.spend(replace(so_far, interval=Interval.TOTAL, measures=SUMS))
    kept = _of_groups(ask, [row.key for row in groups.rows])
    by_group = _by_day(reader, replace(whole, filters=kept))
    so_far_by_group = _by_day(reader, replace(so_far, filters=kept, limit=None))
    weekday = zone.local(now).weekday()

    def ahead(key: Key, total: Spend, past: Daily, daily: Daily) -> Ahead:
        amounts = _whole_days(past, zone, history)
        return Ahead(key, total, spent(total), daily, outlook(amounts, weekday, span.shares), len(amounts))

    rows = tuple(
        ahead(row.key, row.spend, by_group.get(row.key, {}), so_far_by_group.get(row.key, {}))
        for row in (groups.rows if ask.group_by else ())
    )
    past, daily = (by_group, so_far_by_group) if not ask.group_by else _of_all(reader, whole, so_far)
    return span, ahead((), groups.total, past.get((), {}), daily.get((), {})), rows


def _of_groups(ask: Ask, keys: Sequence[Key]) -> tuple[Filter, ...]:
    """Return the filters that leave the groups shown, and what few others share their values key by key."""
    if not ask.limit or len(keys) < ask.limit:
        return ask.filters
    shown = [Filter(name, value) for place, name in enumerate(ask.group_by) for value in {key[place] for key in keys}]
    # A key that is asked about already is left as it is: alternatives would widen it.
    asked = {each.key for each in ask.filters}
    return (*ask.filters, *(each for each in shown if each.key not in asked))


def _of_all(reader: LedgerReader, whole: SpendQuestion, so_far: SpendQuestion) -> tuple[dict[Key, Daily], ...]:
    return tuple(_by_day(reader, replace(each, group_by=(), limit=None)) for each in (whole, so_far))


def _by_day(reader: LedgerReader, question: SpendQuestion) -> dict[Key, Daily]:
    days: dict[Key, dict[datetime, int]] = {}
    for row in reader.spend(question).rows:
        if row.start is not None:
            days.setdefault(row.key, {})[row.start] = spent(row.spend)
    return dict(days)


def _whole_days(past: Daily, zone: Zone, history: Period) -> list[float]:
    """Return the amounts of whole days in order. The first day with a call began before its first call, so history
    begins with the day after, unless calls are older than what is looked at."""
    if not past:
        return []
    starts = [_days_from(zone, history.until, -back) for back in range(HISTORY_DAYS, 0, -1)]
    first = min(past)
    known = [start for start in starts if start > first or first == starts[0]]
    return [float(past.get(start, 0)) for start in known]


def _span(ask: Ask, rest: float) -> Span:
    zone, now = ask.zone, ask.now
    period = ask.period.at(now, zone)
    today = zone.day_start(now)
    if ask.period.days is not None:
        days = min(ask.period.days, _AHEAD_DAYS)
        ends = tuple(_days_from(zone, today, number) for number in range(1, days + 1))
        until = now + days * _DAY
        return Span(until - ask.period.days * _DAY, until, today, (*ends, until), (rest, *[1.0] * (days - 1), 1 - rest))
    ahead: list[datetime] = []
    while not ahead or ahead[-1] < period.until:
        ahead.append(_days_from(zone, today, len(ahead) + 1))
    return Span(period.since, period.until, today, tuple(ahead), (rest, *[1.0] * (len(ahead) - 1)))


def _rest_of_today(reader: LedgerReader, ask: Ask, history: Period, today: datetime) -> float:
    """Return how much of a day like today is still to come, by the hours of the last four weeks."""
    recent = Period(max(history.since, history.until - 4 * 7 * _DAY), history.until)
    question = SpendQuestion(recent, (), Interval.HOUR, ask.zone, ask.filters, measures=SPENT)
    weekend = ask.zone.local(ask.now).weekday() >= 5
    hours = [0] * 24
    for row in reader.spend(question).rows:
        if row.start is not None and (ask.zone.local(row.start).weekday() >= 5) is weekend:
            hours[ask.zone.local(row.start).hour] += spent(row.spend)
    into = ask.now - ask.zone.hour_start(ask.now)
    hour = ask.zone.local(ask.now).hour
    if not sum(hours):
        return 1 - min(1.0, (ask.now - today) / _DAY)
    return (hours[hour] * (1 - into / _HOUR) + sum(hours[hour + 1 :])) / sum(hours)


def _days_from(zone: Zone, today: datetime, number: int) -> datetime:
    """Return when the local day begins that is `number` days after the one which begins at `today`."""
    # Half a day on: a day of 23 or 25 hours ends in the right one.
    return zone.day_start(today + number * _DAY + _DAY / 2)
