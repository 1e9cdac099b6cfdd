"""The dashboard's benchmark, small: it runs and prints its ratios. Times are reported, not judged; bytes are."""

from __future__ import annotations

import pytest

from benchmarks.ui.measure import measure_all
from benchmarks.ui.table import report

KB = 1024


def test_the_first_page_is_small(capsys: pytest.CaptureFixture[str]) -> None:
    own, *_ = measured = measure_all(rounds=1, calls_per_day=100)

    with capsys.disabled():
        print("", report(measured), sep="\n")
    assert own.opened.transferred_bytes < 200 * KB
    assert own.opened.main_thread_ms > 0
    assert own.opened.first_paint_ms > 0
