"""Requests for the doors, most of them broken: the corpus cut, spliced, flipped, mislabelled and squeezed."""

from __future__ import annotations

import gzip
import random
import re
import sys
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

CASES = Path(__file__).parent.parent / "corpus" / "cases"
PAYLOAD = re.compile(r"\d\d-(traces|logs|metrics)\.(pb|json)")
CONTENT_TYPES = {"pb": "application/x-protobuf", "json": "application/json"}
ODD_TYPES = ("", "text/plain", "application/json; charset=utf-16", "application/grpc", "application/x-protobuf;;")
ODD_ENCODINGS = ("br", "gzip, gzip", "GZIP", "", "identity")
INTERESTING = (
    b"\0",
    b"\xff",
    b"\x7f",
    b"\x80",
    b'"',
    b"\\",
    b"{",
    b"[",
    b"]",
    b"}",
    b"gen_ai.",
    b"\\ud800",
    b"1e999",
    b"-",
)
SMALL_BYTES = 60_000
"""Large bodies say nothing that small ones do not, and a hundred of them take the time of thousands."""


@dataclass(frozen=True, slots=True)
class Sent:
    """One request; `number` makes it again from the same seed."""

    number: int
    signal: str
    content_type: str
    encoding: str
    body: bytes


def seeds() -> list[tuple[str, str, bytes]]:
    """Return signal, content type and body of every small payload in the corpus."""
    return [
        (named[1], CONTENT_TYPES[named[2]], path.read_bytes())
        for path in sorted(CASES.glob("*/*"))
        if (named := PAYLOAD.fullmatch(path.name)) and path.stat().st_size < SMALL_BYTES
    ]


def requests(seed: int, count: int) -> Iterator[Sent]:
    """Yield requests; the same seed gives the same ones."""
    known = seeds()
    for number in range(count):
        yield request(known, seed, number)


def request(known: list[tuple[str, str, bytes]], seed: int, number: int) -> Sent:
    """Return one request."""
    chance = random.Random(f"{seed}/{number}")
    signal, content_type, body = chance.choice(known)
    for _ in range(chance.choice((0, 1, 1, 1, 2, 3, 8))):
        body = chance.choice(MUTATIONS)(body, chance, known)
    if chance.random() < 0.05:
        signal = chance.choice(("traces", "logs", "metrics"))
    if chance.random() < 0.05:
        content_type = chance.choice((*CONTENT_TYPES.values(), *ODD_TYPES))
    encoding, packed = _packed(body, chance)
    return Sent(number, signal, content_type, encoding, packed)


def _packed(body: bytes, chance: random.Random) -> tuple[str, bytes]:
    encoding = chance.choice(("identity", "identity", "gzip", "deflate", "zstd"))
    packed = {"gzip": gzip.compress, "deflate": zlib.compress, "zstd": zstd.compress}.get(encoding, bytes)(body)
    if chance.random() < 0.1:
        packed = chance.choice((flip, cut, insert))(packed, chance, [])
    if chance.random() < 0.03:
        encoding = chance.choice((*ODD_ENCODINGS, "gzip", "deflate", "zstd"))
    return encoding, packed


Mutation = Callable[[bytes, random.Random, list[tuple[str, str, bytes]]], bytes]


def flip(body: bytes, chance: random.Random, _: object) -> bytes:
    """Change some bits."""
    changed = bytearray(body)
    for _ in range(chance.choice((1, 1, 4, 32)) if changed else 0):
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def cut(body: bytes, chance: random.Random, _: object) -> bytes:
    """Leave a part out."""
    start, end = sorted((chance.randrange(len(body) + 1), chance.randrange(len(body) + 1)))
    return body[:start] + body[end:] if chance.random() < 0.5 else body[:start]


def insert(body: bytes, chance: random.Random, _: object) -> bytes:
    """Put something in."""
    place = chance.randrange(len(body) + 1)
    put = chance.choice((chance.choice(INTERESTING), chance.randbytes(4), chance.choice(INTERESTING) * 500))
    return body[:place] + put + body[place:]


def repeat(body: bytes, chance: random.Random, _: object) -> bytes:
    """Say a part several times."""
    start, end = sorted((chance.randrange(len(body) + 1), chance.randrange(len(body) + 1)))
    return body[:end] + body[start:end][:1000] * chance.choice((1, 3, 20)) + body[end:]


def splice(body: bytes, chance: random.Random, known: list[tuple[str, str, bytes]]) -> bytes:
    """Go on with another body."""
    other = chance.choice(known)[2] if known else b""
    return body[: chance.randrange(len(body) + 1)] + other[chance.randrange(len(other) + 1) :]


def numbers(body: bytes, chance: random.Random, _: object) -> bytes:
    """Change a number that stands in text."""
    found = list(re.finditer(rb"\d+", body))
    if not found:
        return body
    place = chance.choice(found)
    put = chance.choice(
        (b"-1", b"0", b"9" * 40, b"1e400", b"NaN", b"null", b"true", b"1.5", b'"x"', b"18446744073709551616")
    )
    return body[: place.start()] + put + body[place.end() :]


MUTATIONS: tuple[Mutation, ...] = (flip, flip, cut, insert, repeat, splice, numbers)
