"""Tests on a model's or provider's name, kept as data, and the order in which they are tried.

Accounting rule 4.2: a literal name first, then an anchored pattern, then the longest piece of a name, which may
not split a number (`claude-sonnet-4` is not `claude-sonnet-4-600`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_PIECES: Final = ("prefix", "contains", "suffix")
_NUMBER_GOES_ON: Final = re.compile(r"[-.@]?(\d+)")
_DATE: Final = re.compile(r"[-@]?(?:20\d{2}-?[01]\d-?[0-3]\d|[0-2]\d[0-3]\d)(?!\d)")


@dataclass(frozen=True, slots=True)
class Clauses:
    """Tests of which any may hold; `groups` are lists of tests that must hold together. All ignore case."""

    equals: tuple[str, ...] = ()
    pieces: tuple[tuple[str, str], ...] = ()
    patterns: tuple[re.Pattern[str], ...] = ()
    groups: tuple[Clauses, ...] = ()

    @classmethod
    def read(cls, table: Mapping[str, object]) -> Clauses:
        """Return the clauses of a catalogue table: lists named equals, prefix, contains, suffix, regex and all."""
        return cls(
            equals=tuple(_texts(table, "equals")),
            pieces=tuple((kind, text) for kind in _PIECES for text in _texts(table, kind)),
            patterns=tuple(re.compile(text, re.IGNORECASE) for text in _texts(table, "regex")),
            groups=tuple(_group(group) for group in _lists(table.get("all", []))),
        )

    def __bool__(self) -> bool:
        return bool(self.equals or self.pieces or self.patterns or self.groups)

    def hold(self, name: str) -> bool:
        """Return whether any test holds, without a guard on numbers: for names of providers and for claims."""
        return (
            name in self.equals
            or any(_has(kind, text, name) for kind, text in self.pieces)
            or self.pattern(name) is not None
        )

    def pattern(self, name: str) -> str | None:
        """Return the pattern or group that accepts `name`, as text."""
        for pattern in self.patterns:
            if pattern.search(name):
                return pattern.pattern
        for group in self.groups:
            pieces = all(_has(kind, text, name) and _whole(kind, text, name) for kind, text in group.pieces)
            if pieces and all(pattern.search(name) for pattern in group.patterns):
                return " and ".join([*(text for _, text in group.pieces), *(each.pattern for each in group.patterns)])
        return None

    def longest_piece(self, name: str) -> tuple[str, str] | None:
        """Return the kind and text of the longest piece found in `name` that splits no number."""
        fitting = [piece for piece in self.pieces if _has(*piece, name) and _whole(*piece, name)]
        return max(fitting, key=lambda piece: len(piece[1]), default=None)


@dataclass(frozen=True, slots=True)
class ClauseIndex:
    """The names of many entries: finds the one that claims a name, and by which test."""

    literals: Mapping[str, int]
    patterned: tuple[tuple[int, Clauses], ...]
    pieced: tuple[tuple[int, Clauses], ...]

    @classmethod
    def of(cls, all_names: tuple[Clauses, ...]) -> ClauseIndex:
        """Return the index of entries by position; where two claim one literal the first keeps it."""
        literals: dict[str, int] = {}
        for place, names in enumerate(all_names):
            for text in names.equals:
                literals.setdefault(text, place)
        return cls(
            literals,
            tuple((place, names) for place, names in enumerate(all_names) if names.patterns or names.groups),
            tuple((place, names) for place, names in enumerate(all_names) if names.pieces),
        )

    def literal(self, name: str) -> tuple[int, str] | None:
        """Return the entry that lists exactly `name`."""
        place = self.literals.get(name)
        return None if place is None else (place, f"literal {name}")

    def pattern(self, name: str) -> tuple[int, str] | None:
        """Return the first entry with a pattern that accepts `name`."""
        for place, names in self.patterned:
            if accepted := names.pattern(name):
                return place, f"pattern {accepted}"
        return None

    def piece(self, name: str) -> tuple[int, str] | None:
        """Return the entry with the longest prefix, part or ending found in `name`."""
        best: tuple[int, str] | None = None
        length = 0
        for place, names in self.pieced:
            found = names.longest_piece(name)
            if found and len(found[1]) > length:
                best, length = (place, " ".join(found)), len(found[1])
        return best


def splits_number(text: str, rest: str) -> bool:
    """Return whether `rest`, what follows `text` in a name, carries on a number that `text` ends with.

    A date is no such number: `claude-sonnet-4-5` covers `claude-sonnet-4-5-20250929`.
    """
    return text[-1:].isdigit() and _NUMBER_GOES_ON.match(rest) is not None and _DATE.match(rest) is None


def _whole(kind: str, text: str, name: str) -> bool:
    rest = name.partition(text)[2] if kind != "suffix" else ""
    return not splits_number(text, rest)


def _has(kind: str, text: str, name: str) -> bool:
    if kind == "prefix":
        return name.startswith(text)
    return text in name if kind == "contains" else name.endswith(text)


def _group(texts: list[str]) -> Clauses:
    parts = [text.partition(":") for text in texts]
    return Clauses(
        pieces=tuple((kind, text) for kind, _, text in parts if kind in _PIECES),
        patterns=tuple(re.compile(text, re.IGNORECASE) for kind, _, text in parts if kind == "regex"),
    )


def _texts(table: Mapping[str, object], key: str) -> list[str]:
    values = table.get(key, [])
    return [str(value) for value in values] if isinstance(values, list) else []


def _lists(values: object) -> list[list[str]]:
    return [[str(text) for text in group] for group in values] if isinstance(values, list) else []
