"""Labelled spend: one organisation of 30 groups over eight weeks, call by call, with faults whose excess is known.

Every call is drawn with its model, tokens, cache hit and price, then added up in buckets of five minutes, so that the
channels a detector may read (calls, cost, tokens of a call, price of a token) belong to one another as in a ledger.
The traffic has what real traffic has and no alarm should be raised for: weekdays, growth, correlated noise, bursts of
users, a campaign, a holiday, models mixed by the time of day, prompts that wander slowly.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from costspan.server.analytics.anomaly.buckets import Buckets
from costspan.server.store.spend_series import UNITS

DAY: Final = 288
HOUR: Final = 12
WEEKS: Final = 8
LENGTH: Final = WEEKS * 7 * DAY
WARM: Final = 14 * DAY
"""Buckets before any fault; they are not scored."""
HOLIDAY: Final = 35
"""A Monday with the traffic of a weekend."""
MONDAY_S: Final = 1_785_715_200
"""2026-08-03T00:00:00Z: the first bucket."""

Floats = NDArray[np.float64]

KINDS: Final = (
    # kind, groups, calls a day, median dollars a call, spread of the logarithm of a call's tokens
    ("business", 8, (400, 12_000), (0.002, 0.05), (0.6, 1.1)),
    ("consumer", 5, (800, 20_000), (0.0008, 0.02), (0.6, 1.0)),
    ("global", 4, (500, 15_000), (0.001, 0.02), (0.5, 1.0)),
    ("nightly", 3, (300, 3_000), (0.003, 0.03), (0.5, 0.9)),
    ("weekly", 1, (200, 900), (0.01, 0.05), (0.5, 0.8)),
    ("sparse", 5, (2, 25), (0.01, 0.20), (0.8, 1.4)),
    ("agent", 4, (30, 300), (0.10, 0.80), (1.2, 1.6)),
)


@dataclass(slots=True)
class Fault:
    """What went wrong in one group, from bucket `start` until `end`, and the dollars it cost, bucket by bucket."""

    group: int
    kind: str
    start: int
    end: int
    excess_usd: Floats = field(default_factory=lambda: np.zeros(0))

    @property
    def cost_usd(self) -> float:
        """Dollars the fault cost in all."""
        return float(self.excess_usd.sum())


@dataclass(frozen=True, slots=True)
class Organisation:
    """The traffic, its labels, and the kind of each group."""

    seed: int
    kinds: tuple[str, ...]
    buckets: Buckets
    faults: tuple[Fault, ...]


@dataclass(slots=True)
class World:
    """What each call is drawn from, by group and bucket. Faults and benign events change it before the draw."""

    random: np.random.Generator
    kinds: tuple[str, ...]
    calls: Floats
    """Expected calls of a bucket."""
    more: Floats
    """By what a fault multiplies the calls."""
    input: Floats
    output: Floats
    """By what a fault multiplies the tokens of a call."""
    dearer: Floats
    """Share of calls that a fault sends to a model of five times the price."""
    price: Floats
    """By what a fault multiplies all prices."""
    misses: Floats
    """Share of cache hits that a fault takes away."""
    whales: Floats
    """Share of extra calls, each twenty times as large."""
    wander: Floats
    usd: Floats
    """Median dollars of a call, by group."""
    spread: Floats
    dispersion: Floats
    faults: list[Fault]

    def groups(self, *kinds: str) -> NDArray[np.int64]:
        """Return the groups of some kinds."""
        return np.flatnonzero(np.isin(self.kinds, kinds))


def healthy(seed: int) -> World:
    """Return the traffic of an organisation in which nothing goes wrong."""
    random = np.random.default_rng(seed)
    kinds = tuple(kind for kind, count, *_ in KINDS for _ in range(count))
    limits = {kind: ranges for kind, _, *ranges in KINDS}
    shape = (len(kinds), LENGTH)
    a_day = np.array([_log_uniform(random, *limits[kind][0]) for kind in kinds])
    usd = np.array([_log_uniform(random, *limits[kind][1]) for kind in kinds])
    spread = np.array([random.uniform(*limits[kind][2]) for kind in kinds])
    calls = np.empty(shape)
    days = np.arange(LENGTH) // DAY
    fast = wandering(random, random.uniform(0.10, 0.22, len(kinds)), random.uniform(4, 14, len(kinds)))
    wander = wandering(random, random.uniform(0.03, 0.10, len(kinds)), np.full(len(kinds), 3.0 * DAY))
    for group, kind in enumerate(kinds):
        growth = (1 + random.choice([0, 0, 0.1, 0.3])) ** (np.arange(LENGTH) / (30 * DAY))
        by_day = random.normal(0, random.uniform(0.04, 0.12), LENGTH // DAY)[days]
        calls[group] = a_day[group] / DAY * shape_of(kind, random) * growth * np.exp(fast[group] + by_day)
        for start in random.integers(0, LENGTH, random.poisson(2 * WEEKS)):
            calls[group, start : start + random.integers(4, 13)] *= random.uniform(1.4, 2.5)
    campaign = int(random.integers(WARM, LENGTH - DAY))
    calls[random.integers(0, 13), campaign : campaign + 6 * HOUR] *= 2.0
    ones, zeros = np.ones(shape), np.zeros(shape)
    return World(
        random=random, kinds=kinds, calls=calls, more=ones.copy(), input=ones.copy(), output=ones.copy(),
        dearer=zeros.copy(), price=ones.copy(), misses=zeros.copy(), whales=zeros.copy(), wander=np.exp(wander),
        usd=usd, spread=spread, dispersion=random.uniform(4, 25, len(kinds)), faults=[],
    )  # fmt: skip


def draw(world: World, seed: int) -> Organisation:
    """Return the calls of a world, added up, and what its faults cost."""
    shape = world.calls.shape
    random = world.random
    sums: dict[str, Floats] = {name: np.zeros(shape) for name in ("calls", "cost_usd", "measured")}
    of_unit = {unit: (np.zeros(shape), np.zeros(shape)) for unit in UNITS}
    without = np.zeros(shape)
    for group in range(shape[0]):
        mean = (
            world.calls[group]
            * world.more[group]
            * random.gamma(world.dispersion[group], 1 / world.dispersion[group], LENGTH)
        )
        extra = random.poisson(world.calls[group] * world.whales[group])
        usual = random.poisson(mean)
        at = np.repeat(np.arange(LENGTH), usual + extra)
        large = _flags(usual, extra)
        tokens_in, tokens_out, cost, healthy_cost = _calls(world, group, at, large)
        share = np.where(large, 0.0, 1 / world.more[group][at])
        add = {"calls": None, "measured": None, "cost_usd": cost}
        for name, weights in add.items():
            sums[name][group] = np.bincount(at, weights, LENGTH)
        without[group] = np.bincount(at, healthy_cost * share, LENGTH)
        values = {
            "cost_per_call": cost,
            "input_per_call": tokens_in,
            "output_per_call": tokens_out + 1,
            "price_per_token": cost / (tokens_in + tokens_out),
        }
        for unit, value in values.items():
            logs = np.log(value)
            of_unit[unit][0][group] = np.bincount(at, logs, LENGTH)
            of_unit[unit][1][group] = np.bincount(at, logs * logs, LENGTH)
    for fault in world.faults:
        span = slice(fault.start, fault.end)
        fault.excess_usd = sums["cost_usd"][fault.group, span] - without[fault.group, span]
    buckets = Buckets(
        start_s=MONDAY_S,
        calls=sums["calls"],
        cost_usd=sums["cost_usd"],
        measured=sums["measured"],
        logs={unit: pair[0] for unit, pair in of_unit.items()},
        squares={unit: pair[1] for unit, pair in of_unit.items()},
    )
    return Organisation(seed, world.kinds, buckets, tuple(world.faults))


def _calls(
    world: World, group: int, at: NDArray[np.int64], large: NDArray[np.bool_]
) -> tuple[Floats, Floats, Floats, Floats]:
    """Return input tokens, output tokens and cost of each call, and what it had cost without the fault."""
    random, spread = world.random, world.spread[group]
    # Prices, models and habits are the group's own: the same for all its calls.
    own = np.random.default_rng(group * 1_000_003 + int(world.usd[group] * 1e9))
    input_price = 2.5e-6 * np.exp(own.uniform(-1.5, 1))
    output_price = input_price * own.uniform(4, 6)
    output_part = own.uniform(0.2, 0.6)
    second = own.choice([0.0, 0.0, 0.15, 0.4])
    second_price = own.uniform(0.1, 0.4)
    by_hour = second * (1 + 0.5 * np.sin(2 * np.pi * (at % DAY) / DAY + own.uniform(0, 6)))
    hits, cached = own.choice([0.0, 0.0, 0.6, 0.9]), own.uniform(0.5, 0.9)
    common = random.normal(0, 1, at.size)
    size = np.where(large, 20.0, 1.0) * world.wander[group][at]
    tokens_in = world.usd[group] * (1 - output_part) / input_price * np.exp(spread * common) * size
    alone = random.normal(0, 1, at.size)
    tokens_out = world.usd[group] * output_part / output_price * np.exp(spread * (0.4 * common + 0.7 * alone)) * size
    rate = np.where(random.random(at.size) < by_hour, second_price, 1.0)
    hit = random.random(at.size) < hits
    kept = hit & (random.random(at.size) >= world.misses[group][at])
    tokens_in, tokens_out = np.maximum(tokens_in, 1), np.maximum(tokens_out, 1)
    healthy_cost = rate * (tokens_in * (1 - 0.9 * cached * hit) * input_price + tokens_out * output_price)
    tokens_in, tokens_out = tokens_in * world.input[group][at], tokens_out * world.output[group][at]
    rate = np.where(random.random(at.size) < world.dearer[group][at], 5.0, rate) * world.price[group][at]
    cost = rate * (tokens_in * (1 - 0.9 * cached * kept) * input_price + tokens_out * output_price)
    return tokens_in, tokens_out, cost, healthy_cost


def shape_of(kind: str, random: np.random.Generator) -> Floats:
    """Return how the traffic of a kind of group runs over the weeks; the mean of a weekday is 1."""
    hours = (np.arange(LENGTH) % DAY) / HOUR
    days = np.arange(LENGTH) // DAY
    weekday = days % 7
    off = (weekday >= 5) | (days == HOLIDAY)
    if kind in ("business", "agent"):
        peak = random.uniform(13, 16)
        shape = 0.06 + np.exp(-0.5 * ((hours - peak) / 3.3) ** 2)
        shape += 0.55 * np.exp(-0.5 * ((hours - peak + 4.5) / 1.8) ** 2)
        shape = np.where(off, shape * random.uniform(0.12, 0.35), shape)
    elif kind == "consumer":
        away = np.abs(hours - random.uniform(18, 21))
        shape = 0.25 + np.exp(-0.5 * (np.minimum(away, 24 - away) / 4.0) ** 2)
        shape = np.where(off, shape * random.uniform(1.05, 1.4), shape)
    elif kind == "global":
        shape = 1 + 0.25 * np.sin(2 * np.pi * (hours - random.uniform(0, 24)) / 24)
        shape = np.where(off, shape * random.uniform(0.75, 0.95), shape)
    elif kind in ("nightly", "weekly"):
        nightly = kind == "nightly"
        first = int(random.integers(1, 5) if nightly else random.integers(7, 10)) * HOUR
        length = int(random.integers(6, 18))
        late = random.integers(-2, 3, LENGTH // DAY)[days] if nightly else 0
        of_day = np.arange(LENGTH) % DAY
        runs = (of_day >= first + late) & (of_day < first + late + length)
        shape = (runs if nightly else runs & (weekday == 0)) * (DAY / length)
    else:
        shape = np.where(off, 0.5, 1.0)
    return np.asarray(shape / max(shape[: 5 * DAY].mean(), 1e-9))


def wandering(random: np.random.Generator, deviation: Floats, memory: Floats) -> Floats:
    """Return a stationary autoregression for each group, its memory in buckets."""
    keep = np.exp(-1.0 / memory)
    steps = random.normal(0, 1, (LENGTH, len(memory))) * (deviation * np.sqrt(1 - keep * keep))
    walk = np.empty_like(steps)
    now = random.normal(0, 1, len(memory)) * deviation
    for index, step in enumerate(steps):
        now = now * keep + step
        walk[index] = now
    return walk.T


def _flags(usual: NDArray[np.int64], extra: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which calls are the extra ones: the last of their bucket."""
    ends = np.cumsum(usual + extra)
    place = np.arange(ends[-1]) - np.repeat(ends - usual - extra, usual + extra)
    return np.asarray(place >= np.repeat(usual, usual + extra))


def _log_uniform(random: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(random.uniform(np.log(low), np.log(high))))
