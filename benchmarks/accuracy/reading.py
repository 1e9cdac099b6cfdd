"""What a tool shows for a case, and the verdict on it. One yardstick for all tools: the money of the case."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from benchmarks.accuracy.recorded import Recorded

EXACT_USD = Decimal("1e-9")
EXACT_RELATIVE = Decimal("1e-8")
"""Tools that add up floats are right to eight digits."""


class Outcome(StrEnum):
    """How a tool's cost of a case stands to what was billed."""

    EXACT = "exact"
    OVER = "over-billed"
    UNDER = "under-billed"
    SILENT = "no cost shown"
    NOT_APPLICABLE = "n/a"


@dataclass(frozen=True, slots=True)
class Reading:
    """What a tool shows. `costs_usd` are its views of the same total where it has several, None where it shows none.

    `zeros` counts the traces or models that stand at exactly 0; `inexpressible` says what the tool has no way to
    receive or to show; `differences` are what a closer look than money found.
    """

    costs_usd: tuple[Decimal | None, ...] = (None,)
    zeros: int = 0
    inexpressible: str = ""
    differences: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome, the cost shown, its factor to the truth, and whether something the tool could not price is 0."""

    outcome: Outcome
    cost_usd: Decimal | None
    factor: Decimal | None
    unknown_as_zero: bool
    note: str = ""

    @property
    def cell(self) -> str:
        """The verdict in a table."""
        if self.outcome is Outcome.NOT_APPLICABLE:
            return f"n/a ({self.note})"
        text = f"× {float(self.factor):.4g}" if self.factor is not None else self.outcome.value
        return f"{text}, unknown as 0" if self.unknown_as_zero else text


def judge(case: Recorded, reading: Reading) -> Verdict:
    """Return how `reading` stands to the truth of `case`; of several views of a total the nearest counts."""
    truth = case.cost_usd
    if reading.inexpressible:
        return Verdict(Outcome.NOT_APPLICABLE, None, None, unknown_as_zero=False, note=reading.inexpressible)
    zero = reading.zeros > case.truth.get("free_calls", 0) + case.truth["error_calls"]
    shown = min((cost for cost in reading.costs_usd if cost is not None), key=lambda c: abs(c - truth), default=None)
    if shown is None:
        return Verdict(Outcome.SILENT, None, None, zero)
    if abs(shown - truth) <= EXACT_USD + truth * EXACT_RELATIVE:
        return Verdict(Outcome.EXACT, shown, None, zero)
    return Verdict(Outcome.OVER if shown > truth else Outcome.UNDER, shown, shown / truth, zero)
