"""Time in pieces: half-open spans of nanoseconds, painted over one another. The calculus `compiled` is built on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Final, Generic, TypeVar

from costspan.core.clock import ns_from_utc

FIRST_NS: Final = -(2**63)
LAST_NS: Final = 2**63

Held = TypeVar("Held")
Other = TypeVar("Other")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Piece(Generic[Held]):
    """What holds from `start_ns` up to, not including, `end_ns`."""

    start_ns: int
    end_ns: int
    held: Held


Timeline = tuple[Piece[Held], ...]


def piece(valid_from: datetime | None, valid_to: datetime | None, held: Held) -> Piece[Held]:
    """Return `held` over an interval of which either end may be open."""
    start = FIRST_NS if valid_from is None else ns_from_utc(valid_from)
    return Piece(start, LAST_NS if valid_to is None else ns_from_utc(valid_to), held)


def paint(under: Sequence[Piece[Held]], over: Piece[Held]) -> Timeline[Held]:
    """Return `under` with `over` laid on top of it."""
    left = [Piece(each.start_ns, min(each.end_ns, over.start_ns), each.held) for each in under]
    right = [Piece(max(each.start_ns, over.end_ns), each.end_ns, each.held) for each in under]
    parts = [each for each in (*left, over, *right) if each.start_ns < each.end_ns]
    return tuple(sorted(parts, key=lambda each: each.start_ns))


def clipped(timeline: Sequence[Piece[Held]], within: Piece[Other]) -> Timeline[Held]:
    """Return the part of `timeline` that lies inside the interval of `within`."""
    first, last = within.start_ns, within.end_ns
    cut = [Piece(max(each.start_ns, first), min(each.end_ns, last), each.held) for each in timeline]
    return tuple(each for each in cut if each.start_ns < each.end_ns)


def crossed(
    first: Sequence[Piece[Held]],
    second: Sequence[Piece[Other]],
    combine: Callable[[Held | None, Other | None], Result | None],
) -> Timeline[Result]:
    """Return both timelines cut at each other's edges and combined; None stands for "nothing holds"."""
    starts = {each.start_ns for each in first} | {each.start_ns for each in second}
    ends = {each.end_ns for each in first} | {each.end_ns for each in second}
    edges = sorted(starts | ends)
    return tuple(_combined(first, second, edges, combine))


def _combined(
    first: Sequence[Piece[Held]],
    second: Sequence[Piece[Other]],
    edges: list[int],
    combine: Callable[[Held | None, Other | None], Result | None],
) -> Iterator[Piece[Result]]:
    for start, end in pairwise(edges):
        result = combine(_at(first, start), _at(second, start))
        if result is not None:
            yield Piece(start, end, result)


def _at(timeline: Sequence[Piece[Held]], moment_ns: int) -> Held | None:
    return next((each.held for each in timeline if each.start_ns <= moment_ns < each.end_ns), None)
