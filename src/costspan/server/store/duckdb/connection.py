"""Opening the ledger's file: the settings that make a commit durable and bounded, and errors a person can act on."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Final

import duckdb

from costspan.core.errors import Unreachable
from costspan.server.store.duckdb.migrations import migrate
from costspan.server.store.duckdb.schema import DDL, SCHEMA_VERSION
from costspan.server.store.duckdb.wal import follow, log_of

LEDGER_FILE: Final = "ledger.duckdb"
HEADER_BYTES: Final = 3 * 4096
"""DuckDB's file header and its two database headers, before the first block."""
MEMORY_LIMIT: Final = "1GB"

SETTINGS: Final[dict[str, str | bool | int | float | list[str]]] = {
    # A file both DuckDB 1.5 and 2.x read and write, so that going back stays possible.
    "storage_compatibility_version": "v1.5.0",
    # At 16 MB, the default, checkpoints double the CPU per row and stall commits for about a second.
    "checkpoint_threshold": "256MB",
    "memory_limit": MEMORY_LIMIT,
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "enable_external_access": "false",
}

_log = logging.getLogger("costspan.store")


def open_ledger_file(data: Path, *, read_only: bool = False) -> duckdb.DuckDBPyConnection:
    """Return a connection to the ledger in folder `data`, made and brought to the current schema where needed.

    Raise Unreachable when there is nothing to read, another process holds it, or a newer costspan wrote it.
    """
    path = data / LEDGER_FILE
    if read_only and not path.exists():
        raise Unreachable(f"no ledger in {data}; start one with: costspan serve --data {data}")
    _check_log(path)
    try:
        data.mkdir(parents=True, exist_ok=True)
        settings = {key: value for key, value in SETTINGS.items() if not (read_only and key == "checkpoint_threshold")}
        was_open = log_of(path).exists()
        connection = duckdb.connect(str(path), read_only=read_only, config=settings)
    except OSError as error:
        raise Unreachable(f"cannot open the data folder {data}: {error.strerror}") from error
    except duckdb.Error as error:
        raise Unreachable(_why(path, error)) from error
    try:
        _check_length(connection, path, was_open=was_open)
        is_current = _bring_to_schema(connection, path, read_only=read_only)
    except duckdb.Error as error:
        connection.close()
        raise Unreachable(_why(path, error)) from error
    if not is_current:
        # Read by columns it does not have yet: brought to the current schema first, which needs the file for writing.
        connection.close()
        open_ledger_file(data).close()
        return open_ledger_file(data, read_only=True)
    return connection


def _check_log(path: Path) -> None:
    chain = follow(path)
    if chain.commits_beyond:
        raise Unreachable(
            f"{log_of(path)} is damaged at byte {chain.end_bytes}, with {chain.commits_beyond} commits beyond that; "
            f"to keep what lies before: costspan repair --data {path.parent}"
        )
    if torn_bytes := chain.size_bytes - chain.end_bytes:
        _log.info("the last %d bytes of the log were a write that a crash cut off, acknowledged to nobody", torn_bytes)


def _check_length(connection: duckdb.DuckDBPyConnection, path: Path, *, was_open: bool) -> None:
    # DuckDB reads blocks when they are needed, so it opens a file that lost its tail and fails a question later. Free
    # blocks need not be in the file, so only the used ones are counted, and a log that is replayed makes blocks that
    # are not there yet: a file is only judged where it was closed in order.
    if was_open:
        return
    [(blocks, block_bytes)] = connection.execute(
        "SELECT used_blocks, block_size FROM pragma_database_size()"
    ).fetchall()
    missing_bytes = HEADER_BYTES + blocks * block_bytes - path.stat().st_size
    if missing_bytes > 0:
        connection.close()
        raise Unreachable(f"{path} is cut off: {missing_bytes} bytes are missing; restore it from a backup")


def _bring_to_schema(connection: duckdb.DuckDBPyConnection, path: Path, *, read_only: bool) -> bool:
    """Return True when the file has the current schema now, False when it is older and may not be written."""
    if not read_only:
        for statement in DDL:
            connection.execute(statement)
    # fetchall, here and everywhere: since DuckDB 2.0 a result with rows left to fetch blocks its connection.
    [(version,)] = connection.execute("SELECT max(version) FROM ledger_schema").fetchall()
    if version is None and not read_only:
        connection.execute("INSERT INTO ledger_schema VALUES (?)", [SCHEMA_VERSION])
        _log.info("new ledger at %s", path)
    elif version is not None and version > SCHEMA_VERSION:
        connection.close()
        raise Unreachable(f"{path} was written by a newer costspan (schema {version}); upgrade costspan to read it")
    elif version is not None and version < SCHEMA_VERSION:
        if read_only:
            return False
        _log.info("bringing %s from schema %s to %s", path, version, SCHEMA_VERSION)
        migrate(connection, version)
    return True


def _why(path: Path, error: duckdb.Error) -> str:
    text = str(error)
    if "set lock on" in text or "used by another process" in text:
        return f"{path} is held by another process, most likely a running costspan serve; ask that with --url"
    if "WAL" in text or "checksum" in text:
        return f"{path} is damaged ({text.splitlines()[0]}); to keep what can be: costspan repair --data {path.parent}"
    return f"cannot open {path}: {text.splitlines()[0]}"
