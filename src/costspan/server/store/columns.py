"""The kinds of columns that the tables of every engine are made of; each engine says how it keeps them."""

from __future__ import annotations

from enum import Enum, auto


class Kind(Enum):
    """What a column holds, as its values are in Python; None is nothing known."""

    TEXT = auto()
    WHOLE = auto()
    """A 64-bit number, signed."""
    SMALL = auto()
    """A 32-bit number, signed."""
    REAL = auto()
    TRUTH = auto()
    BYTES = auto()
    SPAN_ID = auto()
    """A 64-bit number without a sign."""
    KEY = auto()
    """16 bytes: a record's key, or a trace id."""
    MOMENT = auto()
    """Whole microseconds since 1970 UTC."""
