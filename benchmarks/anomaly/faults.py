"""The faults: the fourteen every organisation has, and shapes the detector was not made for.

`strange` faults and the benign events beside them were added after the detector's rules stood; they are reported, and
nothing was tuned on them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from benchmarks.anomaly.spend import DAY, HOUR, LENGTH, WARM, Fault, World

USUAL: Final = (
    "new_feature", "retry_loop", "retry_loop", "off_hours", "bloat", "bloat", "model_swap", "model_swap", "rag", "rag",
    "sparse_runaway", "sparse_runaway", "whale", "whale",
)  # fmt: skip
STRANGE: Final = (
    "slow_ramp", "oscillation", "cache_collapse", "price_change", "half_swap", "one_whale", "short_retries",
    "long_answers", "night_trickle",
)  # fmt: skip
_APART: Final = 8 * DAY
"""Faults of one group are this far apart, so that each alarm belongs to one."""
_ALL_WEEKS: Final = (0, LENGTH)

_Spans = dict[int, list[tuple[int, int]]]


def inject(world: World, kinds: tuple[str, ...] = USUAL) -> None:
    """Put faults into a world, in the order given, each where and when chance says."""
    spans: _Spans = {}
    for kind in kinds:
        for _ in range(200):
            group, start, length = _place(world, kind)
            if _is_free(spans, group, start, start + length) and _is_alive(world, kind, group, start, length):
                break
        else:
            continue
        spans.setdefault(group, []).append(_ALL_WEEKS if kind == "new_feature" else (start, start + length))
        _APPLY[kind](world, group, start, start + length)
        world.faults.append(Fault(group, kind, start, start + length))


def _place(world: World, kind: str) -> tuple[int, int, int]:
    random = world.random
    busy = world.groups("business", "consumer", "global")
    groups = {
        "sparse_runaway": world.groups("sparse"),
        "new_feature": busy,
        "off_hours": world.groups("business"),
        "night_trickle": world.groups("business"),
    }.get(kind, np.r_[busy, world.groups("agent")])
    if kind == "off_hours":
        day = int(random.choice([day for day in range(14, 55) if day % 7 >= 5]))
        return int(random.choice(groups)), day * DAY + int(random.integers(9 * HOUR, 16 * HOUR)), _span(world, 18, 49)
    low, high = {
        "retry_loop": (12, 37), "sparse_runaway": (12, 37), "short_retries": (12, 37), "whale": (6, 19),
        "one_whale": (6, 37), "oscillation": (6 * HOUR, 6 * HOUR + 1), "bloat": (7 * DAY, 7 * DAY + 1),
        "model_swap": (2 * DAY, 2 * DAY + 1), "rag": (3 * DAY, 3 * DAY + 1), "slow_ramp": (7 * DAY, 7 * DAY + 1),
        "night_trickle": (5 * DAY, 5 * DAY + 1),
    }.get(kind, (2 * DAY, 2 * DAY + 1))  # fmt: skip
    first = 21 * DAY if kind == "new_feature" else WARM
    last = 42 * DAY if kind == "new_feature" else LENGTH - high - DAY
    return int(random.choice(groups)), int(random.integers(first, last)), _span(world, low, high)


def _span(world: World, low: int, high: int) -> int:
    return int(world.random.integers(low, high))


def _is_free(spans: _Spans, group: int, start: int, end: int) -> bool:
    return all(start > last + _APART or end < first - _APART for first, last in spans.get(group, ()))


def _is_alive(world: World, kind: str, group: int, start: int, length: int) -> bool:
    """Return whether there is traffic that a fault of some hours can act on."""
    if kind not in ("retry_loop", "short_retries", "whale", "one_whale", "oscillation"):
        return True
    calls = world.calls[group]
    return bool(calls[start : start + length].mean() >= 0.15 * calls.mean())


def _new_feature(world: World, group: int, start: int, end: int) -> None:
    a_call = world.usd * np.exp(world.spread**2 / 2)
    typical = float(np.median(world.calls.mean(1) * a_call))
    world.calls[group, :start] = 0
    world.calls[group] *= 3 * typical / (world.calls[group, start:].mean() * a_call[group])
    world.more[group, start:end] = 1e9
    world.calls[group, start:end] /= 1e9


def _retry_loop(world: World, group: int, start: int, end: int) -> None:
    world.more[group, start:end] = 10


def _bloat(world: World, group: int, start: int, end: int) -> None:
    grown = 1 + np.minimum(np.arange(end - start) / (3 * DAY), 1.0)
    world.input[group, start:end] = grown
    world.output[group, start:end] = grown


def _model_swap(world: World, group: int, start: int, end: int) -> None:
    world.dearer[group, start:end] = 1


def _rag(world: World, group: int, start: int, end: int) -> None:
    world.input[group, start:end] = 2.2


def _sparse_runaway(world: World, group: int, start: int, end: int) -> None:
    usual = world.calls[group, start:end]
    world.more[group, start:end] = (usual + 240 / HOUR) / np.maximum(usual, 1e-9)


def _whale(world: World, group: int, start: int, end: int) -> None:
    world.input[group, start:end] = world.output[group, start:end] = 20


def _slow_ramp(world: World, group: int, start: int, end: int) -> None:
    world.more[group, start:end] = 1 + 2 * np.minimum(np.arange(end - start) / (5 * DAY), 1.0)


def _oscillation(world: World, group: int, start: int, end: int) -> None:
    world.more[group, start:end] = np.where(np.arange(end - start) // 3 % 2 == 0, 6.0, 1.0)


def _cache_collapse(world: World, group: int, start: int, end: int) -> None:
    world.misses[group, start:end] = 1


def _price_change(world: World, group: int, start: int, end: int) -> None:
    world.price[group, start:end] = 1.6


def _half_swap(world: World, group: int, start: int, end: int) -> None:
    world.dearer[group, start:end] = 0.5


def _one_whale(world: World, group: int, start: int, end: int) -> None:
    world.whales[group, start:end] = 0.25


def _short_retries(world: World, group: int, start: int, end: int) -> None:
    world.more[group, start:end] = 30
    world.input[group, start:end] = world.output[group, start:end] = 0.25


def _long_answers(world: World, group: int, start: int, end: int) -> None:
    world.output[group, start:end] = 6


def _night_trickle(world: World, group: int, start: int, end: int) -> None:
    hours = np.arange(start, end) % DAY // HOUR
    daytime = float(world.calls[group].mean())
    usual = world.calls[group, start:end]
    extra = np.where(hours < 5, 1.5 * daytime, 0.0)
    world.more[group, start:end] = (usual + extra) / np.maximum(usual, 1e-9)


def disturb(world: World) -> None:
    """Put in what is unusual and no fault: an outage and what was missed caught up, clocks set back, a quiet week."""
    random = world.random
    for group in random.choice(world.groups("business", "consumer", "global", "agent"), 6, replace=False):
        start, length = int(random.integers(WARM, LENGTH - DAY)), int(random.integers(HOUR, 3 * HOUR))
        missed = 0.8 * world.calls[group, start : start + length]
        world.calls[group, start : start + length] -= missed
        after = slice(start + length, start + 2 * length)
        world.calls[group, after] += missed[: world.calls[group, after].size]
    back = 30 * DAY
    local = world.groups("business", "agent")
    world.calls[local, back:] = np.roll(world.calls[local, back:], HOUR, axis=1)
    quiet = world.groups("business")[:4]
    world.calls[quiet, 42 * DAY : 49 * DAY] *= 0.3


_APPLY: Final[dict[str, Callable[[World, int, int, int], None]]] = {
    "new_feature": _new_feature,
    "retry_loop": _retry_loop,
    "off_hours": _retry_loop,
    "bloat": _bloat,
    "model_swap": _model_swap,
    "rag": _rag,
    "sparse_runaway": _sparse_runaway,
    "whale": _whale,
    "slow_ramp": _slow_ramp,
    "oscillation": _oscillation,
    "cache_collapse": _cache_collapse,
    "price_change": _price_change,
    "half_swap": _half_swap,
    "one_whale": _one_whale,
    "short_retries": _short_retries,
    "long_answers": _long_answers,
    "night_trickle": _night_trickle,
}
