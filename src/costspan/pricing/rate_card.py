"""`RateCard`: everything known about prices, in layers, as immutable rows. Loaded by `load`, read by `price_call`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from costspan.core.call import STANDARD_MODE
from costspan.core.units import TOKEN_UNITS, Unit
from costspan.pricing.clause import ClauseIndex, Clauses

PER: Final[Mapping[Unit, int]] = MappingProxyType(
    {
        **dict.fromkeys(Unit, 1_000),
        **dict.fromkeys(TOKEN_UNITS, 1_000_000),
        Unit.SECOND: 3_600,
        Unit.IMAGE: 1,
    }
)
"""How many units a price is for, as published: a million tokens, a thousand searches or pages, an hour, an image."""


class Layer(StrEnum):
    """Who says the price; later ones win (accounting rule 4.2)."""

    BUILT_IN = "built-in"
    PATCH = "patch"
    ORGANISATION = "organisation"
    PROJECT = "project"


@dataclass(frozen=True, slots=True)
class Window:
    """Hours of the UTC day, in minutes, and the days (Monday = 0) a price is limited to; may run over midnight."""

    starts: int
    ends: int
    days: frozenset[int] = frozenset(range(7))

    def __contains__(self, minute_of_week: int) -> bool:
        day, minute = divmod(minute_of_week, 1440)
        inside = self.starts <= minute < self.ends
        if self.ends < self.starts:
            inside = minute >= self.starts or minute < self.ends
        return inside and day in self.days


@dataclass(frozen=True, slots=True)
class AliasOf:
    """Another model whose price this row takes."""

    provider: str
    model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RateRow:
    """One line of a price list: what holds in one mode from `valid_from` up to, not including, `valid_to`.

    A price is one figure, or one for each context band: `over_input_tokens` (200_000,) has two bands, and the
    second holds for the whole call when its input exceeds 200,000 tokens. `alias_of`, `multiply` and `free` rows
    take their prices from elsewhere. `basis` says what the row rests on: published, backfilled, derived, contract.
    """

    mode: str = STANDARD_MODE
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    window: Window | None = None
    over_input_tokens: tuple[int, ...] = ()
    prices: Mapping[Unit, tuple[Decimal, ...]] = field(default_factory=lambda: MappingProxyType({}))
    alias_of: AliasOf | None = None
    multiply: Decimal | None = None
    free: bool = False
    basis: str = "published"
    source: str = ""
    checked: str = ""
    reason: str | None = None

    @property
    def absolute(self) -> bool:
        """True when the row names its own prices."""
        return self.alias_of is None and self.multiply is None


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceEntry:
    """One model of one provider in one layer: the names it answers to and its rows.

    An entry without `names` adds its rows to the model of the same id in the layer below.
    """

    provider: str
    model: str
    layer: Layer
    names: Clauses
    rows: tuple[RateRow, ...] = ()


@dataclass(frozen=True, slots=True)
class ProviderList:
    """What one layer says about one provider: its entries in order, and an index of their names."""

    entries: tuple[PriceEntry, ...]
    index: ClauseIndex

    @classmethod
    def of(cls, entries: tuple[PriceEntry, ...]) -> ProviderList:
        """Return the list with its names indexed; the first entry that claims a literal name keeps it."""
        return cls(entries, ClauseIndex.of(tuple(entry.names for entry in entries)))

    def by_model(self, model: str) -> PriceEntry | None:
        """Return the entry whose own id is `model`."""
        return next((entry for entry in self.entries if entry.model == model), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderProfile:
    """How a provider is recognised, and whose models it also serves."""

    provider: str
    name: str
    known_as: Clauses = field(default_factory=Clauses)
    claims: Clauses = field(default_factory=Clauses)
    fallbacks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RateCard:
    """The price lists of all layers. `version` is the hash of their content: it names what a figure was computed with.

    `listed(layer, provider)` reads a built-in list when it is first asked for. `memory` keeps resolved names and
    compiled rates, misses too; it changes nothing but speed.
    """

    version: str
    profiles: Mapping[str, ProviderProfile]
    listed: Callable[[Layer, str], ProviderList | None]
    overlay_providers: frozenset[str] = frozenset()
    memory: dict[object, object] = field(default_factory=dict, repr=False)
