"""A ClickHouse node for tests: its engine behind its HTTP interface, or what COSTSPAN_CLICKHOUSE_URL names."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

import pytest

REAL = os.environ.get("COSTSPAN_CLICKHOUSE_URL")
WHY = "ClickHouse's engine is half a gigabyte, so `make test` does not fetch it: make .venv/.clickhouse; .ci/run has it"
needs_engine = pytest.mark.skipif(find_spec("chdb") is None, reason=WHY)
needs_clickhouse = pytest.mark.skipif(REAL is None and find_spec("chdb") is None, reason=WHY)
_databases = count(1)


class Node:
    """One node. `url()` names a ledger that nobody else uses."""

    def __init__(self, address: str, query: str = "") -> None:
        self._address = address
        self._query = query

    def url(self) -> str:
        database = f"test_{os.getpid()}_{next(_databases)}"
        return f"{self._address}/{database}{self._query}"


@contextmanager
def running_node(data: Path) -> Iterator[Node]:
    """Run a node over the folder `data`, or use the one that was named."""
    if REAL is not None:
        parts = urlsplit(REAL)
        yield Node(f"{parts.scheme}://{parts.netloc}", f"?{parts.query}" if parts.query else "")
    else:
        with own_node(data) as node:
            yield node


@contextmanager
def own_node(data: Path) -> Iterator[Node]:
    """Run a node over the folder `data`."""
    command = [sys.executable, "-m", "costspan.testing.clickhouse_server", "--port", "0", "--data", str(data)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        said = re.search(r"port (\d+)", process.stdout.readline())
        assert said is not None
        yield Node(f"clickhouse://127.0.0.1:{said[1]}")
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
