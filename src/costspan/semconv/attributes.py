"""Reading attribute values as emitters really send them.

Numbers arrive as strings, arrays as JSON strings, "not set" as the empty string, and one value under several synonyms
(reference: captured payloads of thirty emitters). Each reader returns None for what is not a value of its kind, so that
a damaged attribute is "not said" and never a wrong number.
"""

from __future__ import annotations

import ast
import json
import math
import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Final, TypeVar

from costspan.core.record import Attributes, AttributeValue

T = TypeVar("T")
Keys = tuple[str, ...]

_ESCAPES = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)", re.DOTALL
)

_ABSENT_WORDS = frozenset({"", "none", "null", "undefined", "nan"})
_LONGEST_ABSENT = 9

MAX_TEXT_CHARS: Final = 512
"""Names and ids are stored in every row of the ledger; anything longer is content, not a name."""

MAX_JSON_CHARS: Final = 1_000_000
"""Documents above this are not parsed: a raw answer with usage is a few kilobytes, with embeddings it may be many."""

MAX_LITERAL_CHARS: Final = 10_000
"""The same for Python literals, whose parser takes a hundred times as long."""

MAX_DIGITS: Final = 24
"""A longer number is damage; parsing it costs time that grows with the square of its length."""
ABSURD: Final = 10**30
"""What a count of more digits is read as: it was claimed, so it is not missing, and no bound lets it through."""


def text(value: AttributeValue) -> str | None:
    """Return a non-empty string, stripped of blanks and JSON quotes; words for "nothing" are None, too."""
    if not isinstance(value, str):
        return None
    if len(value) <= _LONGEST_ABSENT:
        return _short_text(value)
    if len(value) <= MAX_TEXT_CHARS and value.isascii() and value[0] > '"' and value[-1] > " ":
        return value  # nothing to strip and too long for a word for nothing, as most values are
    return _stripped(value[:MAX_TEXT_CHARS])


def _stripped(value: str) -> str | None:
    stripped = value.strip()
    if stripped[:1] == '"' == stripped[-1:]:
        stripped = stripped[1:-1].strip()
    return None if len(stripped) <= _LONGEST_ABSENT and stripped.lower() in _ABSENT_WORDS else stripped


_short_text = lru_cache(maxsize=4096)(_stripped)


def whole_number(value: AttributeValue) -> int | None:
    """Return a count. Accepts integers, whole doubles and their text; rejects booleans, fractions and the rest."""
    if type(value) is int:
        return value
    if isinstance(value, dict):  # some exporters send the OTLP/JSON wrapper of an integer as its value
        return whole_number(value.get("intValue"))
    if isinstance(value, str) and len(value) > MAX_DIGITS and value.strip().lstrip("+-").isdecimal():
        return ABSURD
    parsed = number(value)
    return int(parsed) if parsed is not None and parsed.is_integer() else None


def number(value: AttributeValue) -> float | None:
    """Return a finite number given as number or text."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str) and len(value) > MAX_DIGITS:
        return None
    try:
        parsed = float(value)
    except (ValueError, OverflowError):
        return None
    return parsed if math.isfinite(parsed) else None


def flag(value: AttributeValue) -> bool | None:
    """Return a truth value given as boolean or as the text `true` or `false`."""
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False}.get(value.strip().lower()) if isinstance(value, str) else None


def texts(value: AttributeValue) -> tuple[str, ...]:
    """Return the strings of an array, of a JSON array in a string, or of one plain string."""
    if isinstance(value, str) and value.lstrip().startswith("["):
        parsed = json_value(value)
        value = parsed if isinstance(parsed, list) else value
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, Sequence) or isinstance(value, bytes):
        return ()
    return tuple([found for item in value if (found := text(item))])


def json_value(value: AttributeValue) -> AttributeValue:
    """Return what a JSON string holds, or None for text that is no JSON."""
    if not isinstance(value, str) or len(value) > MAX_JSON_CHARS:
        return None
    try:
        parsed: AttributeValue = json.loads(mended(value.encode()) if "\\u" in value else value)
    except (ValueError, RecursionError):
        return None
    return parsed


def mended(json_text: bytes) -> bytes:
    """Return JSON with escapes of half a character made U+FFFD: JavaScript cuts text inside an emoji."""
    return _ESCAPES.sub(lambda found: b"\\ufffd" if found[1] else found[0], json_text)


def json_object(value: AttributeValue) -> Attributes:
    """Return a map, or the object a JSON string holds; empty for anything else."""
    parsed = json_value(value) if isinstance(value, str) else value
    return parsed if isinstance(parsed, dict) else {}


def literal_object(value: AttributeValue) -> Attributes:
    """Return the dictionary that a Python `repr` or a JSON string holds; literals are read, nothing is evaluated."""
    if not isinstance(value, str):
        return json_object(value)
    if not 2 <= len(value) <= MAX_LITERAL_CHARS or "{" not in value[:8]:
        return {}
    found = json_object(value)
    if found or "\\ud" in value:  # an escape of half a character would become text that cannot be stored
        return found
    try:
        parsed = ast.literal_eval(value.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        return {}
    return parsed if isinstance(parsed, dict) else {}


def at(document: object, path: str) -> AttributeValue:
    """Return what stands at a dotted path of maps and list positions, or None."""
    found: object = document
    for name in path.split("."):
        if isinstance(found, dict):
            found = found.get(name)
        elif isinstance(found, list | tuple) and name.isdecimal() and int(name) < len(found):
            found = found[int(name)]
        else:
            return None
    return found  # type: ignore[return-value]


def first(attributes: Attributes, keys: Iterable[str], read: Callable[[AttributeValue], T | None]) -> T | None:
    """Return the first readable value under `keys`, in order. Synonyms are alternatives, never added together."""
    for key in keys:
        if key in attributes and (found := read(attributes[key])) is not None:
            return found
    return None
