"""The yardstick itself: what counts as exact, too much, too little, nothing, and something unknown at 0."""

from __future__ import annotations

from decimal import Decimal

import pytest

from benchmarks.accuracy.reading import Reading, judge
from benchmarks.accuracy.recorded import Recorded

CASE = Recorded("case", {"total_cost_usd": "0.002", "free_calls": 1, "error_calls": 0}, ())


@pytest.mark.parametrize(
    ("reading", "cell"),
    [
        (Reading((Decimal("0.002"),)), "exact"),
        (Reading((Decimal("0.0020000000000000000416"),)), "exact"),
        (Reading((Decimal("0.004"), None)), "× 2"),
        (Reading((Decimal("0.004"), Decimal("0.0019"))), "× 0.95"),
        (Reading((Decimal("0.001"),), zeros=1), "× 0.5"),
        (Reading((Decimal("0.001"),), zeros=2), "× 0.5, unknown as 0"),
        (Reading((Decimal("0.0"),), zeros=2), "× 0, unknown as 0"),
        (Reading((None,)), "no cost shown"),
        (Reading(inexpressible="takes no logs"), "n/a (takes no logs)"),
    ],
)
def test_a_reading_is_put_in_words(reading: Reading, cell: str) -> None:
    assert judge(CASE, reading).cell == cell
