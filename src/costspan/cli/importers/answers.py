"""What a provider's answer looks like inside somebody's record: its usage object, with nothing of what was said."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from costspan.semconv.attributes import at, json_object, whole_number
from costspan.semconv.raw_usage import RawUsage, read_usage

USAGE_NAMES: Final = ("usage", "token_usage", "tokenUsage", "usageMetadata", "usage_metadata", "usage_object", "tokens")
_AROUND: Final = (
    "response", "response_body", "responseBody", "body", "result", "completion", "answer", "llm", "event", "data",
    "payload", "message", "msg", "extra", "fields", "attributes", "context", "llm_output", "response_metadata",
    "standard_logging_object", "metadata", "error_information",
)  # fmt: skip
"""Where loggers put an answer; some of them as a JSON text."""
_MAX_DEPTH: Final = 3
_MAX_WORD_CHARS: Final = 40


def parts(record: Mapping[str, Any], depth: int = 0) -> Iterator[Mapping[str, Any]]:
    """Yield a record, then what stands in the places where loggers put an answer, outermost first."""
    yield record
    if depth < _MAX_DEPTH:
        for name in _AROUND:
            held = record.get(name)
            if isinstance(held, dict) or (isinstance(held, str) and held[:1] == "{"):
                inner = json_object(held)
                if inner:
                    yield from parts(inner, depth + 1)


def raw_usage(held: Sequence[Mapping[str, Any]]) -> tuple[Mapping[str, Any], dict[str, Any], RawUsage] | None:
    """Return the first part with a usage object of a provider's shape, that object, and what it says.

    Of the object only numbers and short words are left.
    """
    for part in held:
        for name in USAGE_NAMES:
            usage = json_object(part[name]) if name in part else None
            if usage and (read := read_usage(usage)) is not None:
                return part, _numbers(usage), read
    return None


def status_error(status: Any) -> str | None:
    """Return an HTTP status as an error's name, None for one that is no error."""
    code = whole_number(status)
    return str(code) if code is not None and (code >= 400 or code < 0) else None


def first(record: Mapping[str, Any], paths: tuple[str, ...]) -> Any:
    """Return what stands at the first of the paths that leads to something; a name may itself contain dots."""
    for path in paths:
        found = record[path] if path in record else at(record, path) if "." in path else None
        if found not in (None, ""):
            return found
    return None


def _numbers(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {name: _numbers(inner) for name, inner in value.items()}
        return {name: inner for name, inner in kept.items() if inner is not None}
    if isinstance(value, list):
        return [_numbers(item) for item in value[:16]]
    if isinstance(value, str):
        return value if len(value) <= _MAX_WORD_CHARS else None
    return value
