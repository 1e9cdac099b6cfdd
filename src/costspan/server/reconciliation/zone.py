"""Where the provider's day begins: UTC, unless its daily counts fit the ledger's hours better in another zone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone, tzinfo
from fractions import Fraction
from typing import Final
from zoneinfo import ZoneInfo

MARGIN: Final = timedelta(hours=24)
"""How much of the ledger beside the period is read, so that its days can begin elsewhere."""
_NOTICED: Final = Fraction(3, 1000)
"""The part of the requests that must lie on the wrong day before another zone is looked for."""
_BETTER: Final = 4
"""How many times nearer the other zone must be."""
_FEWEST_DAYS: Final = 5
_PACIFIC: Final = ZoneInfo("America/Los_Angeles")
"""In which Google's invoice months begin."""


@dataclass(frozen=True, slots=True)
class DayBreak:
    """The zone whose days the bill has. `name` is `UTC`, `UTC-7` or an IANA name."""

    name: str
    zone: tzinfo

    def __call__(self, hour: datetime) -> date:
        """Return the day of a UTC hour."""
        return hour.astimezone(self.zone).date()


UTC_DAYS: Final = DayBreak("UTC", timezone.utc)  # noqa: UP017 - beside the other fixed offsets


def day_break(hours: Mapping[datetime, int], days: Mapping[date, int]) -> DayBreak:
    """Return whose days `days` (what the bill counts) are, given what the ledger counted in each UTC hour.

    Only the shape of the days is compared, so that traffic one side lacks everywhere does not mislead.
    """
    if len(days) < _FEWEST_DAYS or not hours or not sum(days.values()):
        return UTC_DAYS
    plain = _distance(hours, days, UTC_DAYS)
    if plain <= _NOTICED:
        return UTC_DAYS
    distances = [(_distance(hours, days, each), number, each) for number, each in enumerate(_candidates())]
    nearest, _, found = min(distances)
    return found if nearest * _BETTER <= plain else UTC_DAYS


def _candidates() -> Iterator[DayBreak]:
    for hours in sorted(range(-12, 15), key=abs):
        if hours:
            yield DayBreak(f"UTC{hours:+d}", timezone(timedelta(hours=hours)))
    yield DayBreak(_PACIFIC.key, _PACIFIC)


def _distance(hours: Mapping[datetime, int], days: Mapping[date, int], day_of: Callable[[datetime], date]) -> Fraction:
    counted: dict[date, int] = defaultdict(int)
    for hour, count in hours.items():
        counted[day_of(hour)] += count
    ours = {day: counted[day] for day in days}
    theirs, mine = sum(days.values()), sum(ours.values())
    if not mine:
        return Fraction(2)
    return sum((abs(Fraction(days[day], theirs) - Fraction(ours[day], mine)) for day in days), Fraction(0))
