"""The log of calls: a JSON line for each entry that counts and for each that is taken back, as they are posted.

A thread of its own follows the ledger, so telemetry never waits for the log. How far the log is, is kept beside the
ledger and moves only once the lines are on disk: after a crash the last lines may come again, none is left out. The
document of a line is described in docs/log-calls.md.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Final

import msgspec

from costspan.core.call import Role
from costspan.core.errors import ConfigError, StoreUnavailable
from costspan.server.analytics.calls import entry_document
from costspan.server.background import Background
from costspan.server.store.posted import Position, PostedLine, PostedReader

STDOUT: Final = Path("-")
CURSOR_FILE: Final = "log-calls.cursor"
SCHEMA: Final = "costspan.call.v1"
_LINES_A_READ: Final = 2_000
_LOOK_EVERY_S: Final = 1.0
_BEGINNING: Final = Position(datetime(1970, 1, 1, tzinfo=UTC), -1, 0)

_log = logging.getLogger("costspan.log_calls")


class CallLog:
    """Writes what is posted to `target`, a file or `-` for standard output, from where it was left.

    A file that was moved away is opened anew under its name, and every write goes to its end: both ways of rotating a
    log work without a signal.
    """

    def __init__(self, reader: PostedReader, target: Path, data: Path) -> None:
        """Raise ConfigError where the target cannot be written. The first log of a ledger begins with what comes."""
        self._reader = reader
        self._target = target
        self._cursor_file = data / CURSOR_FILE
        self._is_troubled = False
        self._file: BinaryIO | None = None
        try:
            self._opened()
            self._position = self._read_cursor() or reader.last_position() or _BEGINNING
            self._save_cursor()
        except (OSError, ValueError, msgspec.MsgspecError) as error:
            raise ConfigError(f"--log-calls {target}: {error}") from None
        self._following = Background("log-calls", self._look)

    def start(self) -> None:
        """Begin."""
        self._following.start()

    def stop(self) -> None:
        """Write what is posted by now and end. Blocks until done, or until the target refuses."""
        self._following.stop()
        self._look()
        if self._file is not None and self._target != STDOUT:
            self._file.close()

    def _look(self) -> float:
        try:
            while self._write_next():
                pass
        except (OSError, ValueError, StoreUnavailable) as error:
            if not self._is_troubled:
                _log.warning("calls are not logged for now, and follow later: %s", error)
            self._is_troubled = True
        else:
            self._is_troubled = False
        return _LOOK_EVERY_S

    def _write_next(self) -> bool:
        """Write the next lines; return whether there may be more."""
        posted = self._reader.posted_after(self._position, _LINES_A_READ)
        if not posted:
            return False
        lines = [log_line(line) for line in posted if line.entry.role is Role.OWNER]
        if lines:
            self._append(lines)
        self._position = posted[-1].position
        self._save_cursor()
        return len(posted) == _LINES_A_READ

    def _append(self, lines: Sequence[dict[str, Any]]) -> None:
        file = self._opened()
        try:
            file.write(msgspec.json.Encoder().encode_lines(lines))
            file.flush()
            if self._target != STDOUT:
                os.fsync(file.fileno())
        except OSError:
            if self._target != STDOUT:
                self._close()
            raise

    def _opened(self) -> BinaryIO:
        if self._target == STDOUT:
            return sys.stdout.buffer
        if self._file is not None and not _is_at(self._target, self._file):
            self._close()
        if self._file is None:
            self._target.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._target.open("ab+")
            _end_cut_line(self._file)
        return self._file

    def _close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            with contextlib.suppress(OSError):
                file.close()

    def _read_cursor(self) -> Position | None:
        try:
            return msgspec.json.decode(self._cursor_file.read_bytes(), type=Position)
        except FileNotFoundError:
            return None

    def _save_cursor(self) -> None:
        beside = self._cursor_file.with_suffix(".tmp")
        beside.write_bytes(msgspec.json.encode(self._position))
        beside.replace(self._cursor_file)


def log_line(line: PostedLine) -> dict[str, Any]:
    """Return the document of one line. `sign` times `cost_usd`, summed over the lines, is what the ledger says."""
    entry = line.entry
    is_entry = line.position.sign > 0
    return {
        "schema": SCHEMA,
        "line_id": f"{entry.entry_id}{'+' if is_entry else '-'}",
        "kind": "call" if is_entry else "taken_back",
        "sign": line.position.sign,
        "call_id": entry.key,
        "reprice_run": line.run_id,
        "corrects_entry_id": line.corrects,
        **entry_document(entry),
    }


def _is_at(path: Path, file: BinaryIO) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False


def _end_cut_line(file: BinaryIO) -> None:
    """End a line that a crash cut off, so that it spoils none but itself."""
    if not file.seekable() or file.seek(0, os.SEEK_END) == 0:
        return
    file.seek(-1, os.SEEK_END)
    if file.read(1) != b"\n":
        file.write(b"\n")
