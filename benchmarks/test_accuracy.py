"""Over HTTP, on a real server, costspan says what the provider billed in every recorded case."""

from __future__ import annotations

import pytest

from benchmarks.accuracy.contest import contest
from benchmarks.accuracy.reading import Outcome
from benchmarks.accuracy.recorded import recorded_cases
from benchmarks.accuracy.table import rows, summary_rows
from benchmarks.servers import COSTSPAN
from benchmarks.table import plain


def test_costspan_is_exact_in_every_case(capsys: pytest.CaptureFixture[str]) -> None:
    cases = recorded_cases()

    (result,) = contest(cases, [COSTSPAN])

    with capsys.disabled():
        print("", plain(rows(cases, [result])), plain(summary_rows([result])), sep="\n")
    assert result.differences == {}
    assert set(result.outcomes) == {Outcome.EXACT}
    assert result.unknown_as_zero == 0
