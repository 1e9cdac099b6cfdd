"""The forecast of a series of days: what it must get right whatever the statistics inside."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from costspan.server.analytics.forecast import outlook
from costspan.server.analytics.outlook import MIN_DAYS

WEEK = [60.0, 60.0, 60.0, 60.0, 60.0, 20.0, 20.0]
REST_OF_WEEK = [1.0] * 7


def test_a_week_that_repeats_is_expected_to_repeat() -> None:
    found = outlook(WEEK * 5, 0, REST_OF_WEEK)

    assert found
    assert found.middle == pytest.approx([60, 120, 180, 240, 300, 320, 340])
    assert (found.rest_of_today, found.weekdays.days, found.weekend.days) == (pytest.approx(60), 4, 2)
    assert (found.weekdays.each, found.weekend.each) == (pytest.approx(60), pytest.approx(20))
    assert found.trend == pytest.approx(0)


def test_the_weekday_is_that_of_today_and_not_of_the_first_day() -> None:
    history = (WEEK * 5)[:-2]  # Friday was the last whole day

    found = outlook(history, 5, [0.25, 1.0, 1.0])

    assert found
    assert found.middle == pytest.approx([5, 25, 85])


def test_one_bad_day_hardly_moves_what_is_expected() -> None:
    calm = WEEK * 5
    bad = [*calm]
    bad[-3] *= 30

    found, expected = outlook(bad, 0, REST_OF_WEEK), outlook(calm, 0, REST_OF_WEEK)

    assert found
    assert expected
    assert found.middle[-1] == pytest.approx(expected.middle[-1], rel=0.15)


def test_growth_goes_on_and_dies_out() -> None:
    growing = [amount * 1.01**day for day, amount in enumerate(WEEK * 6)]

    found = outlook(growing, 0, [1.0] * 28)

    assert found
    weeks = [found.middle[end] - (found.middle[end - 7] if end > 7 else 0) for end in (6, 13, 20, 27)]
    assert sum(growing[-14:]) / 2 < weeks[0] < weeks[1] < weeks[2] < weeks[3]
    assert weeks[3] / weeks[2] < weeks[1] / weeks[0] < 1.01**7
    assert 0 < found.trend < 0.011


def test_spending_on_few_days_is_expected_at_its_mean_and_not_at_nothing() -> None:
    seldom = [0.0, 0.0, 9.0, 0.0, 0.0, 0.0, 3.0, 0.0, 0.0, 6.0, 0.0, 0.0, 0.0, 3.0] * 3

    found = outlook(seldom, 0, [1.0] * 28)

    assert found
    assert found.middle[-1] == pytest.approx(28 * sum(seldom) / len(seldom), rel=0.35)


def test_before_there_are_two_weeks_nothing_is_said() -> None:
    assert outlook((WEEK * 2)[: MIN_DAYS - 1], 0, REST_OF_WEEK) is None
    assert outlook(WEEK * 2, 0, REST_OF_WEEK) is not None


@settings(max_examples=60, deadline=None)
@given(
    history=st.lists(st.one_of(st.just(0.0), st.floats(1e-3, 1e15)), min_size=MIN_DAYS, max_size=60),
    weekday=st.integers(0, 6),
    days=st.integers(0, 31),
)
def test_whatever_was_spent_the_range_is_in_order_and_never_falls(
    history: list[float], weekday: int, days: int
) -> None:
    found = outlook(history, weekday, [1.0] * days)

    assert found
    assert len(found.low) == len(found.middle) == len(found.high) == days
    for low, middle, high in zip(found.low, found.middle, found.high, strict=True):
        assert 0 <= low <= middle <= high < float("inf")
    assert list(found.middle) == sorted(found.middle)
    total = found.rest_of_today + sum(kind.days * kind.each for kind in (found.weekdays, found.weekend))
    assert total == pytest.approx(found.middle[-1] if days else 0)


def test_the_range_is_wider_where_days_differed_more_and_the_same_each_time() -> None:
    calm = [amount * (1.02 if day % 3 else 0.96) for day, amount in enumerate(WEEK * 6)]
    wild = [amount * (1.5 if day % 3 else 0.2) for day, amount in enumerate(WEEK * 6)]

    narrow, wide = outlook(calm, 0, [1.0] * 14), outlook(wild, 0, [1.0] * 14)

    assert narrow
    assert wide
    assert wide == outlook(wild, 0, [1.0] * 14)
    assert wide.high[-1] / wide.low[-1] > narrow.high[-1] / narrow.low[-1] > 1
