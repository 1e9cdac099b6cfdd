"""Files of OTLP/JSON as collectors write them: one request a line, perhaps zipped, perhaps with other signals between.

Read lazily and in bounded pieces; what cannot be read is named by file and line, and the rest goes on.
"""

from __future__ import annotations

import gzip
import json
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import IO, Any, Final, cast

from costspan.core.errors import Unreachable

PIECE_SPANS: Final = 512
_WHOLE_FILE_BYTES: Final = 256 * 1024 * 1024
"""A file that is one document is held in memory, so its size is bounded; one request a line has no such bound."""
_SUFFIXES: Final = (".json", ".jsonl", ".ndjson", ".json.gz", ".jsonl.gz", ".ndjson.gz")
_OTHER_SIGNALS: Final = {"resourceLogs": "logs", "resourceMetrics": "metrics", "resourceProfiles": "profiles"}


@dataclass(slots=True)
class Input:
    """One file to read; `-` is standard input. `lines_read` grows while it is read."""

    name: str
    size_bytes: int
    lines_read: int = 0


@dataclass(frozen=True, slots=True)
class Piece:
    """At most 512 spans of one scope, as a `ResourceSpans` of OTLP/JSON."""

    place: str
    resource_spans: dict[str, Any]
    spans: int


@dataclass(frozen=True, slots=True)
class Problem:
    """A line that cannot be read."""

    place: str
    reason: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """A line of another signal."""

    signal: str


def inputs(paths: list[str]) -> list[Input]:
    """Return the files the paths name, folders searched; raise Unreachable for a path that is not there."""
    found: list[Input] = []
    for text in paths:
        path = Path(text)
        if text == "-":
            found.append(Input("-", 0))
        elif path.is_dir():
            inside = sorted(file for file in path.rglob("*") if file.is_file() and file.name.endswith(_SUFFIXES))
            found += [Input(str(file), file.stat().st_size) for file in inside]
        elif path.is_file():
            found.append(Input(text, path.stat().st_size))
        else:
            raise Unreachable(f"{text}: no such file or folder")
    return found


def read(source: Input, form: str) -> Iterator[Piece | Problem | Skipped]:
    """Yield what the file holds. `form` is `jsonl`, `otlp-json` (one document) or `auto`."""
    try:
        with _opened(source.name) as lines:
            for place, text in _requests(source, lines, form):
                yield from _read_request(place, text)
    except (OSError, EOFError, zlib.error) as error:
        yield Problem(source.name, f"cannot be read: {error}")


@contextmanager
def _opened(name: str) -> Iterator[IO[bytes]]:
    with nullcontext(sys.stdin.buffer) if name == "-" else Path(name).open("rb") as raw:
        reader = cast("BufferedReader", raw)
        is_gzip = reader.peek(2)[:2] == b"\x1f\x8b"
        yield cast("IO[bytes]", gzip.GzipFile(fileobj=reader)) if is_gzip else reader


def _requests(source: Input, lines: IO[bytes], form: str) -> Iterator[tuple[str, bytes]]:
    for line in lines:
        source.lines_read += 1
        if not line.strip():
            continue
        if form == "otlp-json" or (form == "auto" and source.lines_read == 1 and not _is_json(line)):
            rest = lines.read(_WHOLE_FILE_BYTES)
            if len(rest) == _WHOLE_FILE_BYTES:
                raise OSError("larger than 256 MiB and not one request a line")
            source.lines_read += rest.count(b"\n")
            yield from _whole(source.name, line, rest)
            return
        yield f"{source.name}:{source.lines_read}", line


def _whole(name: str, first: bytes, rest: bytes) -> Iterator[tuple[str, bytes]]:
    if _is_json(first + rest):
        yield name, first + rest
        return
    for number, line in enumerate((first + rest).splitlines(), start=1):
        if line.strip():
            yield f"{name}:{number}", line


def _is_json(text: bytes) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _read_request(place: str, text: bytes) -> Iterator[Piece | Problem | Skipped]:
    try:
        request = json.loads(text)
    except (ValueError, RecursionError) as error:
        yield Problem(place, f"no JSON: {error}")
        return
    if not isinstance(request, dict) or not request:
        yield Problem(place, "no OTLP request")
        return
    signal = next((name for key, name in _OTHER_SIGNALS.items() if key in request), None)
    if "resourceSpans" in request:
        yield from _pieces(place, request["resourceSpans"])
    elif signal:
        yield Skipped(signal)
    else:
        yield Problem(
            place, f"no OTLP request: it has neither resourceSpans nor another signal but {sorted(request)[:3]}"
        )


def _pieces(place: str, resources: Any) -> Iterator[Piece | Problem]:
    try:
        for resource in resources:
            for scope in resource.get("scopeSpans", ()):
                spans = scope["spans"]
                for start in range(0, len(spans), PIECE_SPANS):
                    part = spans[start : start + PIECE_SPANS]
                    yield Piece(place, {**resource, "scopeSpans": [{**scope, "spans": part}]}, len(part))
    except (AttributeError, KeyError, TypeError) as error:
        yield Problem(place, f"no OTLP trace request: {type(error).__name__} {error}")
