"""The data folder's inbox: what `costspan run` recorded while no server answered, one OTLP/JSON request a line."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from costspan.core.errors import PermanentError
from costspan.server.pipeline.pipeline import Pipeline

INBOX: Final = "inbox"
REFUSED: Final = ".refused"
_RECORDING: Final = re.compile(r"run-\d+-(?P<pid>\d+)\.jsonl")
_JSON: Final = "application/json"

_log = logging.getLogger("costspan.inbox")


def recordings(data: Path) -> list[Path]:
    """Return the files that wait in the inbox of folder `data`, oldest first."""
    return sorted((data / INBOX).glob("*.jsonl"))


def take_inbox(data: Path, pipeline: Pipeline) -> int:
    """Take every waiting recording and return how many calls were new.

    A file goes once its program has ended and its calls are durable; until then it is read again, which counts nothing
    twice. Lines that cannot be read are kept in a file beside it that ends in `.refused`.
    """
    calls = 0
    for path in recordings(data):
        ended = not _still_written(path)
        refused = []
        for number, line in _whole_lines(path):
            try:
                calls += pipeline.take(line, _JSON).calls
            except PermanentError as error:
                _log.warning("%s:%d was not taken: %s", path, number, error)
                refused.append(line)
        if refused:
            path.with_suffix(REFUSED).write_bytes(b"".join(refused))
        if ended:
            path.unlink()
    return calls


def _whole_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield the lines that were written to their end; the last one may still be on its way."""
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if line.endswith(b"\n") and line.strip():
                yield number, line


def _still_written(path: Path) -> bool:
    named = _RECORDING.fullmatch(path.name)
    if named is None:
        return False
    try:
        os.kill(int(named["pid"]), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
