"""What spans say again and again is read once.

Of an emitter's spans the ids, counts and times are new each time; provider, model, operation and the like are the same
few words. What a reading of them depends on is not declared but watched: a reading is remembered under the values of
all it looked at, so a span with the same values has the same reading.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import repeat
from typing import Any, Final, Generic, TypeVar, cast

from costspan.core.record import Attributes, AttributeValue, SpanRecord

T = TypeVar("T")

MAX_READINGS: Final = 4_096
MAX_CHARS: Final = 512
"""Readings remembered of one set of attributes, and the longest text under which one is remembered."""

_ABSENT: Final = object()
_NOTHING: Final = repeat(_ABSENT)


def is_short(value: object) -> bool:
    """Return True for a value that may be held in a memory of values: a number, a short text, few short texts."""
    if isinstance(value, str):
        return len(value) <= MAX_CHARS
    if isinstance(value, tuple):
        return sum(len(item) if isinstance(item, str) else MAX_CHARS + 1 for item in value) <= MAX_CHARS
    return value is _ABSENT or value is None or isinstance(value, int | float)


class Readings(Generic[T]):
    """Results of one pure reading of spans. Threads share it: what is looked at and what is known change together."""

    def __init__(self) -> None:
        self._known: _Known[T] = _Known((), by_names=False)

    def of(self, record: SpanRecord, read: Callable[[SpanRecord], T]) -> T:
        """Return `read(record)`, which is the same function each time."""
        known = self._known
        try:
            return known[known.key(record)]
        except KeyError:
            return self._learn(record, read)
        except TypeError:  # a list or a map among the values
            return read(record)

    def _learn(self, record: SpanRecord, read: Callable[[SpanRecord], T]) -> T:
        watched = _Watched(record)
        found = read(cast("SpanRecord", watched))
        attributes = watched.attributes
        if watched.looked_beyond or not all(map(is_short, attributes.seen.values())):
            return found
        known = self._known
        if not attributes.seen.keys() <= set(known.looked_at) or (attributes.named and not known.by_names):
            looked_at = tuple(dict.fromkeys((*known.looked_at, *attributes.seen)))
            known = _Known(looked_at, by_names=attributes.named or known.by_names)
        elif len(known) >= MAX_READINGS:
            known = _Known(known.looked_at, by_names=known.by_names)
        known[known.key(record)] = found
        self._known = known
        return found


class _Known(dict[Any, T]):
    """Readings by all that any of them looked at: values of attributes, and where `by_names` the names of all."""

    def __init__(self, looked_at: tuple[str, ...], *, by_names: bool) -> None:
        super().__init__()
        self.looked_at = looked_at
        self.by_names = by_names

    def key(self, record: SpanRecord) -> tuple[Any, ...]:
        scope, attributes = record.scope, record.attributes
        said = tuple(map(attributes.get, self.looked_at, _NOTHING))
        names = tuple(attributes) if self.by_names else ()
        return record.name, scope.name, scope.version, names, said, tuple(map(type, said))


class _Watched:
    """A span that notes what is looked at: name, scope and attributes, or anything beyond them."""

    def __init__(self, record: SpanRecord) -> None:
        self._record = record
        self.looked_beyond = False
        self.name = record.name
        self.scope = record.scope
        self.present = record.present
        self.attributes = _WatchedAttributes(record.attributes)

    def __getattr__(self, name: str) -> object:
        self.looked_beyond = True
        return getattr(self._record, name)


class _WatchedAttributes(Mapping[str, AttributeValue]):
    def __init__(self, attributes: Attributes) -> None:
        self._attributes = attributes
        self.seen: dict[str, object] = {}
        self.named = False

    def __getitem__(self, key: str) -> AttributeValue:
        self.seen[key] = self._attributes.get(key, _ABSENT)
        return self._attributes[key]

    def __contains__(self, key: object) -> bool:
        self.seen[str(key)] = self._attributes.get(str(key), _ABSENT)
        return key in self._attributes

    def __iter__(self) -> Iterator[str]:
        self.named = True
        return iter(self._attributes)

    def __len__(self) -> int:
        self.named = True
        return len(self._attributes)
