"""The query benchmark, small: both ways answer the same number of questions. Times are reported, not judged."""

from __future__ import annotations

import pytest

from benchmarks.query.__main__ import report
from benchmarks.query.measure import QUESTIONS, measure


def test_every_question_is_answered_from_rows_and_from_roll_ups(capsys: pytest.CaptureFixture[str]) -> None:
    found = measure(100_000, rounds=3)

    with capsys.disabled():
        print("", report(found), sep="\n")
    assert set(found.of_rows) == set(found.rolled_up) == set(QUESTIONS)
