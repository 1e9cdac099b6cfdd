"""Asking the questions of `sql` on a connection."""

from __future__ import annotations

import duckdb

from costspan.server.store.sql.dialect import Ask


def asking(connection: duckdb.DuckDBPyConnection) -> Ask:
    """Return what runs queries on a connection. It raises duckdb.Error."""
    return lambda query, values: connection.execute(query, values).fetchall()
