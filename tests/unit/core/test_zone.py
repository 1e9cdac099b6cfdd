"""Days and hours of a zone: offsets as zoneinfo has them, whatever the clocks do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costspan.core.errors import UsageError
from costspan.core.period import Period
from costspan.core.zone import Zone

ZONES = sorted(available_timezones() - {"localtime"})
SECONDS = (31_536_000, 3_786_912_000)
"""1971 to 2090."""
moments = st.integers(*SECONDS).map(lambda second: datetime.fromtimestamp(second, UTC))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "moment", "day", "hour"),
    [
        ("Europe/Berlin", "2026-10-24T22:30", "2026-10-24T22:00", "2026-10-24T22:00"),
        ("Europe/Berlin", "2026-10-25T00:30", "2026-10-24T22:00", "2026-10-25T00:00"),  # 02:30, the first time
        ("Europe/Berlin", "2026-10-25T01:30", "2026-10-24T22:00", "2026-10-25T01:00"),  # 02:30, the second time
        ("Europe/Berlin", "2026-10-25T22:59", "2026-10-24T22:00", "2026-10-25T22:00"),  # a day of 25 hours
        ("Europe/Berlin", "2026-10-25T23:00", "2026-10-25T23:00", "2026-10-25T23:00"),
        ("Asia/Kathmandu", "2026-11-20T18:14", "2026-11-19T18:15", "2026-11-20T17:15"),
        ("Asia/Kathmandu", "2026-11-20T18:15", "2026-11-20T18:15", "2026-11-20T18:15"),
        ("America/Sao_Paulo", "2018-11-04T03:30", "2018-11-04T03:00", "2018-11-04T03:00"),  # there was no midnight
    ],
)
def test_days_and_hours_begin_where_the_clocks_of_the_zone_say(zone: str, moment: str, day: str, hour: str) -> None:
    assert Zone(zone).day_start(at(moment)) == at(day)
    assert Zone(zone).hour_start(at(moment)) == at(hour)


@given(name=st.sampled_from(ZONES), since=moments, days=st.integers(0, 400), part=st.floats(0, 1, exclude_max=True))
def test_offsets_are_those_of_the_zone_at_any_moment(name: str, since: datetime, days: int, part: float) -> None:
    period = Period(since, since + timedelta(days=days))
    moment = since + timedelta(days=days) * part
    offsets = Zone(name).offsets(period)
    holding = [offset for offset in offsets if offset.since <= moment][-1]
    assert holding.ahead == moment.astimezone(ZoneInfo(name)).utcoffset()
    assert offsets[0].since == since
    assert len(offsets) < 3 + days // 20


@pytest.mark.parametrize("name", ["", "Mars/Olympus", "../../etc/passwd", "Europe", "x" * 5000, "a\0b", "/etc/passwd"])
def test_what_is_no_zone_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="unknown time zone"):
        Zone(name)


def test_all_of_time_has_few_offsets() -> None:
    ever = Period(datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC))
    assert len(Zone("Europe/Berlin").offsets(ever)) < 300
