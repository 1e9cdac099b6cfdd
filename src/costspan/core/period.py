"""Half-open periods of UTC time, and the words people use for them: `7d`, `24h`, `2026-10`, ISO 8601."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from costspan.core.errors import UsageError

_AGO: Final = re.compile(r"(\d{1,6})([mhdw])")
_MONTH: Final = re.compile(r"(\d{4})-(\d{2})")
_STEP: Final = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
ACCEPTED: Final = (
    "an ISO 8601 date or time (2026-11-01, 2026-11-01T12:00:00Z), a month (2026-10) or an age (30m, 24h, 7d)"
)


@dataclass(frozen=True, slots=True)
class Period:
    """The time from `since` up to, not including, `until`. Both are aware and in UTC; raises UsageError otherwise."""

    since: datetime
    until: datetime

    def __post_init__(self) -> None:
        if self.since.utcoffset() != timedelta(0) or self.until.utcoffset() != timedelta(0):
            raise UsageError("a period is in UTC")
        if self.since > self.until:
            raise UsageError(f"since {iso(self.since)} is after until {iso(self.until)}")

    def __contains__(self, moment: datetime) -> bool:
        return self.since <= moment < self.until

    def before(self) -> Period:
        """Return the equally long period that ends where this one begins."""
        return Period(self.since - (self.until - self.since), self.since)


def parse_moment(text: str, now: datetime) -> datetime:
    """Return the start of what `text` names, in UTC; ages count back from `now`. Raise UsageError on anything else."""
    try:
        return _moment(text.strip(), now)
    except OverflowError:
        raise UsageError(f"{text!r} is outside the years 1 to 9999") from None


def _moment(text: str, now: datetime) -> datetime:
    if text == "now":
        return now
    if ago := _AGO.fullmatch(text):
        return now - int(ago[1]) * _STEP[ago[2]]
    if month := _MONTH.fullmatch(text):
        return _first_of_month(int(month[1]), int(month[2]), text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text!r} is not {ACCEPTED}") from None
    # A time without an offset is UTC: days and months of the ledger are UTC days and months.
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def parse_period(since: str | None, until: str | None, now: datetime, default_age: str = "30d") -> Period:
    """Return the period two user words span. `until` given as a month or a day includes all of it."""
    start = parse_moment(since or default_age, now)
    if until is not None:
        return Period(start, _end_of(until, parse_moment(until, now)))
    return Period(start, max(start, _end_of(since, start) if since and _MONTH.fullmatch(since.strip()) else now))


def iso(moment: datetime) -> str:
    """Return a UTC moment as `2026-11-01T00:00:00Z`, with a fraction only where there is one."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _end_of(text: str, start: datetime) -> datetime:
    text = text.strip()
    try:
        if _MONTH.fullmatch(text):
            return (start.replace(day=28) + timedelta(days=4)).replace(day=1)
        date.fromisoformat(text)
        return start + timedelta(days=1)
    except OverflowError:
        raise UsageError(f"the end of {text!r} is after the year 9999") from None
    except ValueError:
        return start


def _first_of_month(year: int, month: int, text: str) -> datetime:
    try:
        return datetime(year, month, 1, tzinfo=UTC)
    except ValueError:
        raise UsageError(f"{text!r} is not {ACCEPTED}") from None
