"""One tool, all cases: send everything, then ask until the answers are right or the tool had its time."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.accuracy.reading import Outcome, Reading, Verdict, judge
from benchmarks.accuracy.recorded import Recorded
from benchmarks.accuracy.tools import Costspan, MLflow, Phoenix, Tool
from benchmarks.servers import COSTSPAN, MLFLOW, PHOENIX, Product, running, takes_part

CONTESTANTS: dict[Product, Callable[[str], Tool]] = {COSTSPAN: Costspan, PHOENIX: Phoenix, MLFLOW: MLflow}
SETTLES_WITHIN_S = 30.0
"""Peers answer before they have computed; an answer that is right sooner is not asked for again."""


@dataclass(frozen=True, slots=True)
class Result:
    """What one tool made of the cases."""

    tool: str
    version: str
    verdicts: dict[str, Verdict]
    differences: dict[str, tuple[str, ...]]

    @property
    def outcomes(self) -> Counter[Outcome]:
        """How many cases had which outcome."""
        return Counter(verdict.outcome for verdict in self.verdicts.values())

    @property
    def unknown_as_zero(self) -> int:
        """How many cases show something unknown as 0."""
        return sum(verdict.unknown_as_zero for verdict in self.verdicts.values())


def contest(cases: Sequence[Recorded], products: Sequence[Product] = tuple(CONTESTANTS)) -> list[Result]:
    """Return what every tool that takes part made of `cases`, one server running at a time."""
    return [_measured(product, cases) for product in products if takes_part(product)]


def _measured(product: Product, cases: Sequence[Recorded]) -> Result:
    with running(product) as server:
        tool = CONTESTANTS[product](server.url)
        for case in cases:
            tool.deliver(case)
        readings = _settled(tool, cases)
    verdicts = {case.name: judge(case, readings[case.name]) for case in cases}
    differences = {name: reading.differences for name, reading in readings.items() if reading.differences}
    return Result(product.name, server.version, verdicts, differences)


def _settled(tool: Tool, cases: Sequence[Recorded]) -> dict[str, Reading]:
    readings = {case.name: tool.read(case) for case in cases}
    give_up_at = time.monotonic() + SETTLES_WITHIN_S
    while time.monotonic() < give_up_at:
        open_cases = [case for case in cases if not _done(judge(case, readings[case.name]))]
        if not open_cases:
            break
        time.sleep(1)
        readings |= {case.name: tool.read(case) for case in open_cases}
    return readings


def _done(verdict: Verdict) -> bool:
    return verdict.outcome in {Outcome.EXACT, Outcome.NOT_APPLICABLE}
