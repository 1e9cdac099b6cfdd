"""Why a window cost more: drivers of the difference from the same hours of the weeks before, and who is behind it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from costspan.core.period import Period
from costspan.server.analytics.drivers import Amounts, Cell, drivers
from costspan.server.store.ports import LedgerReader
from costspan.server.store.question import SUMS, Filter, Spend, SpendQuestion

_WEEKS: Final = (timedelta(days=7), timedelta(days=14))
_DAYS: Final = (timedelta(days=1), timedelta(days=2))
_WHO: Final = ("user", "prompt", "model", "feature", "agent", "service")
"""What is looked through for who is behind a change."""
_NAMED: Final = 3


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one value of a key changed by, in pico-dollars."""

    key: str
    value: str | None
    change: int


@dataclass(frozen=True, slots=True)
class Explanation:
    """`observed` less `usual`, both in pico-dollars, is the sum of `parts`.

    `usual` is the mean of the windows of `compared_with`, 0 where there are none. `behind` are the values that changed
    most, by key.
    """

    observed: int
    usual: int
    compared_with: tuple[Period, ...]
    parts: Mapping[str, int]
    behind: tuple[Contribution, ...]


def explain(
    reader: LedgerReader,
    window: Period,
    filters: Sequence[Filter],
    group_by: Sequence[str] = (),
    compared_with: Period | None = None,
) -> Explanation:
    """Return why the calls that pass `filters` cost what they cost in `window`. Keys of `group_by` are said already.

    Without `compared_with` it is compared with the same hours of weeks before.
    """
    asked = _Asked(reader, tuple(filters))
    compared = asked.earlier(window) if compared_with is None else (compared_with,)
    observed, usual = asked.cells((window,)), asked.cells(compared)
    whole = sum(amounts.cost for amounts in observed.values())
    before = round(sum(amounts.cost for amounts in usual.values()))
    behind = [
        each
        for key in _WHO
        if key not in group_by
        for each in asked.changes(key, window, compared, grew=int(whole) >= before)
    ]
    return Explanation(int(whole), before, compared, drivers(observed, usual), tuple(behind))


@dataclass(frozen=True, slots=True)
class _Asked:
    """Questions about the calls that pass some filters."""

    reader: LedgerReader
    filters: tuple[Filter, ...]

    def earlier(self, window: Period) -> tuple[Period, ...]:
        """Return the windows to compare with: of the last two weeks; of the last two days where no week is known."""
        for steps in (_WEEKS, _DAYS):
            periods = [Period(window.since - step, window.until - step) for step in steps]
            known = tuple(period for period in periods if self._was_there(period))
            if known:
                return known
        return ()

    def _was_there(self, period: Period) -> bool:
        """Return whether these calls had begun by then: a week without any is a week of nothing, before is not."""
        return self.reader.spend(SpendQuestion(period, filters=self.filters, measures=SUMS)).total.calls > 0

    def cells(self, windows: Sequence[Period]) -> dict[Cell, Amounts]:
        """Return the mean of the windows, by model and whether the calls are retries."""
        found: dict[Cell, list[Spend]] = defaultdict(list)
        for window in windows:
            for row in self.reader.spend(
                SpendQuestion(window, ("model", "attempt"), filters=self.filters, measures=SUMS)
            ).rows:
                model, attempt = row.key
                found[model, attempt not in (None, "0", "1")].append(row.spend)
        return {cell: Amounts.of(spends, len(windows)) for cell, spends in found.items()}

    def changes(self, key: str, window: Period, compared: Sequence[Period], *, grew: bool) -> list[Contribution]:
        """Return the values of a key that changed most, in the direction of the whole."""
        changes: dict[str | None, int] = defaultdict(int)
        for value, cost in self._by(key, window).items():
            changes[value] += cost * max(len(compared), 1)
        for period in compared:
            for value, cost in self._by(key, period).items():
                changes[value] -= cost
        if set(changes) <= {None}:
            return []
        sign = 1 if grew else -1
        ranked = sorted(changes, key=lambda value: (-sign * changes[value], value is None, value or ""))
        of_mean = {value: round(changes[value] / max(len(compared), 1)) for value in ranked[:_NAMED]}
        return [Contribution(key, value, change) for value, change in of_mean.items() if sign * change > 0]

    def _by(self, key: str, period: Period) -> dict[str | None, int]:
        answer = self.reader.spend(SpendQuestion(period, (key,), filters=self.filters, measures=SUMS))
        return {row.key[0]: row.spend.cost or 0 for row in answer.rows}
