"""Sampling ratios said by the `sampling:` list of a costspan.yaml, for emitters that do not say how they sampled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType

from costspan.core.errors import ConfigError
from costspan.core.money import decimal_from_text
from costspan.semconv.sampling import AdjustedCount

_KEYS = ("service", "ratio")


@dataclass(frozen=True, slots=True)
class SamplingRatios:
    """Adjusted counts by service."""

    by_service: Mapping[str, AdjustedCount] = field(default_factory=lambda: MappingProxyType({}))

    def adjusted_count(self, service: str | None) -> AdjustedCount | None:
        """Return how many calls one recorded call of `service` stands for, None where nobody said."""
        return self.by_service.get(service) if service else None


def parse_sampling_ratios(entries: object, place: str = "costspan.yaml") -> SamplingRatios:
    """Return the ratios of a `sampling:` list. Raise ConfigError that names `place`, the entry and the key."""
    if entries is None:
        return SamplingRatios()
    if not isinstance(entries, Sequence) or isinstance(entries, str):
        raise ConfigError(f"{place}: sampling: a list of entries, each with service: and ratio:")
    found: dict[str, AdjustedCount] = {}
    for number, entry in enumerate(entries, start=1):
        service, count = _entry(entry, f"{place}: sampling entry {number}")
        if service in found:
            raise ConfigError(f"{place}: sampling entry {number}: service: {service!r} has a ratio already")
        found[service] = count
    return SamplingRatios(MappingProxyType(found))


def _entry(entry: object, where: str) -> tuple[str, AdjustedCount]:
    if not isinstance(entry, Mapping):
        raise ConfigError(f"{where}: a mapping with service: and ratio:")
    for key in entry:
        if key not in _KEYS:
            raise ConfigError(f"{where}: unknown key {key!r}; known: {', '.join(_KEYS)}")
    service = entry.get("service")
    if not isinstance(service, str) or not service:
        raise ConfigError(f"{where}: service: the name of a service")
    ratio = _ratio(entry.get("ratio"), where)
    return service, AdjustedCount(kept=ratio.numerator, of=ratio.denominator)


def _ratio(said: object, where: str) -> Fraction:
    try:
        ratio = decimal_from_text(str(said))
    except ValueError:
        ratio = Decimal(0)
    if not 0 < ratio <= 1:
        raise ConfigError(f'{where}: ratio: a number above 0 and up to 1, such as "0.1", found {said!r}')
    return Fraction(ratio)
