"""`Zone`: where days and hours begin for whoever reads a report. Asked by questions with time buckets."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from costspan.core.errors import UsageError
from costspan.core.period import Period

_HOUR: Final = timedelta(hours=1)
_SECOND: Final = timedelta(seconds=1)
_STEP: Final = timedelta(days=1)
"""No zone changes its offset there and back within a day."""
_KNOWN: Final = Period(datetime(1970, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
"""Outside of these years the offset of their beginning or end is used."""


@dataclass(frozen=True, slots=True)
class Offset:
    """From the UTC moment `since` on, local time is UTC plus `ahead`."""

    since: datetime
    ahead: timedelta


@dataclass(frozen=True, slots=True)
class Zone:
    """A time zone by its IANA name. Raises UsageError where this machine does not know it."""

    name: str = "UTC"

    def __post_init__(self) -> None:
        try:
            ZoneInfo(self.name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise UsageError(
                f"unknown time zone {self.name[:50]!r}; an IANA name is expected, such as Europe/Berlin or UTC"
            ) from None

    def local(self, moment: datetime) -> datetime:
        """Return a moment as the clocks of the zone show it."""
        return moment.astimezone(ZoneInfo(self.name))

    def day_start(self, moment: datetime) -> datetime:
        """Return the UTC moment at which the local day of `moment` begins."""
        return self.midnight(self.local(moment).replace(tzinfo=None))

    def midnight(self, day: datetime) -> datetime:
        """Return the UTC moment at which a day begins, given as a naive local time. Where a clock is put forward at
        midnight, the day begins with the change."""
        return day.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=ZoneInfo(self.name)).astimezone(UTC)

    def hour_start(self, moment: datetime) -> datetime:
        """Return the UTC moment at which the local hour of `moment` begins, by the offset that holds at `moment`."""
        local = moment.astimezone(ZoneInfo(self.name))
        return moment.astimezone(UTC) - timedelta(
            minutes=local.minute, seconds=local.second, microseconds=local.microsecond
        )

    def offsets(self, period: Period) -> tuple[Offset, ...]:
        """Return the offsets that hold within `period`, the first from its beginning."""
        at = min(max(period.since, _KNOWN.since), _KNOWN.until).replace(microsecond=0)
        until = max(at, min(period.until, _KNOWN.until))
        found = [Offset(period.since, self._ahead(at))]
        while at < until:
            step = min(at + _STEP, until)
            if self._ahead(step) == found[-1].ahead:
                at = step
            else:
                at = self._change(at, step)
                found.append(Offset(at, self._ahead(at)))
        return tuple(found)

    def _change(self, before: datetime, after: datetime) -> datetime:
        """Return the first second at which the offset is no more what it was `before`."""
        ahead = self._ahead(before)
        while after - before > _SECOND:
            middle = before + (after - before) // 2 // _SECOND * _SECOND
            before, after = (middle, after) if self._ahead(middle) == ahead else (before, middle)
        return after

    def _ahead(self, moment: datetime) -> timedelta:
        return moment.astimezone(ZoneInfo(self.name)).utcoffset() or timedelta(0)


ZONE_UTC: Final = Zone()


def in_whole_hours(offsets: tuple[Offset, ...]) -> bool:
    """Return whether every local hour is an hour of UTC."""
    return all(offset.ahead % _HOUR == timedelta(0) for offset in offsets)
