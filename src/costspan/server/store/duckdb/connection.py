"""Opening the ledger's file: the settings that make a commit durable and bounded, and errors a person can act on."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Final

import duckdb

from costspan.core.errors import StoreUnavailable, Unreachable
from costspan.server.store.duckdb.migrations import migrate
from costspan.server.store.duckdb.schema import DDL, SCHEMA_VERSION

LEDGER_FILE: Final = "ledger.duckdb"
MEMORY_LIMIT: Final = "1GB"

_SETTINGS: Final[dict[str, str | bool | int | float | list[str]]] = {
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
    try:
        data.mkdir(parents=True, exist_ok=True)
        settings = {key: value for key, value in _SETTINGS.items() if not (read_only and key == "checkpoint_threshold")}
        connection = duckdb.connect(str(path), read_only=read_only, config=settings)
    except OSError as error:
        raise Unreachable(f"cannot open the data folder {data}: {error.strerror}") from error
    except duckdb.IOException as error:
        raise Unreachable(_why(path, error)) from error
    except duckdb.Error as error:
        raise StoreUnavailable(f"cannot open {path}: {error}") from error
    if not _bring_to_schema(connection, path, read_only=read_only):
        # Read by columns it does not have yet: brought to the current schema first, which needs the file for writing.
        connection.close()
        open_ledger_file(data).close()
        return open_ledger_file(data, read_only=True)
    return connection


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


def _why(path: Path, error: duckdb.IOException) -> str:
    text = str(error)
    if "lock" in text.lower():
        return f"{path} is held by another process, most likely a running costspan serve; ask that with --url"
    return f"cannot open {path}: {text.splitlines()[0]}"
