"""`Usage`: how much of each unit one call used. Immutable, disjoint, whole numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from costspan.core.frozen import quickly_made
from costspan.core.units import (
    CACHE_READ_UNITS,
    CACHE_WRITE_UNITS,
    INPUT_UNITS,
    OUTPUT_UNITS,
    TOKEN_UNITS,
    UNCACHED_INPUT_UNITS,
    Unit,
)

_UNITS: Final = tuple(Unit)


def _frozen(quantities: Mapping[Unit, int]) -> Mapping[Unit, int]:
    said = quantities.get
    return MappingProxyType({unit: quantity for unit in _UNITS if (quantity := said(unit))})


@quickly_made
@dataclass(frozen=True, slots=True)
class Usage:
    """Quantities by unit. A unit that was not used is absent; a negative quantity is refused.

    Raises ValueError on a negative quantity: a negative leaf is an invalid record and is never clamped
    (accounting rule 2).
    """

    quantities: Mapping[Unit, int] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        if min(self.quantities.values(), default=0) < 0:
            negative = {unit.value: quantity for unit, quantity in self.quantities.items() if quantity < 0}
            raise ValueError(f"negative quantities: {negative}")
        object.__setattr__(self, "quantities", _frozen(self.quantities))

    @classmethod
    def of_leaves(cls, leaves: dict[Unit, int]) -> Usage:
        """Return the usage of quantities known to be positive, in the order of the units: nothing is looked at again.

        The dictionary becomes the usage's own.
        """
        usage = object.__new__(cls)
        object.__setattr__(usage, "quantities", MappingProxyType(leaves))
        return usage

    def __getitem__(self, unit: Unit) -> int:
        return self.quantities.get(unit, 0)

    def __iter__(self) -> Iterator[tuple[Unit, int]]:
        return iter(self.quantities.items())

    def __bool__(self) -> bool:
        return bool(self.quantities)

    def __hash__(self) -> int:
        return hash(tuple(self.quantities.items()))

    def __add__(self, other: Usage) -> Usage:
        return Usage({unit: self[unit] + other[unit] for unit in Unit})

    def total(self, units: Iterable[Unit]) -> int:
        """Return the sum over `units`. Only units of one kind (all tokens, all seconds) may be added."""
        quantities = self.quantities
        return sum([quantities[unit] for unit in units if unit in quantities])

    @property
    def input_tokens(self) -> int:
        """Uncached input tokens of every modality."""
        return self.total(UNCACHED_INPUT_UNITS)

    @property
    def cache_read_tokens(self) -> int:
        """Input tokens served from the provider's cache."""
        return self.total(CACHE_READ_UNITS)

    @property
    def cache_write_tokens(self) -> int:
        """Input tokens written to the provider's cache, whatever the time to live."""
        return self.total(CACHE_WRITE_UNITS)

    @property
    def context_tokens(self) -> int:
        """All input tokens, cached or not: what context bands are measured against (accounting rule 4.4)."""
        return self.total(INPUT_UNITS)

    @property
    def output_tokens(self) -> int:
        """All output tokens, with reasoning and audio."""
        return self.total(OUTPUT_UNITS)

    @property
    def reasoning_tokens(self) -> int:
        """The part of the output that was reasoning."""
        return self[Unit.REASONING]

    @property
    def tokens(self) -> int:
        """Every token, input and output."""
        return self.total(TOKEN_UNITS)
