"""The words people use for time, in UTC and half open."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costspan.core.clock import ns_from_utc, utc_from_ns
from costspan.core.errors import UsageError
from costspan.core.period import Period, iso, parse_moment, parse_period

NOW = datetime(2026, 11, 20, 15, 30, tzinfo=UTC)


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("now", NOW),
        ("30m", utc(2026, 11, 20, 15, 0)),
        ("24h", utc(2026, 11, 19, 15, 30)),
        ("7d", utc(2026, 11, 13, 15, 30)),
        ("2w", utc(2026, 11, 6, 15, 30)),
        ("0d", NOW),
        ("2026-10", utc(2026, 10, 1)),
        ("2026-10-05", utc(2026, 10, 5)),
        ("2026-10-05T12:00:00", utc(2026, 10, 5, 12)),
        ("2026-10-05T12:00:00Z", utc(2026, 10, 5, 12)),
        ("2026-10-05T12:00:00+02:00", utc(2026, 10, 5, 10)),
        (" 7d ", utc(2026, 11, 13, 15, 30)),
    ],
)
def test_a_word_for_a_moment_is_understood(text: str, moment: datetime) -> None:
    assert parse_moment(text, NOW) == moment
    assert parse_moment(text, NOW).utcoffset() == timedelta(0)


@pytest.mark.parametrize("text", ["", "yesterday", "7", "d7", "-7d", "7y", "2026-13", "2026-00", "2026-10-32", "1.5d"])
def test_any_other_word_is_refused_with_what_is_accepted(text: str) -> None:
    with pytest.raises(UsageError, match="ISO 8601"):
        parse_moment(text, NOW)


@pytest.mark.parametrize("text", ["999999w", "0001-01-01T00:00:00+14:00"])
def test_a_moment_beyond_the_calendar_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="years 1 to 9999"):
        parse_moment(text, NOW)


@pytest.mark.parametrize("text", ["9999-12", "9999-12-31"])
def test_an_end_beyond_the_calendar_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="9999"):
        parse_period("2026-10", text, NOW)
    with pytest.raises(UsageError, match="9999"):
        parse_period("9999-12", None, NOW)


@pytest.mark.parametrize(
    ("since", "until", "period"),
    [
        (None, None, (utc(2026, 10, 21, 15, 30), NOW)),
        ("2026-10", None, (utc(2026, 10, 1), utc(2026, 11, 1))),
        ("2026-11", None, (utc(2026, 11, 1), utc(2026, 12, 1))),
        ("2026-12", "2027-01", (utc(2026, 12, 1), utc(2027, 2, 1))),
        ("2026-09", "2026-10", (utc(2026, 9, 1), utc(2026, 11, 1))),
        ("2024-02", "2024-02", (utc(2024, 2, 1), utc(2024, 3, 1))),
        ("2026-10-05", "2026-10-05", (utc(2026, 10, 5), utc(2026, 10, 6))),
        ("2026-10-05", "2026-10-05T06:00:00", (utc(2026, 10, 5), utc(2026, 10, 5, 6))),
        ("7d", "now", (utc(2026, 11, 13, 15, 30), NOW)),
        ("2027-06-01", None, (utc(2027, 6, 1), utc(2027, 6, 1))),
    ],
)
def test_until_includes_the_month_or_day_it_names(since, until, period) -> None:
    found = parse_period(since, until, NOW)
    assert (found.since, found.until) == period


def test_a_period_that_ends_before_it_starts_or_is_not_utc_is_refused() -> None:
    with pytest.raises(UsageError, match="after until"):
        Period(utc(2026, 1, 2), utc(2026, 1, 1))
    with pytest.raises(UsageError, match="UTC"):
        Period(datetime(2026, 1, 1), utc(2026, 1, 2))  # noqa: DTZ001 - the refusal of a naive time is the point
    with pytest.raises(UsageError, match="UTC"):
        Period(datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=1))), utc(2026, 1, 2))


def test_a_period_holds_its_start_and_not_its_end() -> None:
    day = Period(utc(2026, 1, 1), utc(2026, 1, 2))
    assert utc(2026, 1, 1) in day
    assert utc(2026, 1, 2) not in day
    assert (day.before().since, day.before().until) == (utc(2025, 12, 31), utc(2026, 1, 1))


@pytest.mark.parametrize(
    ("moment", "text"),
    [(utc(2026, 11, 1), "2026-11-01T00:00:00Z"), (utc(2026, 11, 1, 1, 2, 3, 500), "2026-11-01T01:02:03.000500Z")],
)
def test_a_moment_is_written_with_a_fraction_only_where_there_is_one(moment: datetime, text: str) -> None:
    assert iso(moment) == text


@given(st.integers(0, 2**63 - 1))
def test_nanoseconds_and_datetimes_agree_to_the_microsecond(moment_ns: int) -> None:
    assert ns_from_utc(utc_from_ns(moment_ns)) == moment_ns // 1000 * 1000
