"""Which spans are worth reading, told from the names of their attributes alone, most of them known byte for byte."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from enum import IntEnum
from functools import lru_cache
from typing import Final, TypeVar

from costspan.semconv.attribution import says_for_whom
from costspan.server.pipeline.any_value import MAX_KNOWN, MAX_KNOWN_BYTES, encoded_name

Asked = TypeVar("Asked", str, bytes)


class Interest(IntEnum):
    """What a span's attributes promise. Of several the highest holds."""

    NONE = 0
    WHOM = 1
    """It says for whom the spans below it are."""
    CLAIM = 2
    """It may be a model call or a tool at work."""


# An enumeration looks its members up anew at each mention; these are mentioned for every span.
NONE: Final = Interest.NONE
WHOM: Final = Interest.WHOM
CLAIM: Final = Interest.CLAIM


class Interests:
    """Knows markers: of every claiming span, one of them stands in its own name or in that of an attribute."""

    def __init__(self, markers: Sequence[bytes]) -> None:
        self.markers: Final = markers
        by_name: Final = _Remembered[bytes](self._of_name)
        self._of_attribute = _Remembered[bytes](lambda encoded: by_name[encoded_name(encoded)]).__getitem__
        self._of_span_name = _Remembered[str](lambda name: CLAIM if self.marked(name.encode()) else NONE)

    def of(self, span_name: str, attributes: Iterable[bytes]) -> Interest:
        """Return the interest of a span by its name and its encoded attributes."""
        found = self._of_span_name[span_name]
        for interest in filter(None, map(self._of_attribute, attributes)):
            if interest is CLAIM:
                return interest
            found = found or interest
        return found

    def marked(self, raw: bytes) -> bool:
        """Return True when any marker stands anywhere in `raw`."""
        return any(marker in raw for marker in self.markers)

    def _of_name(self, name: bytes) -> Interest:
        if self.marked(name):
            return CLAIM
        return WHOM if says_for_whom(name.decode(errors="replace")) else NONE


@lru_cache(maxsize=8)
def interests(markers: tuple[bytes, ...]) -> Interests:
    """Return the interests of `markers`, the same object for the same markers."""
    return Interests(markers)


class _Remembered(dict[Asked, Interest]):
    """A function of names or bytes and its results for short ones; forgets all when it is full."""

    def __init__(self, decide: Callable[[Asked], Interest]) -> None:
        super().__init__()
        self._decide: Callable[[Asked], Interest] = decide

    def __missing__(self, asked: Asked) -> Interest:
        found = self._decide(asked)
        if len(asked) <= MAX_KNOWN_BYTES:
            if len(self) >= MAX_KNOWN:
                self.clear()
            self[asked] = found
        return found
