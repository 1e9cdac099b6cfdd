"""Calls and tool uses as bytes, for ledgers to keep as they were received."""

from __future__ import annotations

from dataclasses import MISSING, fields
from operator import attrgetter
from typing import Any, Final, get_type_hints

import msgspec

from costspan.core.call import Call
from costspan.core.tool import ToolUse

_ENCODER: Final = msgspec.msgpack.Encoder(enc_hook=dict)
_TOOL_DECODER: Final = msgspec.msgpack.Decoder(ToolUse)
_NAMED_DECODER: Final = msgspec.msgpack.Decoder(Call)
_ARRAY_16: Final = 0xDC
"""What an array of more than 15 values begins with (MessagePack specification)."""


def _listed() -> type[msgspec.Struct]:
    """Return a structure with the fields of `Call` in their order, which a new field joins at the end."""
    types = get_type_hints(Call)
    listed: list[Any] = []
    for item in fields(Call):
        if item.default is not MISSING:
            listed.append((item.name, types[item.name], item.default))
        elif item.default_factory is not MISSING:
            listed.append((item.name, types[item.name], msgspec.field(default_factory=item.default_factory)))
        else:
            listed.append((item.name, types[item.name]))
    return msgspec.defstruct("ListedCall", listed, array_like=True, frozen=True)


_call_facts: Final = attrgetter(*(item.name for item in fields(Call)))
_LISTED_DECODER: Final = msgspec.msgpack.Decoder(_listed())


def encode_call(call: Call) -> bytes:
    """Return a call as bytes that `decode_call` reads back."""
    return _ENCODER.encode(_call_facts(call))


def decode_call(encoded: bytes) -> Call:
    """Return the call `encode_call` wrote, today or when it still wrote the name of every field."""
    if encoded[0] == _ARRAY_16:
        return Call(**msgspec.structs.asdict(_LISTED_DECODER.decode(encoded)))
    return _NAMED_DECODER.decode(encoded)


def encode_use(use: ToolUse) -> bytes:
    """Return a tool use as bytes that `decode_use` reads back."""
    return _ENCODER.encode(use)


def decode_use(encoded: bytes) -> ToolUse:
    """Return the tool use `encode_use` wrote."""
    return _TOOL_DECODER.decode(encoded)
