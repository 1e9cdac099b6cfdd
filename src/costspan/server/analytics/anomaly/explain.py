"""Why a window cost more: drivers of the difference from the same hours of the weeks before, and who is behind it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from costspan.core.period import Period
from costspan.server.analytics.drivers import Amounts, Cell, drivers
from costspan.server.store.ports import LedgerReader
from costspan.server.store.question import SUMS, Filter, Spend, SpendAnswer, SpendQuestion

_WEEKS: Final = (timedelta(days=7), timedelta(days=14))
_DAYS: Final = (timedelta(days=1), timedelta(days=2))
_WHO: Final = ("user", "prompt", "model", "feature", "agent", "service")
"""What is looked through for who is behind a change."""
_KEYS: Final = (*_WHO, "attempt")
_MOST_KINDS: Final = 2_000
"""Kinds of calls (combinations of all keys) that are read at once."""
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
    """Questions about the calls that pass some filters: of a window with few kinds of calls a single one."""

    reader: LedgerReader
    filters: tuple[Filter, ...]
    _known: dict[Period, SpendAnswer] = field(default_factory=dict)

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
        return self._whole(period).total.calls > 0

    def cells(self, windows: Sequence[Period]) -> dict[Cell, Amounts]:
        """Return the mean of the windows, by model and whether the calls are retries."""
        found: dict[Cell, list[Spend]] = defaultdict(list)
        for window in windows:
            for (model, attempt), spend in self._spends(window, ("model", "attempt")):
                found[model, attempt not in (None, "0", "1")].append(spend)
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
        found: dict[str | None, int] = defaultdict(int)
        for (value,), spend in self._spends(period, (key,)):
            found[value] += spend.cost or 0
        return found

    def _spends(self, period: Period, keys: tuple[str, ...]) -> Iterator[tuple[tuple[str | None, ...], Spend]]:
        """Yield what was spent, by some keys; the same values may come more than once."""
        whole = self._whole(period)
        if len(whole.rows) < _MOST_KINDS:
            places = [_KEYS.index(key) for key in keys]
            yield from ((tuple(row.key[place] for place in places), row.spend) for row in whole.rows)
        else:
            asked = SpendQuestion(period, keys, filters=self.filters, measures=SUMS)
            yield from ((row.key, row.spend) for row in self.reader.spend(asked).rows)

    def _whole(self, period: Period) -> SpendAnswer:
        """Return what was spent by all keys at once, the dearest kinds of calls where they are too many."""
        if period not in self._known:
            asked = SpendQuestion(period, _KEYS, filters=self.filters, limit=_MOST_KINDS, measures=SUMS)
            self._known[period] = self.reader.spend(asked)
        return self._known[period]
