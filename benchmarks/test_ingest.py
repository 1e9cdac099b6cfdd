"""The ingest benchmark, small: it runs, it loses nothing, and it prints its ratios. Times are reported, not judged."""

from __future__ import annotations

import pytest

from benchmarks.ingest import light
from benchmarks.ingest.measure import MIXES, measure_all
from benchmarks.ingest.peers import PEERS
from benchmarks.ingest.table import report


def test_every_span_is_taken_and_accounted_for(capsys: pytest.CaptureFixture[str]) -> None:
    measured = measure_all(request_count=40, peer_request_count=2)

    with capsys.disabled():
        print("", report(measured), sep="\n")
    assert [one.genai_percent for one in measured if one.server == "costspan"] == list(MIXES)
    assert all(one.spans == 40 * 512 and one.cpu_s > 0 for one in measured if one.server == "costspan")


def test_small_requests_are_answered_one_by_one() -> None:
    measured = light.measure(PEERS[0], rate_per_s=20, seconds=1, idle_s=0.5)

    assert measured.server == "costspan"
    assert measured.share > 0
    assert measured.cpu_ms > 0
    assert 0 < measured.p50_ms <= measured.p99_ms
