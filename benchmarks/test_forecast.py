"""The forecast benchmark, small: better than the linear run rate early in a month, and a range that mostly holds."""

from __future__ import annotations

import pytest

from benchmarks.forecast.__main__ import report
from benchmarks.forecast.measure import measure


def test_early_in_a_month_the_forecast_is_nearer_than_the_run_rate(capsys: pytest.CaptureFixture[str]) -> None:
    found = measure(20, first_seed=3000)

    with capsys.disabled():
        print("", report(found), sep="\n")
    early = [score for (_, on), score in found.items() if on == 3]
    assert all(score.errors["costspan"] < score.errors["linear run rate"] for score in early)
    months = sum(score.months for score in found.values())
    assert 0.65 < sum(score.covered * score.months for score in found.values()) / months < 0.95
