"""Keys and projects that spend where no telemetry comes from, or are recorded twice, found by their requests alone.

A key whose requests are just those the ledger lacks, on every day, is one the ledger does not see; one whose requests
are just those it has too many is one that it counts twice.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date
from itertools import combinations
from typing import Final

from costspan.server.reconciliation.match import Key, Matched
from costspan.server.reconciliation.sides import Group, Origin

_NOTICED: Final = 50
"""A group lacks requests worth explaining when they are more than a 50th of the bill's."""
_SAME: Final = 100
"""Two daily counts that differ by less than a 100th (or two requests) are the same."""
_MOST: Final = 60
"""Origins that are tried in pairs, the busiest."""

Outside = frozenset[tuple[Key, Origin]]


def outside(matched: Matched) -> Outside:
    """Return the origins of each group whose requests are those that the ledger lacks."""
    return _explaining(matched, 1)


def doubled(matched: Matched) -> Outside:
    """Return the origins of each group whose requests are those that the ledger has too many."""
    return _explaining(matched, -1)


def _explaining(matched: Matched, sign: int) -> Outside:
    found: set[tuple[Key, Origin]] = set()
    for group in matched.groups:
        key = group.scope, group.model
        if group.ledger and group.bill:
            found |= {(key, origin) for origin in _those(group, matched.origins.get(key, {}), sign)}
    return frozenset(found)


def _those(group: Group, origins: Mapping[Origin, Mapping[date, int]], sign: int) -> tuple[Origin, ...]:
    lacking: dict[date, int] = {}
    for day in group.days:
        billed = group.bill[day].requests if day in group.bill else None
        ours = group.ledger[day].calls if day in group.ledger else {}
        lacking[day] = sign * (sum((billed or {}).values()) - sum(ours.values()))
    whole = sum(sum(days.values()) for days in origins.values())
    if len(origins) < 2 or sum(lacking.values()) * _NOTICED <= whole:
        return ()
    fitting = [chosen for chosen in _candidates(origins) if _fits(chosen, origins, lacking)]
    smallest = min(map(len, fitting), default=0)
    fitting = [chosen for chosen in fitting if len(chosen) == smallest]
    return fitting[0] if len(fitting) == 1 else ()


def _candidates(origins: Mapping[Origin, Mapping[date, int]]) -> Iterator[tuple[Origin, ...]]:
    ranked = sorted(origins, key=lambda each: -sum(origins[each].values()))[:_MOST]
    seen = set()
    projects: dict[str | None, list[Origin]] = defaultdict(list)
    for origin in origins:
        projects[origin.project].append(origin)
    whole_projects = (tuple(members) for members in projects.values())
    for chosen in (*((each,) for each in ranked), *combinations(ranked, 2), *whole_projects):
        if len(chosen) < len(origins) and frozenset(chosen) not in seen:
            seen.add(frozenset(chosen))
            yield chosen


def _fits(
    chosen: tuple[Origin, ...], origins: Mapping[Origin, Mapping[date, int]], lacking: Mapping[date, int]
) -> bool:
    for day, gap in lacking.items():
        theirs = sum(origins[origin].get(day, 0) for origin in chosen)
        if abs(gap - theirs) > max(2, max(abs(gap), theirs) // _SAME):
            return False
    return True
