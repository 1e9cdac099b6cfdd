"""Methods over organisations: thresholds of the others from the dev seeds, figures from the test seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.anomaly.faults import STRANGE, USUAL, disturb, inject
from benchmarks.anomaly.judge import Verdict, confirmed, judge, threshold_for
from benchmarks.anomaly.methods import BY_HAND, LITERALLY, PUBLISHED, ours, scored
from benchmarks.anomaly.spend import Organisation, draw, healthy

DEV_SEEDS: Final = (1, 2, 3, 4, 5, 6)
"""On these the thresholds of the other methods are chosen; what our limits were chosen on: docs/anomalies.md."""
TEST_SEEDS: Final = tuple(range(613, 625))
BUDGET: Final = 0.1
"""False alarms of a group in thirty days that the other methods are tuned to."""
OURS: Final = "costspan"
_HOURLY: Final = ("Holt-Winters", "S-H-ESD")


@dataclass(frozen=True, slots=True)
class Row:
    """One method: what it was set to, what came of it, and processor seconds for an organisation."""

    name: str
    setting: str
    verdict: Verdict
    cpu_s: float


def organisation(seed: int, *, strange: bool = False) -> Organisation:
    """Return an organisation with the usual faults; or with strange ones, and with disturbances that are none."""
    world = healthy(seed)
    if strange:
        disturb(world)
    inject(world, STRANGE if strange else USUAL)
    return draw(world, seed)


def measure(dev: Sequence[int], test: Sequence[int], budget: float = BUDGET) -> tuple[list[Row], Row]:
    """Return every method on the test seeds with the usual faults, and ours on them with the strange ones."""
    tuning, testing = [organisation(seed) for seed in dev], [organisation(seed) for seed in test]
    rows = [_ours(testing)]
    for name, method in {**PUBLISHED, **BY_HAND}.items():
        looks = 1 if name in _HOURLY else 2
        threshold = threshold_for(tuning, [scored(method, each.buckets).score for each in tuning], budget, looks)
        found = [scored(method, each.buckets) for each in testing]
        settings = {f"tuned: {threshold:.3g}": threshold} | (
            {f"literally: {LITERALLY[name]:g}": LITERALLY[name]} if name in LITERALLY else {}
        )
        cpu_s = sum(each.cpu_s for each in found) / len(found)
        rows += [
            Row(name, setting, judge(testing, [confirmed(each.score, at, looks) for each in found]), cpu_s)
            for setting, at in settings.items()
        ]
    return rows, _ours([organisation(seed, strange=True) for seed in test])


def _ours(organisations: Sequence[Organisation]) -> Row:
    found = [ours(each.buckets) for each in organisations]
    cpu_s = sum(each.cpu_s for each in found) / len(found)
    return Row(OURS, "defaults", judge(organisations, [each.fired for each in found]), cpu_s)
