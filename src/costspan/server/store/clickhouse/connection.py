"""Reaching a ClickHouse server: its address, the settings that make an insert durable, errors a person can act on."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final, cast
from urllib.parse import parse_qsl, unquote, urlsplit

from costspan.core.errors import ConfigError, PermanentError, StoreUnavailable, Unreachable
from costspan.server.store.clickhouse.schema import CONTROL, LEDGER, SCHEMA_VERSION, ddl

try:
    import clickhouse_connect
    from clickhouse_connect.driver.client import Client
    from clickhouse_connect.driver.exceptions import ClickHouseError, DataError, ProgrammingError
    from urllib3.exceptions import HTTPError
except ImportError as missing:
    raise Unreachable("a ledger on ClickHouse needs: pip install 'costspan[server,clickhouse]'") from missing

SCHEMES: Final = {"clickhouse": False, "clickhouses": True}
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")
_UNFIT: Final = re.compile(r"Code: (6|27|53|69|70|349|386)\b")
"""A value of the insert is at fault: the same insert fails every time."""
_SETTINGS: Final[Mapping[str, Any]] = {
    # What telemetry says of its own time decides the months of one insert.
    "max_partitions_per_insert_block": 0,
    "async_insert": 0,
    # As other engines join: what is not there is null, not "" or 0.
    "join_use_nulls": 1,
    # A batch names what it looks for in the statement itself.
    "max_query_size": 64 * 1024 * 1024,
}
_ON_A_CLUSTER: Final[Mapping[str, Any]] = {
    "insert_quorum": "auto",
    "insert_quorum_parallel": 0,
    "select_sequential_consistency": 1,
    "distributed_foreground_insert": 1,
    "distributed_product_mode": "global",
}
"""What was committed is on most replicas, and every replica that answers has it."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a ledger is: `clickhouse://user:password@host:port/database?secure=1&cluster=NAME`."""

    host: str
    port: int
    database: str
    user: str = "default"
    password: str = ""
    secure: bool = False
    cluster: str | None = None

    def __str__(self) -> str:
        """Return the address without the password."""
        return f"clickhouse{'s' if self.secure else ''}://{self.host}:{self.port}/{self.database}"


def parse_target(url: str) -> Target:
    """Return what a `--store` URL names. Raise ConfigError, without the password, for one that cannot be used."""
    parts = urlsplit(url)
    if parts.scheme not in SCHEMES or not parts.hostname:
        raise ConfigError("--store: clickhouse://user:password@host:8123/database is expected")
    options = dict(parse_qsl(parts.query))
    if unknown := options.keys() - {"secure", "cluster"}:
        raise ConfigError(f"--store: unknown option {min(unknown)!r}; known: cluster, secure")
    secure = SCHEMES[parts.scheme] or options.get("secure") in ("1", "true")
    database = parts.path.strip("/") or "costspan"
    for name in (database, options.get("cluster", "default")):
        if _NAME.fullmatch(name) is None:
            raise ConfigError(f"--store: {name!r} is no name of a database or cluster; use letters, digits and _")
    try:
        port = parts.port
    except ValueError as error:
        raise ConfigError(f"--store: {error}") from None
    return Target(
        host=parts.hostname,
        port=port or (8443 if secure else 8123),
        database=database,
        user=unquote(parts.username or "default"),
        password=unquote(parts.password or ""),
        secure=secure,
        cluster=options.get("cluster"),
    )


class Connection:
    """One server, asked from any thread. Raises StoreUnavailable where it does not answer, PermanentError for values it
    cannot hold."""

    def __init__(self, target: Target) -> None:
        self.target = target
        settings = {**_SETTINGS, **(_ON_A_CLUSTER if target.cluster else {})}
        try:
            with _client(target, {}, database=None) as first:
                on = f" ON CLUSTER {target.cluster}" if target.cluster else ""
                first.command(f"CREATE DATABASE IF NOT EXISTS {target.database}{on}")
            self._client = _client(target, settings, target.database)
            self._make_tables()
        except (ClickHouseError, HTTPError, OSError) as error:
            raise Unreachable(f"cannot open the ledger at {target}: {_first_line(error)}") from error

    def rows(
        self,
        query: str,
        values: Mapping[str, Any] | None = None,
        *,
        settings: Mapping[str, Any] | None = None,
        as_bytes: Iterable[str] = (),
    ) -> list[tuple[Any, ...]]:
        """Return what a question is answered with; the text columns `as_bytes` as they are."""
        formats: dict[str, str | dict[str, str]] = dict.fromkeys(as_bytes, "bytes")
        try:
            found = self._client.query(
                query, dict(values or {}), settings=dict(settings or {}), column_formats=formats or None
            )
            return [tuple(row) for row in found.result_rows]
        except (ClickHouseError, HTTPError, OSError) as error:
            raise StoreUnavailable(f"the ledger could not be read: {_first_line(error)}") from error

    def download(
        self, query: str, target: Path, values: Mapping[str, Any] | None = None, *, settings: Mapping[str, Any]
    ) -> None:
        """Write what a question is answered with to a Parquet file as it comes."""
        try:
            answer = self._client.raw_stream(query, dict(values or {}), settings=dict(settings), fmt="Parquet")
            with closing(cast("BinaryIO", answer)) as rows, target.open("wb") as file:
                shutil.copyfileobj(rows, file)
        except (ClickHouseError, HTTPError, OSError) as error:
            raise StoreUnavailable(f"the ledger could not be read: {_first_line(error)}") from error

    def insert(self, table: str, columns: Mapping[str, Sequence[Any]], *, token: str | None = None) -> None:
        """Add rows, column by column, durably. What was added under a token before is not added again, nor replaced."""
        kept = {**CONTROL, **LEDGER}[table]
        settings: dict[str, Any] = {} if token is None else {"insert_deduplication_token": token}
        if self.target.cluster and kept.has_many_writers:
            # One at a time a quorum is had, else; who reads these finds a little later what is not there yet.
            settings["insert_quorum_parallel"] = 1
        try:
            self._client.insert(
                table,
                list(columns.values()),
                column_names=list(columns),
                column_type_names=[kept.columns[name].partition(" DEFAULT ")[0] for name in columns],
                column_oriented=True,
                settings=settings,
            )
        except (ClickHouseError, HTTPError, OSError, TypeError, ValueError, OverflowError) as error:
            raise _refusal(error) from error

    def execute(
        self, statement: str, values: Mapping[str, Any] | None = None, *, settings: Mapping[str, Any] | None = None
    ) -> None:
        """Run a statement that answers nothing."""
        try:
            self._client.command(statement, dict(values or {}), settings=dict(settings or {}))
        except (ClickHouseError, HTTPError, OSError) as error:
            raise _refusal(error) from error

    def remove(self, table: str, condition: str) -> None:
        """Hide rows of a table from every question from now on; the disk gives them up as its parts are merged."""
        self.execute(f"DELETE FROM {self._kept_in(table)} WHERE {condition}")

    def drop_month(self, table: str, month: int) -> None:
        """Remove a month of a table, from disk too."""
        self.execute(f"ALTER TABLE {self._kept_in(table)} DROP PARTITION {month}")

    def _kept_in(self, table: str) -> str:
        if self.target.cluster is None:
            return table
        shard = "_shard" if LEDGER[table].shard_by else ""
        return f"{table}{shard} ON CLUSTER {self.target.cluster}"

    def close(self) -> None:
        """Let go of the server."""
        with suppress(ClickHouseError, HTTPError, OSError):
            self._client.close()

    def _make_tables(self) -> None:
        for statement in ddl(self.target.database, self.target.cluster):
            self._client.command(statement)
        [(version,)] = self._client.query("SELECT max(version) FROM ledger_schema").result_rows
        if version > SCHEMA_VERSION:
            raise Unreachable(
                f"{self.target} was written by a newer costspan (schema {version}); upgrade costspan to read it"
            )
        if version < SCHEMA_VERSION:
            self.insert("ledger_schema", {"version": [SCHEMA_VERSION]}, token=f"schema-{SCHEMA_VERSION}")


def hex_set(texts: Iterable[bytes]) -> str:
    """Return SQL of texts, as what `IN` takes. They are hex in the statement: nothing they say is read as SQL."""
    return f"(SELECT unhex({_each_of(texts)}))"


def key_set(keys: Iterable[bytes]) -> str:
    """Return SQL of keys and trace ids, as what `IN` takes: one that ends in zero bytes is not found by a text."""
    return f"(SELECT toFixedString(unhex({_each_of(keys)}), 16))"


def _each_of(values: Iterable[bytes]) -> str:
    return f"arrayJoin(splitByChar(',', '{','.join(sorted(value.hex() for value in values))}'))"


def _client(target: Target, settings: Mapping[str, Any], database: str | None) -> Client:
    return clickhouse_connect.get_client(
        host=target.host,
        port=target.port,
        username=target.user,
        password=target.password,
        secure=target.secure,
        database=database,
        settings=dict(settings),
        # Statements of several threads may run at once only where they belong to no session.
        autogenerate_session_id=False,
        form_encode_query_params=True,
        tz_source="server",
        tz_mode="aware",
        connect_timeout=5,
        send_receive_timeout=60,
    )


def _refusal(error: Exception) -> PermanentError | StoreUnavailable:
    text = _first_line(error)
    unfit = isinstance(error, (DataError, ProgrammingError, TypeError, ValueError, OverflowError))
    if unfit or _UNFIT.search(str(error)):
        return PermanentError(f"the ledger cannot hold this: {text}")
    return StoreUnavailable(f"the ledger could not be written: {text}")


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:300]
