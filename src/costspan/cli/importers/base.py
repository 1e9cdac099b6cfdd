"""The `Importer` seam: one kind of file, read into OTLP. Importers do not know one another; what they share is here."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

Signal = Literal["traces", "logs", "metrics"]


@dataclass(frozen=True, slots=True)
class Row:
    """One JSON value of a file, or one line of a CSV file as a map; `place` is what a refusal names it by."""

    place: str
    value: Any


@dataclass(frozen=True, slots=True)
class Problem:
    """A row that cannot be taken."""

    place: str
    reason: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """A row that is no call, in words for what it is instead."""

    what: str


@dataclass(frozen=True, slots=True)
class Piece:
    """At most 512 items of one scope; `resource` and `scope` are what stands around them in an OTLP/JSON request."""

    place: str
    signal: Signal
    resource: Mapping[str, Any]
    scope: Mapping[str, Any]
    items: Sequence[Mapping[str, Any]]


Found = Piece | Problem | Skipped


class Importer(ABC):
    """Base of all importers. One object reads many files, one after the other."""

    name: ClassVar[str]
    """What `--format` calls it."""
    source: ClassVar[str]
    """Where the format is documented or was read, with versions."""
    homes: ClassVar[tuple[str, ...]] = ()
    """Where its files are usually found: paths with `~` and `$VARIABLE`, taken when none is named."""

    @abstractmethod
    def recognizes(self, value: Any) -> bool:
        """Return True when a row at the head of a file shows that the file is of this kind."""

    @abstractmethod
    def read(self, rows: Iterable[Row]) -> Iterator[Found]:
        """Yield what the rows of one file hold, in order and holding a bounded part of it at a time."""
