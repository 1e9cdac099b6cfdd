"""The detector on made-up weeks: what it tells, and what it lets pass."""

from __future__ import annotations

import numpy as np
import pytest

from costspan.server.analytics.anomaly.buckets import DAY, HOUR, Buckets, Sums
from costspan.server.analytics.anomaly.detect import Detector
from costspan.server.analytics.anomaly.limits import Sensitivity
from costspan.server.analytics.anomaly.rules import RULES
from costspan.server.store.spend_series import UNITS

WEEKS = 4
LENGTH = WEEKS * 7 * DAY
AT = LENGTH - 6 * HOUR
"""Six hours before the end, at 18:00 on a Sunday."""


class Group:
    """Calls, dollars and tokens of a group that makes 120 calls an hour, each of about a cent and 1,000 tokens."""

    def __init__(self, seed: int = 1) -> None:
        self.random = np.random.default_rng(seed)
        self.calls = np.full(LENGTH, 10.0)
        self.input, self.output, self.price = np.full(LENGTH, 800.0), np.full(LENGTH, 200.0), np.full(LENGTH, 1e-5)

    def buckets(self) -> Buckets:
        n = self.random.poisson(self.calls).astype(float)
        typical = {
            "cost_per_call": (self.input + self.output) * self.price,
            "input_per_call": self.input,
            "output_per_call": self.output,
            "price_per_token": self.price,
        }
        spread = 0.5
        strays = {unit: self.random.normal(0, spread * np.sqrt(np.maximum(n, 1))) for unit in UNITS}
        logs = {unit: n * np.log(typical[unit]) + np.where(n > 0, strays[unit], 0) for unit in UNITS}
        squares = {unit: np.where(n > 0, logs[unit] ** 2 / np.maximum(n, 1), 0) + n * spread**2 for unit in UNITS}
        cost = n * typical["cost_per_call"]
        rows = (n[None], cost[None], n[None])
        return Buckets(
            0, *rows, {unit: logs[unit][None] for unit in UNITS}, {unit: squares[unit][None] for unit in UNITS}
        )


def alarms(group: Group, sensitivity: float = 3.0) -> list[tuple[int, str]]:
    """Return the buckets of the last two weeks that give alarm, and by which channel."""
    off = np.arange(WEEKS * 7) % 7 >= 5
    detector, sums = Detector(1, off, Sensitivity(sensitivity)), Sums.of(group.buckets())
    days = [detector.learn(sums) for _ in range(WEEKS * 7)]
    return [
        (day.first + at, RULES[day.rule[0, at]].channel)
        for day in days
        for at in np.flatnonzero(day.fired[0])
        if day.first + at >= LENGTH // 2
    ]


def test_four_weeks_of_the_same_give_no_alarm():
    assert alarms(Group()) == []


def test_ten_times_the_calls_are_told_within_a_quarter_of_an_hour_as_calls():
    group = Group()
    group.calls[AT : AT + HOUR] *= 10

    first, channel = alarms(group)[0]

    assert AT <= first < AT + 3
    assert channel in ("calls", "cost")


@pytest.mark.parametrize(
    ("what", "times", "channel"),
    [("price", 5, "price_per_token"), ("input", 4, "input_per_call"), ("output", 5, "output_per_call")],
)
def test_a_call_that_changes_is_told_within_twenty_minutes(what: str, times: float, channel: str):
    group = Group()
    getattr(group, what)[AT:] *= times

    first, told = alarms(group)[0]

    assert AT <= first < AT + 4
    assert told in (channel, "cost_per_call")


def test_a_prompt_that_doubles_over_three_days_is_told_before_it_has():
    group = Group()
    start = LENGTH - 5 * DAY
    group.input[start:] *= 1 + np.minimum(np.arange(5 * DAY) / (3 * DAY), 1.0)

    first, told = alarms(group)[0]

    assert first < start + 2 * DAY
    assert told in ("input_per_call", "cost_per_call")


def test_a_job_of_one_weekday_is_usual_on_that_weekday():
    group = Group()
    hours = np.arange(LENGTH) % (7 * DAY)
    group.calls[(hours >= 9 * HOUR) & (hours < 10 * HOUR)] *= 20

    assert alarms(group) == []


def test_what_was_missed_in_an_outage_may_be_caught_up():
    group = Group()
    group.calls[AT : AT + 2 * HOUR] = 0
    group.calls[AT + 2 * HOUR : AT + 3 * HOUR] *= 3

    assert alarms(group) == []


def test_a_quiet_week_does_not_make_the_next_one_an_alarm():
    group = Group()
    group.calls[14 * DAY : 21 * DAY] *= 0.3

    assert alarms(group) == []


def test_a_day_that_lost_an_hour_to_the_clocks_gives_no_alarm():
    group = Group()
    group.calls *= 0.2 + 2 * np.exp(-(((np.arange(LENGTH) % DAY / HOUR) - 14) ** 2) / 18)
    group.calls[18 * DAY :] = np.roll(group.calls, -HOUR)[18 * DAY :]

    assert alarms(group) == []


@pytest.mark.parametrize(("sensitivity", "tells"), [(1, True), (3, True), (12, False)])
def test_a_higher_sensitivity_tells_less(sensitivity: float, *, tells: bool):
    group = Group()
    group.calls[AT : AT + HOUR] *= 10

    assert bool(alarms(group, sensitivity)) is tells
