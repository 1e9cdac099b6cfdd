"""Attributes as both encodings carry them, and the small readings every OTLP/JSON decoder shares.

The two encodings of one value give equal Python values, so that what is hashed from them is equal too.
"""

from __future__ import annotations

import binascii
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec
from google.protobuf.message import DecodeError

from costspan.core.errors import MalformedRecord
from costspan.core.record import AttributeValue, Scope
from costspan.server.pipeline import views

DAMAGED_RESOURCE: Final = "its resource is cut off or holds text that is not UTF-8"
MAX_DEPTH: Final = 16
"""Nesting of attribute values that is read; deeper ones are dropped, so that no payload can exhaust the stack."""


MAX_KNOWN: Final = 16_384
MAX_VALUES_OF_A_NAME: Final = 256
MAX_KNOWN_BYTES: Final = 128
"""Attributes remembered with their encoding, and the longest of those: at most about 6 MB."""


_NAME_FIRST: Final = b"\n"
_VALUE_NEXT: Final = 0x12
_TEXT_FIRST: Final = 0x0A
_LONG: Final = 128
"""The wire form of a KeyValue begins with the tag of field 1 and, in one byte below this, the length of the name; then
comes the tag of the value, its length, and in it first the tag of what kind it is."""


class _Known(dict[bytes, tuple[str, AttributeValue]]):
    """KeyValue as encoded -> name and value. Emitters repeat most attributes from span to span, byte for byte.

    Of a name with ever new values, such as an id or a count, no more are remembered after the first ones.
    """

    def __init__(self) -> None:
        super().__init__()
        self._values_of: dict[str, int] = {}
        self._varying: dict[bytes, str] = {}

    def __missing__(self, encoded: bytes) -> tuple[str, AttributeValue]:
        if len(encoded) > MAX_KNOWN_BYTES:
            return _read(encoded, 0)
        named = _ever_new(encoded, self._varying)
        if named is None:
            named = _read(encoded, 0)
            if len(self) >= MAX_KNOWN:
                self._forget()
            self[encoded] = named
            self._count(named[0])
        return named

    def _count(self, name: str) -> None:
        values = self._values_of[name] = self._values_of.get(name, 0) + 1
        if values == MAX_VALUES_OF_A_NAME:
            encoded = name.encode()
            if len(encoded) < _LONG:
                self._varying[_NAME_FIRST + bytes((len(encoded),)) + encoded] = name

    def _forget(self) -> None:
        for memory in (self, self._values_of, self._varying):
            memory.clear()


def _ever_new(encoded: bytes, varying: Mapping[bytes, str]) -> tuple[str, AttributeValue] | None:
    """Return a short KeyValue whose name is known to have ever new values, of which the value alone is parsed, or None.

    Looked for is its usual wire form: name, then the value's tag and its length in a byte, then the value and no more.
    """
    length = len(encoded)
    named = 2 + encoded[1] if length > 2 else 0
    name, start = varying.get(encoded[:named]), named + 2
    if name is None or start > length or encoded[named] != _VALUE_NEXT or encoded[start - 1] != length - start:
        return None
    text = start + 2
    if text <= length and encoded[start] == _TEXT_FIRST and encoded[start + 1] == length - text:
        return name, _text(encoded[text:])
    value = views.AnyValue.FromString(encoded[start:])
    return name, value.int_value or protobuf_value(value)


def _text(encoded: bytes) -> str:
    try:
        return encoded.decode()
    except UnicodeDecodeError as error:
        raise DecodeError(f"not UTF-8: {error.reason}") from None


_known: Final = _Known().__getitem__


def protobuf_attributes(encoded: Iterable[bytes]) -> dict[str, AttributeValue]:
    """Return KeyValues as plain values; of a name sent twice the last. Raise DecodeError for a damaged one."""
    return dict(map(_known, encoded))


def protobuf_resource(resource: Any) -> dict[str, AttributeValue]:
    """Return the attributes of a resource. Raise MalformedRecord for a damaged one, and so for all that is of it."""
    try:
        return protobuf_attributes(resource.attributes)
    except DecodeError:
        raise MalformedRecord(DAMAGED_RESOURCE) from None


def encoded_name(encoded: bytes) -> bytes:
    """Return the name of an encoded KeyValue. Raise DecodeError for a damaged one."""
    if encoded[:1] == _NAME_FIRST and len(encoded) > 1 and encoded[1] < _LONG:
        return encoded[2 : 2 + encoded[1]]
    name: str = views.KeyValue.FromString(encoded).key
    return name.encode()


def _read(encoded: bytes, depth: int) -> tuple[str, AttributeValue]:
    sent = views.KeyValue.FromString(encoded)
    value = sent.value
    # Of a oneof only what is held is other than empty, and asking which it is costs as much as both looks.
    return sent.key, value.string_value or value.int_value or protobuf_value(value, depth)


def protobuf_value(value: Any, depth: int = 0) -> AttributeValue:
    """Return a view's AnyValue as a plain value."""
    which = value.WhichOneof("value")
    if which is None or depth > MAX_DEPTH:
        return None
    held = getattr(value, which)
    if which == "array_value":
        return tuple([protobuf_value(item, depth + 1) for item in held.values])
    if which == "kvlist_value":
        return dict(_read(encoded, depth + 1) for encoded in held.attributes)
    plain: AttributeValue = held
    return plain


class JsonScope(msgspec.Struct):
    """An instrumentation scope."""

    name: str = ""
    version: str = ""


class JsonKeyValue(msgspec.Struct):
    """One attribute."""

    key: str = ""
    value: Any = None


class JsonResource(msgspec.Struct):
    """A resource: its attributes."""

    attributes: Sequence[JsonKeyValue] | None = None


def scope_of(sent: JsonScope | None) -> Scope:
    """Return the scope as sent, empty where there is none."""
    return Scope(sent.name, sent.version) if sent else Scope()


def json_attributes(sent: Sequence[JsonKeyValue] | None, depth: int = 0) -> dict[str, AttributeValue]:
    """Return OTLP/JSON attributes as plain values."""
    return {item.key: json_value(item.value, depth) for item in sent or ()}


def json_value(sent: Any, depth: int = 0) -> AttributeValue:
    """Return an OTLP/JSON AnyValue as a plain value, None for what is none."""
    if not isinstance(sent, dict) or depth > MAX_DEPTH:
        return None
    return next((_held(kind, held, depth) for kind, held in sent.items() if kind in _KINDS), None)


_KINDS: Final = frozenset(
    ("stringValue", "boolValue", "intValue", "doubleValue", "arrayValue", "kvlistValue", "bytesValue")
)


def _held(kind: str, held: Any, depth: int) -> AttributeValue:
    match kind, held:
        case ("stringValue", str(text)):
            return text
        case ("boolValue", bool(truth)):
            return truth
        case ("doubleValue", int() | float() | str()):
            return _double(held)
        case ("intValue", int() | str()):
            return _integer(held)
        case ("arrayValue", dict()):
            return tuple([json_value(item, depth + 1) for item in _items(held)])
        case ("kvlistValue", dict()):
            return _members(_items(held), depth + 1)
        case ("bytesValue", str()):
            return _bytes(held)
    return None


def _items(held: dict[str, Any]) -> list[Any]:
    items = held.get("values")
    return items if isinstance(items, list) else []


def _members(sent: list[Any], depth: int) -> Mapping[str, AttributeValue]:
    return {str(item.get("key")): json_value(item.get("value"), depth) for item in sent if isinstance(item, dict)}


def _integer(sent: int | str) -> AttributeValue:
    try:
        return int(sent)
    except ValueError:
        return sent


def _double(sent: float | str) -> AttributeValue:
    try:
        return float(sent)
    except (ValueError, OverflowError):
        return None


def _bytes(sent: str) -> AttributeValue:
    try:
        return binascii.a2b_base64(sent)
    except (binascii.Error, ValueError):
        return None


def hex_id(sent: str, field: str) -> str:
    """Return an id in lower-case hex; raise MalformedRecord when it is no hex."""
    try:
        return binascii.unhexlify(sent).hex()
    except (binascii.Error, ValueError):
        raise MalformedRecord(f"{field} is not hexadecimal") from None


def whole_ns(sent: int | str) -> int:
    """Return a time in nanoseconds; raise MalformedRecord when it is none."""
    try:
        return int(sent)
    except ValueError:
        raise MalformedRecord("a time is not a whole number of nanoseconds") from None
