"""Why one window cost more than another: parts that add up to the difference, to the pico-dollar.

The cost of a group of calls is a product for each model and kind of token: calls, the model's share of them, tokens of
a call, the share that was read from or written to a cache, the price of a token. Between two windows every factor
changes, and what a change is worth depends on which others have changed before. The Shapley value takes the mean over
all orders (L. Shapley 1953; for cost accounting, A. Shorrocks 2013): no order is preferred, the parts add up to the
whole, and a factor that did not change has no part.

Rules. What cannot be said of one window (tokens of a call where there was none) is taken from the other, so it has no
part there: of a new or gone group all is calls, of a new model calls and the mix. Retries are calls whose attempt is
the second or later; they are a volume of their own, and so is the mix among them. What is no such product (amounts
booked without calls) is `other`. Arithmetic is in exact fractions; parts are then rounded down to whole pico-dollars,
and what is left over goes one by one to those that lost most by it, in the order of PARTS where that is equal.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from itertools import combinations
from math import factorial
from typing import Final

from costspan.server.store.question import Spend

PARTS: Final = (
    "calls", "retries", "model_mix", "input_tokens", "output_tokens", "cache_share", "price", "fees", "other",
)  # fmt: skip
"""What a difference is taken apart into: more calls; retries; other models; more input or output tokens of a call;
less of the input cached; dearer tokens; fees of a call; what is none of these."""
MOST_MODELS: Final = 20
"""Models told apart, those that cost most in both windows; the others are one."""

_INPUT: Final = ("input", "cache_read", "cache_write")
_KINDS: Final = (*_INPUT, "output")
_VOLUMES: Final = ("calls", "retries")

Cell = tuple[str | None, bool]
"""A model, and whether the calls are retries."""


@dataclass(frozen=True, slots=True)
class Amounts:
    """Calls of one cell that did not fail, tokens and pico-dollars by kind, and pico-dollars in all. May be means.

    A failed call costs nothing: counted, it would be a call more and just as many tokens less of each.
    """

    calls: Fraction
    tokens: Mapping[str, Fraction]
    costs: Mapping[str, Fraction]
    cost: Fraction

    @classmethod
    def of(cls, spends: Iterable[Spend], windows: int = 1) -> Amounts:
        """Return the mean over `windows` of what was spent in them."""
        known = list(spends)

        def mean(name: str) -> Fraction:
            return Fraction(sum(getattr(spend, name) or 0 for spend in known), windows)

        return cls(
            mean("calls") - mean("errors"),
            {kind: mean(f"{kind}_tokens") for kind in _KINDS},
            {kind: mean(f"{kind}_cost") for kind in _KINDS},
            mean("cost"),
        )


_NOTHING: Final = Amounts.of(())


def drivers(observed: Mapping[Cell, Amounts], usual: Mapping[Cell, Amounts]) -> dict[str, int]:
    """Return the parts of `observed` less `usual`, in pico-dollars, by PARTS.

    They add up to the cost of `observed`, a whole number, less the cost of `usual` rounded half to even.
    """
    observed, usual = _fewer(observed, usual)
    parts: dict[str, Fraction] = defaultdict(Fraction)
    for is_retry in (False, True):
        cells = sorted({cell for cell in (*observed, *usual) if cell[1] is is_retry}, key=str)
        before = [usual.get(cell, _NOTHING) for cell in cells]
        after = [observed.get(cell, _NOTHING) for cell in cells]
        volumes = (sum((each.calls for each in before), Fraction()), sum((each.calls for each in after), Fraction()))
        for one, other in zip(before, after, strict=True):
            for name, amount in _of_cell(one, other, volumes, _VOLUMES[is_retry]).items():
                parts[name] += amount
    whole = sum(amounts.cost for amounts in observed.values())
    before_cost = sum((amounts.cost for amounts in usual.values()), Fraction())
    return _rounded(parts, int(whole) - round(before_cost))


def _of_cell(before: Amounts, after: Amounts, volumes: tuple[Fraction, Fraction], volume: str) -> dict[str, Fraction]:
    parts: dict[str, Fraction] = defaultdict(Fraction)
    sides = (before, after)
    shares = [_ratio(side.calls, total) for side, total in zip(sides, volumes, strict=True)]
    common = [(volume, volumes), ("model_mix", _either(*shares))]
    input_tokens = [sum((side.tokens[kind] for kind in _INPUT), Fraction()) for side in sides]
    left = [side.cost for side in sides]
    for kind in _KINDS:
        factors = list(common)
        if kind == "output":
            a_call = [_ratio(side.tokens[kind], side.calls) for side in sides]
            factors.append(("output_tokens", _either(*a_call)))
        else:
            a_call = [_ratio(total, side.calls) for side, total in zip(sides, input_tokens, strict=True)]
            cached = [_ratio(side.tokens[kind], total) for side, total in zip(sides, input_tokens, strict=True)]
            factors += [("input_tokens", _either(*a_call)), ("cache_share", _either(*cached))]
        prices = [_ratio(side.costs[kind], side.tokens[kind]) for side in sides]
        _shapley([*factors, ("price", _either(*prices))], parts, left)
    fees = [_ratio(amount, side.calls) for amount, side in zip(left, sides, strict=True)]
    _shapley([*common, ("fees", _either(*fees))], parts, left)
    parts["other"] += left[1] - left[0]
    return parts


def _shapley(
    factors: Sequence[tuple[str, tuple[Fraction, Fraction]]], parts: dict[str, Fraction], left: list[Fraction]
) -> None:
    """Add to each factor's part what its change is worth, and take both products off what is `left` of the cost."""
    values = [pair for _, pair in factors]
    for place, (name, (old, new)) in enumerate(factors):
        if old == new:
            continue
        others = [pair for number, pair in enumerate(values) if number != place]
        for changed, weight in _orders(len(others)):
            product = weight * (new - old)
            for number, pair in enumerate(others):
                product *= pair[number in changed]
            parts[name] += product
    for side in (0, 1):
        product = Fraction(1)
        for pair in values:
            product *= pair[side]
        left[side] -= product


@cache
def _orders(others: int) -> tuple[tuple[frozenset[int], Fraction], ...]:
    """Return which of the others have changed before, and in what share of all orders it is these."""
    return tuple(
        (frozenset(chosen), Fraction(factorial(size) * factorial(others - size), factorial(others + 1)))
        for size in range(others + 1)
        for chosen in combinations(range(others), size)
    )


def _ratio(part: Fraction, whole: Fraction) -> Fraction | None:
    return part / whole if whole else None


def _either(old: Fraction | None, new: Fraction | None) -> tuple[Fraction, Fraction]:
    """Return both; what cannot be said of one is taken from the other, and is nothing where it cannot be said."""
    old = new if old is None else old
    new = old if new is None else new
    return (Fraction(), Fraction()) if old is None or new is None else (old, new)


def _fewer(
    observed: Mapping[Cell, Amounts], usual: Mapping[Cell, Amounts]
) -> tuple[Mapping[Cell, Amounts], Mapping[Cell, Amounts]]:
    """Return both with the models that cost least as one, where there are more than MOST_MODELS."""
    costs: dict[str | None, Fraction] = defaultdict(Fraction)
    for (model, _), amounts in (*observed.items(), *usual.items()):
        costs[model] += abs(amounts.cost)
    if len(costs) <= MOST_MODELS:
        return observed, usual
    kept = set(sorted(costs, key=lambda model: (-costs[model], str(model)))[:MOST_MODELS])
    return _merged(observed, kept), _merged(usual, kept)


def _merged(cells: Mapping[Cell, Amounts], kept: set[str | None]) -> Mapping[Cell, Amounts]:
    merged: dict[Cell, list[Amounts]] = defaultdict(list)
    for (model, is_retry), amounts in cells.items():
        merged[model if model in kept else "(other models)", is_retry].append(amounts)
    return {cell: _added(several) for cell, several in merged.items()}


def _added(several: Sequence[Amounts]) -> Amounts:
    return Amounts(
        sum((each.calls for each in several), Fraction()),
        {kind: sum((each.tokens[kind] for each in several), Fraction()) for kind in _KINDS},
        {kind: sum((each.costs[kind] for each in several), Fraction()) for kind in _KINDS},
        sum((each.cost for each in several), Fraction()),
    )


def _rounded(parts: Mapping[str, Fraction], whole: int) -> dict[str, int]:
    """Return the parts in whole pico-dollars, so that they add up to `whole`."""
    exact = {name: parts.get(name, Fraction()) for name in PARTS}
    rounded = {name: amount.numerator // amount.denominator for name, amount in exact.items()}
    lost = sorted(PARTS, key=lambda name: rounded[name] - exact[name])
    for number in range(whole - sum(rounded.values())):
        rounded[lost[number % len(lost)]] += 1
    return rounded
