"""Forecasting the same months on their days 3, 7, 14 and 21, by the product's forecast and by two habits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from benchmarks.forecast.organisations import HISTORY_DAYS, MONTH_DAYS, Days, organisation
from costspan.server.analytics.forecast import outlook

ON_DAYS: Final = (3, 7, 14, 21)
_DEAREST: Final = 5


@dataclass(frozen=True, slots=True)
class Score:
    """Errors in per cent of the month that came, by method, and how often it came to lie within P10 to P90."""

    errors: dict[str, float]
    covered: float
    months: int


def measure(organisations: int, first_seed: int = 1000) -> dict[tuple[str, int], Score]:
    """Return for each kind of series and day of the month how the methods did."""
    errors: dict[tuple[str, int], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    covered: dict[tuple[str, int], list[bool]] = defaultdict(list)
    for kind, days, starts_on in _series(range(first_seed, first_seed + organisations)):
        came = float(days[HISTORY_DAYS:].sum())
        for on in ON_DAYS:
            for name, method in METHODS.items():
                errors[kind, on][name].append(abs(method(days, on, starts_on)[1] - came) / came * 100)
            low, _, high = _costspan(days, on, starts_on)
            covered[kind, on].append(low <= came <= high)
    return {
        place: Score(
            {name: float(np.mean(found)) for name, found in by_name.items()},
            float(np.mean(covered[place])),
            len(covered[place]),
        )
        for place, by_name in errors.items()
    }


def _series(seeds: range) -> Iterator[tuple[str, Days, int]]:
    for seed in seeds:
        for troubled in (False, True):
            made = organisation(seed, troubled=troubled)
            word = "with bad days" if troubled else "quiet"
            yield f"organisation, {word}", made.total, made.starts_on
            for days in sorted(made.features, key=lambda each: -each.sum())[:_DEAREST]:
                yield f"feature, {word}", days, made.starts_on


def _costspan(days: Days, on: int, starts_on: int) -> tuple[float, float, float]:
    now = HISTORY_DAYS + on
    found = outlook(days[:now].tolist(), (starts_on + now) % 7, [1.0] * (MONTH_DAYS - on))
    assert found is not None
    spent = float(days[HISTORY_DAYS:now].sum())
    return spent + found.low[-1], spent + found.middle[-1], spent + found.high[-1]


def _run_rate(days: Days, on: int, _: int) -> tuple[float, float, float]:
    rate = float(days[HISTORY_DAYS : HISTORY_DAYS + on].mean()) * MONTH_DAYS
    return rate, rate, rate


def _last_month(days: Days, _: int, __: int) -> tuple[float, float, float]:
    last = float(days[HISTORY_DAYS - MONTH_DAYS : HISTORY_DAYS].sum())
    return last, last, last


METHODS: Final[dict[str, Callable[[Days, int, int], tuple[float, float, float]]]] = {
    "costspan": _costspan,
    "linear run rate": _run_rate,
    "last month": _last_month,
}
