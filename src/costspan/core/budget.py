"""`Budget`: an amount of money, for whom, and the period it is for. Asked of by the server, kept to by the SDK."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from costspan.core.errors import UsageError
from costspan.core.money import PicoUsd
from costspan.core.period import Period
from costspan.core.zone import ZONE_UTC, Zone

SOFT_SHARE: Final = (4, 5)
"""The part of an amount, as numerator and denominator, from which a budget says that it is nearly spent."""

_ROLLING: Final = re.compile(r"([1-9]\d{0,3})d")
_DAY: Final = timedelta(days=1)


class BudgetState(StrEnum):
    """How much of a budget is left. `unavailable`: nobody can say."""

    OK = "ok"
    SOFT = "soft"
    EXCEEDED = "exceeded"
    UNAVAILABLE = "unavailable"


class OnUnpriced(StrEnum):
    """What calls without a known cost do to a budget: show in its state, stop it, or nothing."""

    WARN = "warn"
    BLOCK = "block"
    IGNORE = "ignore"


@dataclass(frozen=True, slots=True)
class BudgetPeriod:
    """`day`, `week` (from Monday) or `month` of the calendar, or the last N days: `30d`.

    Raises UsageError for any other word.
    """

    word: str

    def __post_init__(self) -> None:
        if self.word not in {"day", "week", "month"} and not _ROLLING.fullmatch(self.word):
            raise UsageError(
                f"period {self.word!r} is not month, week, day or a number of days that rolls, such as 30d"
            )

    @property
    def rolls(self) -> bool:
        """True where the period is always the time just past."""
        return self.word.endswith("d")

    @property
    def days(self) -> int | None:
        """How many days a period that rolls is long; None for those of the calendar."""
        return int(self.word[:-1]) if self.rolls else None

    def at(self, now: datetime, zone: Zone = ZONE_UTC) -> Period:
        """Return the period of the zone's calendar that holds at `now`; one that rolls ends there."""
        if self.rolls:
            return Period(now.astimezone(UTC) - int(self.word[:-1]) * _DAY, now.astimezone(UTC))
        today = zone.local(now).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
        first, after = today, today + _DAY
        if self.word == "week":
            first = today - today.weekday() * _DAY
            after = first + 7 * _DAY
        elif self.word == "month":
            first = today.replace(day=1)
            after = (first + 31 * _DAY).replace(day=1)
        return Period(zone.midnight(first), zone.midnight(after))


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """`amount` for all calls that have every value of `scope` (group key -> value; empty: all calls), each period."""

    name: str
    amount: PicoUsd
    period: BudgetPeriod
    scope: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    on_unpriced: OnUnpriced = OnUnpriced.WARN
    notify: tuple[str, ...] = ()
    """Names of the notifiers that are told when its state changes."""


def state_of(spent: int, amount: int) -> BudgetState:
    """Return the state of `amount` once `spent`, both in pico-dollars. All of it spent is exceeded."""
    if spent >= amount:
        return BudgetState.EXCEEDED
    part, whole = SOFT_SHARE
    return BudgetState.SOFT if spent * whole >= amount * part else BudgetState.OK
