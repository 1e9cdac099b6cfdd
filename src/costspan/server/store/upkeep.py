"""Keeping a ledger in order, as values: how long what is kept, what a look over it found."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Protocol

from costspan.core.errors import ConfigError
from costspan.server.store.ports import SETTLING_WINDOW

LATENESS: Final = timedelta(hours=48)
"""How much later than the other spans of its trace a record may arrive and still be settled with all of them."""
LINKS_KEPT: Final = SETTLING_WINDOW + LATENESS
"""How long a span that is no call is kept when none hangs below it.

Below a span that is gone a later record hangs loose: it inherits nothing from above the gap, and its duplicates are
told by response id and by equal counts, not by nesting. No entry that stands changes by it.
"""

_FOR_GOOD: Final = "forever"
_LENGTH: Final = re.compile(r"(\d{1,5})([hd])")
_UNITS: Final = {"h": "hours", "d": "days"}


@dataclass(frozen=True, slots=True)
class Retention:
    """How long received records and calls are kept; None is for good. Totals by the hour are kept for good.

    `raw` of zero keeps no received records.
    """

    raw: timedelta | None = timedelta(days=7)
    calls: timedelta | None = None

    @property
    def keeps_records(self) -> bool:
        """Return whether records are kept as received at all."""
        return self.raw is None or self.raw > timedelta(0)


def read_retention(said: object, place: str) -> Retention:
    """Return what `retention:` of a costspan.yaml says: `{raw: 7d, calls: 400d}`.

    Raise ConfigError, naming `place` and key, for anything that is no length of time.
    """
    if said is None:
        return Retention()
    if not isinstance(said, Mapping):
        raise ConfigError(f"{place}: retention: a mapping is expected, as in {{raw: 7d, calls: 400d}}")
    for key in said:
        if key not in ("raw", "calls"):
            raise ConfigError(f"{place}: retention: unknown key {key!r}; known: raw, calls")
    kept = Retention()
    calls = _length(said["calls"], f"{place}: retention: calls") if "calls" in said else kept.calls
    if calls is not None and calls < LINKS_KEPT:
        raise ConfigError(f"{place}: retention: calls: at least 3d, so that what arrives late is still recognised")
    return Retention(_length(said["raw"], f"{place}: retention: raw") if "raw" in said else kept.raw, calls)


def _length(said: object, place: str) -> timedelta | None:
    if said == _FOR_GOOD:
        return None
    found = _LENGTH.fullmatch(str(said))
    if found is None:
        raise ConfigError(
            f"{place}: {said!r} is no length of time; use hours or days, as in 36h or 400d, or {_FOR_GOOD}"
        )
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


@dataclass(frozen=True, slots=True)
class Removed:
    """What a retention step removed, in rows."""

    raw: int = 0
    calls: int = 0
    links: int = 0


@dataclass(frozen=True, slots=True)
class Finding:
    """Something in the ledger that does not add up. `day` is where, `rolled_up` that adding it up again mends it."""

    day: datetime
    what: str
    rows: int
    rolled_up: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a look over the ledger came to: `entries` were examined, nothing was found where it is well."""

    entries: int
    findings: Sequence[Finding]

    @property
    def is_well(self) -> bool:
        """True when everything adds up."""
        return not self.findings


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a copy of a ledger has to hold: rows by table, and what its calls cost, in pico-dollars."""

    rows: Mapping[str, int]
    cost: int


class Upkeep(Protocol):
    """A ledger that can be kept in order.

    `waiting` and `verify` may be asked from any thread; the others run on the one that writes, and do a little each.
    """

    def waiting(self) -> int:
        """Return how many rows are not rolled up yet."""

    def roll_up(self, most: int) -> int:
        """Roll up about `most` rows; return how many, 0 where all are."""

    def merge(self, worth: int) -> int:
        """Merge roll-ups of one hour where `worth` rows go away by it; return how many did."""

    def retain(self, retention: Retention, now: datetime) -> Removed:
        """Remove a day's worth of what is past its time; return what, nothing where all is gone."""

    def checkpoint(self) -> None:
        """Write the log into the file, so that what was removed leaves room for what comes."""

    def begin_copy(self) -> Manifest:
        """Let the ledger's file stay as it is until `end_copy`, and say what it holds; commits go on."""

    def copy(self, target: Path, progress: Callable[[float], None]) -> None:
        """Copy the file, from any thread, between `begin_copy` and `end_copy`."""

    def end_copy(self) -> None:
        """Let the file be written again."""

    def verify(self, progress: Callable[[float], None]) -> Verdict:
        """Compare charges with calls, entries with what takes them back, and roll-ups with rows, day by day."""

    def add_up_again(self, day: datetime) -> None:
        """Make the roll-ups of a day from its rows."""
