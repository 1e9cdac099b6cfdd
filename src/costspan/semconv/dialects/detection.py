"""Which dialect a span speaks: its scope says it, else an attribute only one emitter sends, else the widest reading.

One pass over the attributes, whatever the number of dialects; this runs once for every received span.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final

from costspan.core.record import SpanRecord
from costspan.semconv.dialects.base import Dialect

_ADDED: Final = frozenset(
    (
        "gen_ai.usage.cost_usd",
        "gen_ai.usage.cost.amount",
        "gen_ai.usage.cost.currency",
        "gen_ai.usage.cost.source",
        "gen_ai.response.time_to_first_chunk",
    )
)
"""What costspan itself adds to a span on its way out, whoever made it: no sign of the span's own dialect."""


class Dialects:
    """An ordered list of dialects; where several recognise a span, the first one reads it.

    `mappings` are a user's own dialects and are asked before all others, so that they can overrule a scope.
    """

    def __init__(self, built_in: Iterable[Dialect], mappings: Iterable[MappedDialect] = ()) -> None:
        self._mappings: Final = tuple(mappings)
        self._built_in: Final = tuple(built_in)
        self._of_scope = lru_cache(maxsize=4096)(self._find_scope)
        self._keys: Final[dict[str, int]] = {}
        self._families: Final[dict[str, int]] = {}
        self._values: Final[dict[str, dict[str, int]]] = {}
        for rank, dialect in enumerate(self._built_in):
            for tell_tale in dialect.tell_tales:
                index, key = (self._families, tell_tale[:-1]) if tell_tale.endswith(".") else (self._keys, tell_tale)
                index.setdefault(key, rank)
            for key, values in dialect.tell_tale_values.items():
                for value in values:
                    self._values.setdefault(key, {}).setdefault(value, rank)

    def __reduce__(self) -> tuple[type[Dialects], tuple[tuple[Dialect, ...], tuple[MappedDialect, ...]]]:
        """Return what another process makes the same dialects of."""
        return Dialects, (self._built_in, self._mappings)

    def __iter__(self) -> Iterator[Dialect]:
        yield from self._mappings
        yield from self._built_in

    def before(self, mappings: Iterable[MappedDialect]) -> Dialects:
        """Return these dialects with a user's mappings asked first."""
        return Dialects(self._built_in, tuple(mappings) + self._mappings)

    @property
    def markers(self) -> tuple[bytes, ...]:
        """Return the fewest byte strings one of which is in every span that any dialect reads."""
        found = dict.fromkeys(marker for dialect in self for marker in dialect.markers)
        return tuple(one for one in found if not any(other != one and other in one for other in found))

    def of(self, record: SpanRecord) -> Dialect | None:
        """Return the dialect of a span, or None when nobody knows it."""
        for mapping in self._mappings:
            if mapping.recognizes(record):
                return mapping
        known = self._of_scope(record.scope.name)
        return known if known is not None else self._by_attributes(record)

    def _find_scope(self, scope_name: str) -> Dialect | None:
        return next((dialect for dialect in self._built_in if in_scope(scope_name, dialect.scopes)), None)

    def _by_attributes(self, record: SpanRecord) -> Dialect | None:
        nobody = best = len(self._built_in)
        for key, value in record.attributes.items():
            rank = self._keys.get(key, nobody)
            family = self._families.get(key.partition(".")[0], nobody)
            best = min(best, rank, family if key not in _ADDED else nobody)
            if key in self._values and isinstance(value, str):
                best = min(best, self._values[key].get(value, nobody))
        return self._built_in[best] if best < nobody else None


class MappedDialect(Dialect):
    """A dialect that is asked whether it wants a span."""

    def recognizes(self, record: SpanRecord) -> bool:
        """Return True when this dialect reads the span: any with one of its token counts, unless it is choosier."""
        return self.presence(record.attributes).claims_usage


def in_scope(scope_name: str, scopes: Iterable[str]) -> bool:
    """Return True when a scope is one of `scopes`: exact names, or prefixes that end in `*`."""
    return any(scope_name.startswith(scope[:-1]) if scope.endswith("*") else scope_name == scope for scope in scopes)
