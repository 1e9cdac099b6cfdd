"""Files as rows: JSON a line, a JSON array, one JSON document, CSV; zipped or not; lazily and in bounded pieces.

What cannot be read is named by file and line, and the rest goes on.
"""

from __future__ import annotations

import csv
import glob
import gzip
import io
import json
import os
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, BinaryIO, Final, cast

from costspan.cli.importers.base import Problem, Row
from costspan.core.errors import Unreachable

MAX_VALUE_BYTES: Final = 256 * 1024 * 1024
"""A document or a line is held in memory, so its size is bounded; how many there are is not."""
_CHUNK_CHARS: Final = 1 << 18
_SUFFIXES: Final = tuple(f".{kind}{packed}" for kind in ("json", "jsonl", "ndjson", "csv") for packed in ("", ".gz"))
_BOM: Final = b"\xef\xbb\xbf"


@dataclass(slots=True)
class Input:
    """One file to read; `-` is standard input. `lines_read` and `bytes_read` (as stored) grow while it is read."""

    name: str
    size_bytes: int
    lines_read: int = 0
    bytes_read: int = 0


def inputs(paths: list[str]) -> list[Input]:
    """Return the files the paths name: files, folders (searched) and patterns; each once.

    Raise Unreachable for a path that is not there.
    """
    found: dict[str, Input] = {}
    for text in paths:
        for path in [Path(text)] if text == "-" else _matching(text):
            if text == "-":
                found.setdefault(text, Input(text, 0))
            elif path.is_dir():
                inside = sorted(file for file in path.rglob("*") if file.is_file() and file.name.endswith(_SUFFIXES))
                for file in inside:
                    found.setdefault(str(file), Input(str(file), file.stat().st_size))
            else:
                found.setdefault(str(path), Input(str(path), path.stat().st_size))
    return list(found.values())


def rows(source: Input) -> Iterator[Row | Problem]:
    """Yield what a file holds."""
    try:
        with _opened(source) as file:
            yield from _rows(source, file)
    except (OSError, EOFError, zlib.error, csv.Error, UnicodeDecodeError) as error:
        yield Problem(source.name, f"cannot be read: {error}")


def _matching(text: str) -> list[Path]:
    path = Path(os.path.expandvars(text)).expanduser()
    if path.is_dir() or path.is_file():
        return [path]
    found = [Path(name) for name in sorted(glob.glob(str(path), recursive=True))]
    if not found:
        raise Unreachable(f"{text}: no such file or folder")
    return found


@contextmanager
def _opened(source: Input) -> Iterator[io.BufferedReader]:
    is_input = source.name == "-"
    with nullcontext(sys.stdin.buffer) if is_input else Path(source.name).open("rb") as raw:
        counted: io.BufferedReader = _buffered(_Counted(cast("BinaryIO", raw), source))
        is_gzip = counted.peek(2)[:2] == b"\x1f\x8b"
        yield _buffered(gzip.GzipFile(fileobj=counted)) if is_gzip else counted


def _buffered(raw: io.RawIOBase | gzip.GzipFile) -> io.BufferedReader:
    return cast("io.BufferedReader", io.BufferedReader(cast("io.RawIOBase", raw), 1 << 16))


class _Counted(io.RawIOBase):
    """Counts what is read from a file as it is stored."""

    def __init__(self, file: BinaryIO, source: Input) -> None:
        self._file = file
        self._source = source

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        read = getattr(self._file, "read1", self._file.read)(len(buffer))
        buffer[: len(read)] = read
        self._source.bytes_read += len(read)
        return len(read)


def _rows(source: Input, file: io.BufferedReader) -> Iterator[Row | Problem]:
    head = file.peek(4096)
    if head.startswith(_BOM):
        file.read(len(_BOM))
        head = head.removeprefix(_BOM)
    first = head.lstrip()[:1]
    if first != b"{" and source.name.removesuffix(".gz").endswith(".csv"):
        yield from _csv(source, file)
    elif first == b"[":
        yield from _array(source, file)
    else:
        yield from _lines(source, file)


def _lines(source: Input, file: IO[bytes]) -> Iterator[Row | Problem]:
    while line := file.readline(MAX_VALUE_BYTES):
        source.lines_read += 1
        if not line.strip():
            continue
        if len(line) == MAX_VALUE_BYTES:
            raise OSError(f"line {source.lines_read} is larger than 256 MiB")
        row = _row(f"{source.name}:{source.lines_read}", line)
        if source.lines_read == 1 and isinstance(row, Problem):
            yield from _document_or_lines(source, line, file)
            return
        yield row


def _document_or_lines(source: Input, line: bytes, file: IO[bytes]) -> Iterator[Row | Problem]:
    """Read a file whose first line is no JSON by itself: a document over many lines, or a damaged line and others."""
    if line.lstrip()[:1] == b"{" and not line.rstrip().endswith(b"}"):
        whole = line + file.read(MAX_VALUE_BYTES)
        if len(whole) >= MAX_VALUE_BYTES:
            raise OSError("larger than 256 MiB and not one JSON value a line")
        if isinstance(row := _row(source.name, whole), Row):
            source.lines_read = whole.count(b"\n") + 1
            yield row
            return
        for number, held in enumerate(whole.splitlines(), 1):
            source.lines_read = number
            if held.strip():
                yield _row(f"{source.name}:{number}", held)
    else:
        yield _row(f"{source.name}:1", line)
    yield from _lines(source, file)


def _array(source: Input, file: io.BufferedReader) -> Iterator[Row | Problem]:
    """Read the members of one array as rows; its own text is never held as a whole."""
    decoder, text, line = json.JSONDecoder(), io.TextIOWrapper(file, "utf-8", errors="replace"), 1
    held, at = text.read(_CHUNK_CHARS), 0
    at = held.index("[") + 1
    while True:
        at = _past(held, at, " \t\r\n,")
        if at < len(held) and held[at] == "]":
            source.lines_read = line + held.count("\n", 0, at)
            if held[at + 1 :].strip() or text.read(_CHUNK_CHARS).strip():
                yield Problem(f"{source.name}:{source.lines_read}", "there is more after the end of the array")
            return
        try:
            value, end = decoder.raw_decode(held, at)
        except (ValueError, RecursionError) as error:
            more = text.read(max(_CHUNK_CHARS, len(held) - at))
            if not more or len(held) - at > MAX_VALUE_BYTES:
                yield Problem(f"{source.name}:{line + held.count(chr(10), 0, at)}", f"no JSON: {error}")
                return
            line += held.count("\n", 0, at)
            held, at = held[at:] + more, 0
            continue
        source.lines_read = line + held.count("\n", 0, at)
        yield Row(f"{source.name}:{source.lines_read}", value)
        at = end


def _past(text: str, at: int, blanks: str) -> int:
    while at < len(text) and text[at] in blanks:
        at += 1
    return at


def _csv(source: Input, file: io.BufferedReader) -> Iterator[Row | Problem]:
    csv.field_size_limit(MAX_VALUE_BYTES)
    reader = csv.DictReader(io.TextIOWrapper(file, "utf-8", errors="replace", newline=""))
    for record in reader:
        source.lines_read = reader.line_num
        place = f"{source.name}:{reader.line_num}"
        if None in record:
            yield Problem(place, "more cells than the header has names")
        else:
            yield Row(place, {key: value for key, value in record.items() if value not in (None, "")})


def _row(place: str, text: bytes) -> Row | Problem:
    try:
        return Row(place, json.loads(text))
    except (ValueError, RecursionError) as error:
        return Problem(place, f"no JSON: {error}")
