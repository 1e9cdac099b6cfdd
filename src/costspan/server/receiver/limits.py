"""How much one request may bring: bytes on the wire, bytes unpacked. A compression bomb stops at the bound."""

from __future__ import annotations

import sys
import zlib
from typing import Any, Final

from isal import isal_zlib

from costspan.core.errors import PermanentError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

MAX_WIRE_BYTES: Final = 20 * 1024 * 1024
"""What the OpenTelemetry Collector accepts by default (confighttp, max_request_body_size)."""
MAX_BODY_BYTES: Final = 64 * 1024 * 1024
MAX_MEMBERS: Final = 64
"""Compressed members in one body. Each costs a copy of what follows it, so a body of a million empty ones must stop."""

_GZIP: Final = 16 + zlib.MAX_WBITS
_DAMAGED: Final[Any] = (isal_zlib.error, zstd.ZstdError, ValueError, EOFError)
ENCODINGS: Final = ("identity", "gzip", "deflate", "zstd")


class TooLarge(PermanentError):
    """The request is larger than the receiver takes (HTTP 413)."""


class UnknownEncoding(PermanentError):
    """The Content-Encoding is none the receiver reads (HTTP 415)."""


class BrokenEncoding(PermanentError):
    """The body is not what its Content-Encoding says (HTTP 400)."""


def unpack(body: bytes, encoding: str) -> bytes:
    """Return the body without its Content-Encoding, at most MAX_BODY_BYTES of it."""
    encoding = encoding.strip().lower() or "identity"
    if encoding not in ENCODINGS:
        raise UnknownEncoding(f"Content-Encoding {encoding!r} is not read; use {', '.join(ENCODINGS)}")
    if encoding == "identity":
        return _within(body)
    parts: list[bytes] = []
    for _ in range(MAX_MEMBERS):
        part, body = _member(body, encoding, MAX_BODY_BYTES - sum(map(len, parts)))
        parts.append(part)
        if not body:
            return b"".join(parts)
    raise BrokenEncoding(f"{encoding} body has more than {MAX_MEMBERS} members")


def _member(body: bytes, encoding: str, room: int) -> tuple[bytes, bytes]:
    """Return one compressed member unpacked, and what follows it: gzip and zstd bodies may be several, joined."""
    decompressor = _decompressor(encoding, body)
    try:
        unpacked: bytes = decompressor.decompress(body, room + 1)
    except _DAMAGED as error:
        raise BrokenEncoding(f"body is not valid {encoding}: {error}") from None
    _within(unpacked, room)
    if not decompressor.eof:
        raise BrokenEncoding(f"{encoding} body is cut off")
    return unpacked, decompressor.unused_data


def _decompressor(encoding: str, body: bytes) -> Any:
    if encoding == "zstd":
        return zstd.ZstdDecompressor()
    if encoding == "gzip":
        return isal_zlib.decompressobj(_GZIP)
    # "deflate" means the zlib format (RFC 9110, 8.4.1.2), yet some senders leave its header out.
    has_header = len(body) > 1 and body[0] & 0x0F == 8 and (body[0] << 8 | body[1]) % 31 == 0
    return isal_zlib.decompressobj(zlib.MAX_WBITS if has_header else -zlib.MAX_WBITS)


def _within(body: bytes, room: int = MAX_BODY_BYTES) -> bytes:
    if len(body) > room:
        raise TooLarge(f"more than {MAX_BODY_BYTES} bytes unpacked")
    return body
