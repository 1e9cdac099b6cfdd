"""A rule as a value: what is watched, when it counts as met, and who is told. `rule_file` reads it from YAML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from costspan.server.store.question import Filter

EVERY: Final = timedelta(minutes=1)
DELAY: Final = timedelta(seconds=30)
NO_TIME: Final = timedelta(0)


class Missing(StrEnum):
    """What a window without data, or with fewer calls than `min_samples`, means."""

    OK = "ok"
    """Not met."""
    ALERT = "alert"
    """Met: silence is what the rule is for."""
    KEEP = "keep"
    """What it was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """Met when the measure is over `above`, or under `below`, in the measure's unit."""

    above: Decimal | None = None
    below: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Anomaly:
    """Met when a group spends far more than its history lets expect."""

    baseline: timedelta = timedelta(days=28)
    """How much history is learnt from."""
    ratio: Decimal = Decimal(3)
    """The detector's sensitivity: 3 is its own, a lower one tells more."""
    min_excess_usd: Decimal | None = None
    """How many dollars over the expected ones are worth a page."""
    windows: tuple[timedelta, ...] = ()
    """Anomalies of longer windows than these do not count; empty for all of the detector's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetAlert:
    """Met when a budget of the same file is used up to a level, or will be."""

    budget: str
    levels: tuple[Decimal, ...] = (Decimal("0.5"), Decimal("0.8"), Decimal(1))
    """Shares of the amount; each is a group of its own."""
    forecast: bool = True
    """Also when the period is expected to end over the amount."""
    burn: bool = True
    """Also when it is being spent much faster than the time of day and week lets expect."""


Condition = Threshold | Anomaly | BudgetAlert


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One entry of `alerts:`."""

    name: str
    condition: Condition
    measure: str = "cost"
    filters: tuple[Filter, ...] = ()
    group_by: tuple[str, ...] = ()
    window: timedelta = timedelta(hours=1)
    min_samples: int = 0
    """Calls in the window below which nothing is judged."""
    missing: Missing = Missing.OK
    every: timedelta = EVERY
    delay: timedelta = DELAY
    """How far behind now a window ends, for calls that arrive late."""
    hold: timedelta = NO_TIME
    """`for`: how long the condition must be met before the alert fires."""
    keep_firing_for: timedelta = NO_TIME
    severity: str = "warning"
    labels: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    notify: tuple[str, ...] = ()
    repeat: timedelta | None = None
    inhibits: tuple[str, ...] = ()
    """Rules that stay quiet for the same groups while this one fires."""
    notify_past: bool = False
    """Also tell of what fired and was over while the server was down."""
