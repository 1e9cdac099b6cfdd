"""Budgets: the period that holds, the state of an amount, and whether one more call fits."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costspan.core.budget import BudgetPeriod, BudgetState, state_of
from costspan.core.budget_decision import Standing, decide
from costspan.core.errors import UsageError
from costspan.core.period import iso

amounts = st.integers(0, 10**18)


@pytest.mark.parametrize(
    ("word", "now", "since", "until"),
    [
        ("day", "2026-11-21T23:59:59.5", "2026-11-21T00:00:00Z", "2026-11-22T00:00:00Z"),
        ("week", "2026-11-22T12:00:00", "2026-11-16T00:00:00Z", "2026-11-23T00:00:00Z"),
        ("week", "2026-11-16T00:00:00", "2026-11-16T00:00:00Z", "2026-11-23T00:00:00Z"),
        ("month", "2026-02-28T10:00:00", "2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z"),
        ("month", "2026-12-31T23:00:00", "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"),
        ("30d", "2026-11-21T06:30:00", "2026-10-22T06:30:00Z", "2026-11-21T06:30:00Z"),
    ],
)
def test_a_period_is_of_the_utc_calendar_or_rolls(word: str, now: str, since: str, until: str) -> None:
    period = BudgetPeriod(word).at(datetime.fromisoformat(now).replace(tzinfo=UTC))

    assert (iso(period.since), iso(period.until)) == (since, until)


@pytest.mark.parametrize("word", ["", "year", "0d", "30", "-1d", "30h", "Month"])
def test_any_other_period_is_refused_with_the_words_that_are_known(word: str) -> None:
    with pytest.raises(UsageError, match="is not month, week, day or a number of days"):
        BudgetPeriod(word)


@pytest.mark.parametrize(
    ("spent", "state"), [(0, "ok"), (79, "ok"), (80, "soft"), (99, "soft"), (100, "exceeded"), (120, "exceeded")]
)
def test_a_budget_is_soft_from_four_fifths_and_exceeded_when_all_of_it_is_spent(spent: int, state: str) -> None:
    assert state_of(spent, 100) == state


def test_a_call_is_allowed_while_it_fits_beside_what_is_spent_and_reserved() -> None:
    standing = Standing(amount=100, spent=60, reserved=20)

    assert decide("b", standing, 20).allowed
    assert not decide("b", standing, 21).allowed
    assert decide("b", standing, 21).state is BudgetState.EXCEEDED


def test_a_call_that_is_expected_to_cost_nothing_is_refused_once_all_is_spent() -> None:
    assert not decide("b", Standing(amount=100, spent=100), 0)


def test_a_budget_that_is_closed_for_another_reason_says_that_reason() -> None:
    decision = decide("b", Standing(amount=100, spent=0, refused="3 calls have no price"), 1)

    assert (decision.allowed, decision.reason) == (False, "3 calls have no price")


@given(amount=st.integers(1, 10**18), spent=amounts, reserved=amounts, estimate=amounts)
def test_what_is_allowed_never_exceeds_the_amount(amount: int, spent: int, reserved: int, estimate: int) -> None:
    if decide("b", Standing(amount, spent, reserved), estimate):
        assert spent + reserved + estimate <= amount
