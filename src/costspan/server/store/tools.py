"""A question about tools, and the facts a ledger answers it with: whole traces, so that shares can be worked out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from costspan.core.attribution import DIMENSIONS
from costspan.core.errors import UsageError
from costspan.core.period import Period
from costspan.core.zone import ZONE_UTC, Zone
from costspan.semconv.settlement.tools import ToolTrace
from costspan.server.store.question import COLUMNS, TAG, Filter, Interval

TOOL_KEYS: Final = tuple(key for key, column in COLUMNS.items() if column in DIMENSIONS)
"""What is said of a tool use and of a call alike, so that one filter means the same for both."""

MAX_TRACES: Final = 50_000
"""Traces one question may read: shares are worked out from every span of them, 0.2 ms for a trace of ten spans."""


@dataclass(frozen=True, slots=True)
class ToolQuestion:
    """Tool uses that started in `period`, and fees of calls that did, kept by filters on `TOOL_KEYS`."""

    period: Period
    interval: Interval = Interval.TOTAL
    zone: Zone = ZONE_UTC
    filters: tuple[Filter, ...] = ()


@dataclass(frozen=True, slots=True)
class AskedTrace:
    """A trace with tools. `uses` and `calls` (their fees) are the identities asked about, of this trace or any."""

    trace: ToolTrace
    uses: frozenset[str]
    calls: frozenset[str]


def fits(value: str | None, filters: Sequence[Filter]) -> bool:
    """Tell whether a value passes all filters on its key: any of the wanted values, none of the excluded ones."""
    wanted = [chosen.value for chosen in filters if not chosen.excludes]
    unwanted = [chosen.value for chosen in filters if chosen.excludes]
    return (not wanted or value in wanted) and value not in unwanted


def without_tool(filters: Sequence[Filter]) -> tuple[Filter, ...]:
    """Return the filters that hold for a call whose fee is asked about: the tool is then what the fee was for."""
    return tuple(chosen for chosen in filters if chosen.key != "tool")


def known_tool_key(key: str) -> str:
    """Return a canonical group key that tools have. Raise UsageError, listing the known ones, for anything else."""
    if key in TOOL_KEYS or key.startswith(TAG):
        return key
    raise UsageError(f"tools cannot be filtered by {key!r}; known: {', '.join(TOOL_KEYS)}, tag.NAME")


def too_many(traces: int) -> UsageError:
    """Return the refusal of a question that would read too much."""
    return UsageError(f"{traces:,} traces with tools are asked about, {MAX_TRACES:,} at most; choose a shorter period")
