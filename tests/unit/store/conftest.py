"""Both engines, empty: what holds for one holds for the other."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from ledgers import SteppingClock

from costspan.server.store.duckdb.store import DuckDBStore
from costspan.server.store.memory import MemoryStore
from costspan.server.store.ports import Store


@pytest.fixture(params=["duckdb", "memory"])
def store(request: pytest.FixtureRequest, tmp_path) -> Iterator[Store]:
    opened: Store = MemoryStore(SteppingClock()) if request.param == "memory" else _duckdb(tmp_path)
    yield opened
    opened.close()


def _duckdb(folder) -> DuckDBStore:
    return DuckDBStore(folder, clock=SteppingClock())
