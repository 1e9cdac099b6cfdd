"""What alarms are worth: faults found and how soon, alarms without a fault, dollars lost before the first one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.anomaly.spend import DAY, HOUR, LENGTH, WARM, Organisation
from costspan.server.analytics.anomaly.buckets import Floats
from costspan.server.analytics.anomaly.findings import episodes

GRACE: Final = 2 * HOUR
"""An alarm so long after a fault still finds it: windows look back."""
AFTERMATH: Final = DAY
"""An alarm that begins within a day after a fault is no false one, and finds nothing."""
MATERIAL: Final = 0.005
"""Of what the organisation spends in a day: what a fault must cost to count."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One fault: minutes until the first alarm, None where there was none; dollars it cost, and before that alarm."""

    kind: str
    group_kind: str
    is_material: bool
    delay_min: int | None
    cost_usd: float
    lost_usd: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of the alarms of one method over some organisations."""

    outcomes: tuple[Outcome, ...]
    false_alarms: int
    true_alarms: int
    group_months: float

    @property
    def material(self) -> list[Outcome]:
        """The faults that count."""
        return [each for each in self.outcomes if each.is_material]

    @property
    def recall(self) -> float:
        """The share of material faults that were found."""
        return sum(each.delay_min is not None for each in self.material) / max(len(self.material), 1)

    @property
    def precision(self) -> float:
        """The share of alarms that belong to a fault."""
        return self.true_alarms / max(self.true_alarms + self.false_alarms, 1)

    @property
    def false_per_group_month(self) -> float:
        """False alarms of one group in thirty days."""
        return self.false_alarms / self.group_months

    @property
    def lost(self) -> float:
        """The share of all fault dollars that was spent before the first alarm."""
        return sum(each.lost_usd for each in self.outcomes) / sum(each.cost_usd for each in self.outcomes)

    def delay_min(self, *kinds: str) -> float | None:
        """Return the median minutes to the first alarm, of the material faults that were found."""
        found = [each.delay_min for each in self.material if not kinds or each.kind in kinds]
        known = [delay for delay in found if delay is not None]
        return median(known) if known else None


def judge(organisations: Sequence[Organisation], alarms: Sequence[NDArray[np.bool_]]) -> Verdict:
    """Return what alarms (groups, buckets) of each organisation are worth. The first two weeks do not count."""
    outcomes: list[Outcome] = []
    false = true = 0
    months = 0.0
    for organisation, fired in zip(organisations, alarms, strict=True):
        counted = fired.copy()
        counted[:, :WARM] = False
        months += len(counted) * (LENGTH - WARM) / DAY / 30
        groups, buckets = np.nonzero(counted)
        for span in episodes(groups, buckets):
            first, last = (int(buckets[place]) for place in span)
            faults = [fault for fault in organisation.faults if fault.group == groups[span[0]]]
            if any(first < fault.end + GRACE and last >= fault.start for fault in faults):
                true += 1
            elif not any(fault.end + GRACE <= first < fault.end + AFTERMATH for fault in faults):
                false += 1
        outcomes += _outcomes(organisation, counted)
    return Verdict(tuple(outcomes), false, true, months)


def _outcomes(organisation: Organisation, fired: NDArray[np.bool_]) -> list[Outcome]:
    a_day = float(organisation.buckets.cost_usd.sum()) / (LENGTH / DAY)
    found = []
    for fault in organisation.faults:
        at = np.flatnonzero(fired[fault.group, fault.start : min(fault.end + GRACE, LENGTH)])
        before = fault.excess_usd[: at[0]] if at.size else fault.excess_usd
        found.append(
            Outcome(
                kind=fault.kind,
                group_kind=organisation.kinds[fault.group],
                is_material=fault.cost_usd >= MATERIAL * a_day,
                delay_min=int(at[0] + 1) * 5 if at.size else None,
                cost_usd=fault.cost_usd,
                lost_usd=float(before.sum()),
            )
        )
    return found


def confirmed(score: Floats, threshold: float, looks: int) -> NDArray[np.bool_]:
    """Return where the score is at the threshold in so many looks in a row."""
    fired = score >= threshold
    for back in range(1, looks):
        fired[:, back:] &= (score >= threshold)[:, :-back]
    return np.asarray(fired)


def threshold_for(organisations: Sequence[Organisation], scores: Sequence[Floats], budget: float, looks: int) -> float:
    """Return the lowest threshold that gives at most `budget` false alarms in a group-month."""
    finite = np.concatenate([score[np.isfinite(score) & (score > 0)] for score in scores])
    grid = np.unique(np.quantile(finite, 1 - np.logspace(-1, -6, 120)))
    low, high = 0, len(grid) - 1
    while low < high:
        middle = (low + high) // 2
        verdict = judge(organisations, [confirmed(score, grid[middle], looks) for score in scores])
        if verdict.false_per_group_month <= budget:
            high = middle
        else:
            low = middle + 1
    return float(grid[high])
