"""DuckDB's write-ahead log from outside: where its chain of entries ends, and whether commits lie beyond the break.

After a crash the log may end in the middle of a write, which was never acknowledged; DuckDB drops that silently. It
drops as silently all that follows a damaged length or a zeroed sector. The one is told from the other here: every
commit ends in the same few bytes, so a tail that has them held commits.

Format, as DuckDB 1.5 and 2.x write it in storage version v1.5.0: a header of tagged fields, then entries of a length
and a checksum of 8 bytes each and as many bytes as the length says.
"""

from __future__ import annotations

import mmap
import re
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_ENTRY: Final = struct.Struct("<QQ")
_VARINT: Final = rb"[\x80-\xff]*[\x00-\x7f]"
_HEADER: Final = re.compile(
    rb"\x64\x00\x62\x65\x00" + _VARINT + rb"\x66\x00\x10(" + _VARINT * 16 + rb")\x67\x00" + _VARINT + rb"\xff\xff",
    re.DOTALL,
)
"""Kind of entry, version of the log, identity of the file it belongs to, count of checkpoints."""
_FILE_HEADER_BYTES: Final = 4096
_NOBODY: Final = b"\xff" * 16
_COMMIT: Final = re.compile(rb"\x05\x00{7}.{8}\x64\x00\x64\xff\xff", re.DOTALL)
"""The entry that ends a commit: five bytes that are always the same."""


@dataclass(frozen=True, slots=True)
class Chain:
    """How far a log can be followed: up to `end_bytes` of `size_bytes`, beyond which `commits_beyond` commits lie."""

    end_bytes: int
    size_bytes: int
    commits_beyond: int
    has_header: bool = True


def log_of(path: Path) -> Path:
    """Return the log that belongs to a ledger file."""
    return path.with_name(f"{path.name}.wal")


def follow(path: Path) -> Chain:
    """Return how far the log of a ledger file can be followed; one that is not there, or is empty, ends at 0.

    The engine drops a log that names another file as silently as a damaged one.
    """
    log = log_of(path)
    if not log.exists() or not (size := log.stat().st_size):
        return Chain(0, 0, 0)
    with log.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as held:
        header = _HEADER.match(held)
        if header and (_identity(header[1]) or _NOBODY) not in _head_of(path):
            header = None
        end = header.end() if header else 0
        while header and end + _ENTRY.size <= size:
            length, _ = _ENTRY.unpack_from(held, end)
            if not 0 < length <= size - end - _ENTRY.size:
                break
            end += _ENTRY.size + length
        return Chain(end, size, commits_from(held, end), header is not None)


def _identity(written: bytes) -> bytes | None:
    """Return the 16 bytes of a file's identity, each of which the log writes in one byte or two; None for no bytes."""
    identity, value, shift = bytearray(), 0, 0
    for byte in written:
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            if value > 0xFF:
                return None
            identity.append(value)
            value = shift = 0
    return bytes(identity)


def _head_of(path: Path) -> bytes:
    if not path.exists():
        return b""
    with path.open("rb") as file:
        return file.read(_FILE_HEADER_BYTES)


def header_of(held: bytes) -> bytes:
    """Return the header of a log, nothing where it has none."""
    header = _HEADER.match(held)
    return header[0] if header else b""


def commits_from(held: bytes | mmap.mmap, start: int) -> int:
    """Return how many commits end after `start`."""
    return sum(1 for _ in _COMMIT.finditer(held, start))
