"""The ingest benchmark, small: it runs, it loses nothing, and it prints its ratios. Times are reported, not judged."""

from __future__ import annotations

import pytest

from benchmarks.ingest.measure import MIXES, measure_all
from benchmarks.ingest.table import report


def test_every_span_is_taken_and_accounted_for(capsys: pytest.CaptureFixture[str]) -> None:
    measured = measure_all(request_count=40, peer_request_count=2)

    with capsys.disabled():
        print("", report(measured), sep="\n")
    assert [one.genai_percent for one in measured if one.server == "costspan"] == list(MIXES)
    assert all(one.spans == 40 * 512 and one.cpu_s > 0 for one in measured if one.server == "costspan")
