"""Asking the questions of `sql` on a connection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import duckdb

from costspan.server.store.duckdb.arrow import registered_rows
from costspan.server.store.sql.dialect import Ask, AskGiven, Given


def asking(connection: duckdb.DuckDBPyConnection) -> Ask:
    """Return what runs queries on a connection. It raises duckdb.Error."""
    return lambda query, values: connection.execute(query, values).fetchall()


def asking_given(connection: duckdb.DuckDBPyConnection) -> AskGiven:
    """Return what runs queries that read tables they are given. It raises duckdb.Error."""

    def ask(query: str, values: Sequence[Any], given: Mapping[str, Given]) -> list[tuple[Any, ...]]:
        with ExitStack() as registered:
            for name, table in given.items():
                registered.enter_context(registered_rows(connection, name, table.kinds, table.rows))
            return connection.execute(query, values).fetchall()

    return ask
