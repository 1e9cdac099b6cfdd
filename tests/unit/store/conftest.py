"""Every engine, empty: what holds for one holds for the others."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from ledgers import SteppingClock

from clickhouse_node import Node, needs_clickhouse
from costspan.server.store.duckdb.store import DuckDBStore
from costspan.server.store.memory import MemoryStore
from costspan.server.store.ports import Store


@pytest.fixture(params=["duckdb", "memory", pytest.param("clickhouse", marks=needs_clickhouse)])
def store(request: pytest.FixtureRequest, tmp_path) -> Iterator[Store]:
    opened = _opened(request, tmp_path)
    yield opened
    opened.close()


def _opened(request: pytest.FixtureRequest, folder) -> Store:
    if request.param == "memory":
        return MemoryStore(SteppingClock())
    if request.param == "duckdb":
        return DuckDBStore(folder, clock=SteppingClock())
    from costspan.server.store.clickhouse.connection import parse_target
    from costspan.server.store.clickhouse.store import ClickHouseStore

    node: Node = request.getfixturevalue("node")
    return ClickHouseStore(parse_target(node.url()), clock=SteppingClock())
