"""Bringing the file of an earlier costspan to the current schema: in one transaction, and nothing it says is lost.

Tables that are new in a version are made by `schema.DDL`, which runs first; version 5 added those of alerting.
"""

from __future__ import annotations

from typing import Final

import duckdb
import msgspec
from arro3.core import DataType

from costspan.server.store.duckdb import rollups
from costspan.server.store.duckdb.arrow import registered
from costspan.server.store.duckdb.schema import CORRECTION, SCHEMA_VERSION

_SPACE: Final = 2**56
"""Adjusted count times what is kept of the sampled calls; see `semconv.sampling`."""


class _Provider(msgspec.Struct):
    provider: str | None = None


_PROVIDER: Final = msgspec.msgpack.Decoder(_Provider)


def migrate(connection: duckdb.DuckDBPyConnection, version: int) -> None:
    """Run every step after `version`; a step that fails leaves the file as it was."""
    connection.execute("BEGIN TRANSACTION")
    try:
        if version < 2:
            _to_2(connection)
        if version < 3:
            _to_3(connection)
        if version < 4:
            _to_4(connection)
        # 7: the tables of a reconciliation, which are made where they are not there.
        if version < 8:
            rollups.add_up_users(connection)
        connection.execute("INSERT INTO ledger_schema VALUES (?)", [SCHEMA_VERSION])
        connection.execute("COMMIT")
    except Exception:
        connection.execute("ROLLBACK")
        raise


def _to_2(connection: duckdb.DuckDBPyConnection) -> None:
    """Add what re-pricing needs: the provider as sent, the sampling ratio, and what names a correction."""
    for name, sql_type in {"sent_provider": "VARCHAR", "kept": "BIGINT", "kept_of": "BIGINT", **CORRECTION}.items():
        connection.execute(f"ALTER TABLE calls ADD COLUMN IF NOT EXISTS {name} {sql_type}")
    connection.execute(
        "UPDATE calls SET kept = round(?::HUGEINT / adjusted_count)::BIGINT, kept_of = ? WHERE adjusted_count > 0",
        [_SPACE, _SPACE],
    )
    # Only an entry whose provider no price list resolved shows it as sent; of the others the record remembers it.
    rows = connection.execute("SELECT key::VARCHAR, call FROM records WHERE call IS NOT NULL").fetchall()
    sent = [(key, _PROVIDER.decode(call).provider) for key, call in rows]
    keys, providers = zip(*sent, strict=True) if sent else ((), ())
    with registered(connection, "sent", {"key": (keys, DataType.string()), "provider": (providers, DataType.string())}):
        connection.execute("UPDATE calls SET sent_provider = s.provider FROM sent s WHERE calls.key = s.key::UUID")


def _to_3(connection: duckdb.DuckDBPyConnection) -> None:
    """Add what lets an entry stand for its record, and take from the charges what their entries say.

    The entries of before have their records in `records`.
    """
    for name, sql_type in {"as_received": "BOOLEAN", "started_ns": "SMALLINT", "trace_state": "VARCHAR"}.items():
        connection.execute(f"ALTER TABLE calls ADD COLUMN IF NOT EXISTS {name} {sql_type}")
    for name in ("rate_id", "card_version"):
        connection.execute(f"ALTER TABLE charges DROP COLUMN IF EXISTS {name}")
    connection.execute("ALTER TABLE charges ALTER COLUMN list_cost DROP NOT NULL")


def _to_4(connection: duckdb.DuckDBPyConnection) -> None:
    """Add the tenant. What was there before is nobody's in particular."""
    for table in ("calls", "tools"):
        connection.execute(f"ALTER TABLE {table} ADD COLUMN IF NOT EXISTS tenant VARCHAR")
