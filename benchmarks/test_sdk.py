"""The SDK benchmark, small, in this environment: it runs, and the cost it reads is the bill's. Times are not judged."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks.sdk.environments import weighed
from benchmarks.sdk.measure import Effort, measure
from benchmarks.sdk.peers import COSTSPAN, OPENTELEMETRY
from benchmarks.sdk.table import ratios, rows
from benchmarks.table import plain


def test_costspan_reports_the_cost_of_every_call_and_opentelemetry_alone_reports_none(
    capsys: pytest.CaptureFixture[str],
) -> None:
    here = {peer: weighed(Path(sys.executable), peer.package, {}) for peer in (OPENTELEMETRY, COSTSPAN)}

    _, measured = measure(here, Effort(starts=1, turns=10))

    with capsys.disabled():
        print("", plain(rows(measured, here)), *ratios(measured), sep="\n")
    # 1,000 tokens at $0.15 and 500 at $0.60 a million.
    assert measured[COSTSPAN].reported_usd == 0.00045
    assert measured[OPENTELEMETRY].reported_usd is None
