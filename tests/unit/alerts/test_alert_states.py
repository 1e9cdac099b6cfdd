"""The states of an alert: pending, firing and resolved, with `for`, `keep_firing_for` and missing data."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledger import NOON, minutes, rule

from costspan.server.alerts.amounts import MeasureUnit
from costspan.server.alerts.conditions.base import Truth, Verdict
from costspan.server.alerts.state import Alert, State, step

SIGNS = {"+": Truth.MET, "-": Truth.NOT_MET, "?": Truth.NO_DATA}
LETTERS = {None: ".", State.INACTIVE: ".", State.PENDING: "p", State.FIRING: "F", State.RESOLVED: "r"}


def verdict(sign: str, group: tuple[tuple[str, str | None], ...] = ()) -> Verdict:
    return Verdict(group=group, truth=SIGNS[sign], unit=MeasureUnit.USD, observed=Decimal(1))


def walked(signs: str, group: tuple[tuple[str, str | None], ...] = (), **said: Any) -> str:
    """Return the states after a verdict each minute, as letters."""
    of, alert, at, states = rule(above=1, **said), None, NOON, ""
    for sign in signs:
        alert = step(alert, verdict(sign, group), of, at)
        states += LETTERS[alert.state if alert else None]
        at += minutes(1)
    return states


@pytest.mark.parametrize(
    ("said", "signs", "states"),
    [
        ({}, "--+-", "..Fr"),
        ({}, "+-+", "FrF"),
        ({"for": "2m"}, "+++-+-", "ppFrp."),
        ({"for": "2m"}, "++-+++", "pp.ppF"),
        ({"for": "3m"}, "+++-++++", "ppp.pppF"),
        ({"keep_firing_for": "3m"}, "+---+----", "FFFFFFFFr"),
        ({"for": "1m", "keep_firing_for": "1m"}, "++-+--", "pFFFFr"),
        ({"missing": "ok"}, "+?+", "FrF"),
        ({"missing": "keep"}, "+???-", "FFFFr"),
        ({"missing": "keep", "for": "2m"}, "+??+", "pppF"),
        ({"missing": "keep"}, "??", ".."),
        ({"missing": "alert"}, "-??-", ".FFr"),
        ({"missing": "alert", "for": "1m"}, "-??", ".pF"),
        ({}, "+" + "-" * 17, "F" + "r" * 15 + ".."),
    ],
)
def test_an_alert_goes_through_its_states(said: dict[str, Any], signs: str, states: str):
    assert walked(signs, **said) == states


def test_a_group_that_fell_silent_is_forgotten_after_a_week():
    of, group = rule(above=1, missing="alert", group_by="team"), (("team", "search"),)
    alert = step(None, verdict("-", group), of, NOON)
    day = timedelta(days=1)
    states = []
    for days in range(1, 10):
        alert = step(alert, verdict("?", group), of, NOON + days * day)
        states.append(LETTERS[alert.state if alert else None])
    assert "".join(states) == "FFFFFFFr."


@given(
    signs=st.text("+-?", min_size=1, max_size=60),
    hold=st.integers(0, 4),
    keep=st.integers(0, 4),
    missing=st.sampled_from(["ok", "keep", "alert"]),
)
def test_whatever_happens_the_times_are_kept_to(signs: str, hold: int, keep: int, missing: str):
    """It fires only after `for` of nothing but met, ends only after `keep_firing_for` of nothing but not met."""
    of = rule(above=1, missing=missing, **{"for": f"{hold}m", "keep_firing_for": f"{keep}m"})
    met = {"+": True, "-": False, "?": {"ok": False, "keep": None, "alert": True}[missing]}
    alert: Alert | None = None
    was: list[bool | None] = []
    before = State.INACTIVE
    for number, sign in enumerate(signs):
        alert = step(alert, verdict(sign), of, NOON + minutes(number))
        was.append(met[sign])
        after = alert.state if alert else State.INACTIVE
        if after is State.FIRING and before is not State.FIRING:
            assert was[-1] is True
            assert False not in was[-1 - hold :]
            assert number >= hold
            assert alert is not None
            assert alert.fired_at == NOON + minutes(number)
        if before is State.FIRING and after is not State.FIRING:
            assert after is State.RESOLVED
            assert not any(was[-1 - keep :])
        if before is State.FIRING and was[-1] is True:
            assert after is State.FIRING
        if hold == 0 and was[-1] is True:
            assert after is State.FIRING
        before = after


def test_an_alert_says_since_when_it_is_in_its_state():
    of = rule(above=1, **{"for": "1m"})
    moments: list[tuple[str, datetime]] = []
    alert = None
    for number, sign in enumerate("++--"):
        alert = step(alert, verdict(sign), of, NOON + minutes(number))
        assert alert is not None
        moments.append((alert.state.value, alert.since))
    assert moments == [
        ("pending", NOON),
        ("firing", NOON + minutes(1)),
        ("resolved", NOON + minutes(2)),
        ("resolved", NOON + minutes(2)),
    ]
