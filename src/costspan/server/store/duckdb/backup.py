"""A consistent copy of the ledger's file while it is written, and the way back.

Between two checkpoints commits go to the log alone and nothing the last checkpoint wrote is overwritten. So a copy is:
a checkpoint, no further one until the file is copied. What is committed meanwhile is in the next copy.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Final

import duckdb

from costspan.core.errors import Unreachable, UsageError
from costspan.server.store.duckdb.connection import LEDGER_FILE, SETTINGS, open_ledger_file
from costspan.server.store.duckdb.verify import verify
from costspan.server.store.duckdb.wal import log_of
from costspan.server.store.duckdb.writer import Writer
from costspan.server.store.upkeep import Manifest

_LOOK_S: Final = 0.2
_COPY: Final = """
import os, shutil, sys
with open(sys.argv[1], "rb") as source, open(sys.argv[2], "xb") as target:
    shutil.copyfileobj(source, target, 4 * 1024 * 1024)
    target.flush()
    os.fsync(target.fileno())
"""
_COUNTED: Final = ("calls", "charges", "records", "tools", "rollups")
_COST: Final = "SELECT coalesce(sum(sign * cost), 0)::HUGEINT FROM calls WHERE role = 'owner'"


def begin(writer: Writer) -> Manifest:
    """Bring all that is committed into the file, hold back further checkpoints, and say what the file holds."""
    writer.connection.execute("SET checkpoint_threshold = '1000TB'")
    writer.is_copied = True
    writer.connection.execute("CHECKPOINT")
    return manifest(writer.connection)


def end(writer: Writer) -> None:
    """Let the file be written again."""
    writer.is_copied = False
    writer.connection.execute(f"SET checkpoint_threshold = '{SETTINGS['checkpoint_threshold']}'")


def copy(source: Path, target: Path, progress: Callable[[float], None]) -> None:
    """Copy a file to where none is, durably. Raise Unreachable where that fails, UsageError where one is.

    A process of its own does it: a POSIX lock on a file goes when its process closes any descriptor of that file, so
    reading the ledger here would let another process take it.
    """
    size = source.stat().st_size
    if target.exists():
        raise UsageError(f"{target} is there already; name another file")
    if shutil.disk_usage(target.parent).free < size:
        raise Unreachable(f"there is no room for {size:,} bytes in {target.parent}")
    copying = subprocess.Popen(  # noqa: S603 - this interpreter, this program, two paths
        [sys.executable, "-I", "-c", _COPY, str(source), str(target)], stderr=subprocess.PIPE, text=True
    )
    while copying.poll() is None:
        with suppress(subprocess.TimeoutExpired):
            copying.wait(_LOOK_S)
        with suppress(FileNotFoundError):
            progress(min(1.0, target.stat().st_size / max(size, 1)))
    _, said = copying.communicate()
    if copying.returncode:
        raise Unreachable(
            f"{source} could not be copied: {said.strip().splitlines()[-1] if said.strip() else 'killed'}"
        )


def manifest(connection: duckdb.DuckDBPyConnection) -> Manifest:
    """Return what a ledger holds, in rows and dollars."""
    rows = {}
    for table in _COUNTED:
        [(rows[table],)] = connection.execute(f"SELECT count(*) FROM {table}").fetchall()
    [(cost,)] = connection.execute(_COST).fetchall()
    return Manifest(rows, int(cost))


def manifest_of(file: Path) -> Manifest:
    """Return what a copy holds. Raise Unreachable where it is no ledger, or does not add up."""
    if not file.is_file():
        raise Unreachable(f"there is no file {file}")
    try:
        with duckdb.connect(str(file), read_only=True, config={"enable_external_access": "false"}) as connection:
            verdict = verify(connection, lambda _: None)
            if not verdict.is_well:
                raise Unreachable(f"{file} does not add up: {verdict.findings[0].what}")
            return manifest(connection)
    except duckdb.Error as error:
        raise Unreachable(f"{file} is no ledger of costspan ({str(error).splitlines()[0]})") from None


def restore(file: Path, data: Path, now: datetime, *, replaces: bool) -> tuple[Manifest, Path | None]:
    """Put a copy where a ledger belongs; return what it holds and where the ledger went that was there.

    Raise UsageError where there is one and `replaces` is not said, Unreachable where it is held or the copy is none.
    """
    found = manifest_of(file)
    path = data / LEDGER_FILE
    aside = None
    if path.exists():
        if not replaces:
            raise UsageError(f"there is a ledger in {data} already; --replace puts it aside")
        # Opened once, so that a process that holds it is noticed and its log is in the file.
        open_ledger_file(data).close()
        aside = path.with_name(f"{LEDGER_FILE}.before-{now:%Y%m%d-%H%M%S}")
    data.mkdir(parents=True, exist_ok=True)
    incoming = path.with_name(f"{LEDGER_FILE}.incoming")
    incoming.unlink(missing_ok=True)
    copy(file, incoming, lambda _: None)
    if aside is not None:
        path.rename(aside)
        log_of(path).unlink(missing_ok=True)
    incoming.rename(path)
    return found, aside
