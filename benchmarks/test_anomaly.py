"""The anomaly benchmark, small: one organisation that nothing was tuned on. Its figures are shown; the floor is low."""

from __future__ import annotations

import pytest

from benchmarks.anomaly.__main__ import tables
from benchmarks.anomaly.measure import measure
from benchmarks.table import plain


def test_the_detector_finds_most_faults_and_more_than_any_other_method(capsys: pytest.CaptureFixture[str]) -> None:
    rows, strange = measure(dev=(1,), test=(451,))

    with capsys.disabled():
        print("", *(f"{title}\n{plain(table)}" for title, table in tables(rows, strange).items()), sep="\n")
    ours, *others = (row.verdict for row in rows)
    assert ours.recall >= 0.8
    assert ours.false_per_group_month <= 0.3
    assert all(ours.recall > other.recall or ours.precision > other.precision for other in others)
