"""Foreign records as spans of OTLP/JSON, with ids made of what the source itself calls them.

The same record gives the same ids whenever and wherever it is read, so importing again changes nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, Final

from costspan.cli.importers.base import Piece
from costspan.core.clock import NS_PER_S, ns_from_utc
from costspan.core.record import STATUS_ERROR
from costspan.semconv.attributes import ABSURD, number

Value = str | int | float | bool | Sequence[str] | None

MAX_SAID_CHARS: Final = 256
"""What is longer is content, not a name, and is left where it is."""
_EARLIEST_S: Final = 946_684_800
"""2000-01-01: a number below it, in whatever unit, is no moment of a model call."""
_LATEST_S: Final = 4_102_444_800
_UNITS: Final = (1, 10**3, 10**6, 10**9)


def ids(kind: str, *identity: object) -> tuple[str, str]:
    """Return the trace id and the span id of what the source calls `identity`."""
    named = "\x1f".join(("costspan import", kind, *(str(part) for part in identity)))
    text = hashlib.sha256(named.encode("utf-8", "surrogatepass")).hexdigest()
    return text[:32], text[32:48]


def imported_call(
    place: str,
    emitter: tuple[str, str],
    span_ids: tuple[str, str],
    times_ns: tuple[int, int],
    attributes: Mapping[str, Value],
    *,
    parent_span_id: str | None = None,
    failed: bool = False,
) -> Piece:
    """Return one call as a piece.

    `emitter` is the service that made the call (or "") and the name of the scope; attributes that are None are left
    out.
    """
    service, scope = emitter
    span: dict[str, Any] = {
        "traceId": span_ids[0],
        "spanId": span_ids[1],
        "name": "chat",
        "kind": 3,
        "startTimeUnixNano": str(times_ns[0]),
        "endTimeUnixNano": str(max(times_ns)),
        "attributes": [{"key": key, "value": _any_value(said)} for key, said in attributes.items() if said is not None],
    }
    if parent_span_id:
        span["parentSpanId"] = parent_span_id
    if failed:
        span["status"] = {"code": STATUS_ERROR}
    return Piece(place, "traces", _resource(service), _scope(scope), [span])


def moment_ns(value: object) -> int | None:
    """Return a moment as nanoseconds since 1970: ISO 8601 (UTC where no zone is said), or seconds, ms, us or ns."""
    if isinstance(value, str) and not value.strip().replace(".", "", 1).isdecimal():
        try:
            said = datetime.fromisoformat(value.strip().removesuffix(" UTC"))
            return ns_from_utc(said if said.tzinfo else said.replace(tzinfo=UTC))
        except (ValueError, OverflowError):
            return None
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        said_number = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    for unit in _UNITS:
        if _EARLIEST_S * unit <= said_number <= _LATEST_S * unit:
            return int(said_number * (NS_PER_S // unit))
    return None


def said(value: object) -> str | None:
    """Return a name: a short text, or a number as text."""
    if isinstance(value, str):
        return value.strip() or None if len(value) <= MAX_SAID_CHARS else None
    return str(value) if isinstance(value, int) and not isinstance(value, bool) and abs(value) < ABSURD else None


def milliseconds_ns(value: object) -> int | None:
    """Return a duration in milliseconds, up to a day, as nanoseconds."""
    milliseconds = number(value)  # type: ignore[arg-type]
    return int(milliseconds * 1_000_000) if milliseconds and 0 < milliseconds <= 86_400_000 else None


def tags(found: Mapping[str, Any]) -> dict[str, Value]:
    """Return the names in a bag of metadata as tags; documents and texts of a sentence's length are left out."""
    return {f"costspan.tag.{key}": word for key, value in found.items() if (word := said(value)) and len(word) <= 128}


@lru_cache(maxsize=4096)
def _resource(service: str) -> Mapping[str, Any]:
    named = [{"key": "service.name", "value": {"stringValue": service}}] if service else []
    return {"resource": {"attributes": named}}


@lru_cache(maxsize=64)
def _scope(name: str) -> Mapping[str, Any]:
    return {"scope": {"name": name}}


def _any_value(value: Value) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        # A count beyond 64 bits is damage; as a text it is read as such and refused by name.
        return {"intValue": str(value)} if abs(value) < 2**63 else {"stringValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, str):
        return {"stringValue": value}
    return {"arrayValue": {"values": [{"stringValue": item} for item in value or ()]}}
