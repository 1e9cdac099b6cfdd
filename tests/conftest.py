"""Fixtures for tests against a real server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from clickhouse_node import Node, running_node
from serving import Server


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--renew-golden` writes the golden files anew: read the difference before you commit it."""
    parser.addoption("--renew-golden", action="store_true", help="write golden files anew instead of comparing")
    parser.addoption("--soak-s", type=int, default=75, help="how many seconds the soak takes (default: %(default)s)")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the browser come last: its driver keeps an event loop running, in which `asyncio.run` cannot be called.

    With several workers too: they take whole files in this order (`--dist loadfile --no-loadscope-reorder`).
    """
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Start servers on `tmp_path / "data"`, or on another `name` in it; every one is ended after the test."""
    started: list[Server] = []

    def start(*options: str | Path, name: str = "data", **extra: str) -> Server:
        started.append(Server(tmp_path / name, *map(str, options), **extra))
        return started[-1]

    yield start
    for server in started:
        server.kill()


@pytest.fixture
def server(start_server: Callable[..., Server]) -> Server:
    """A server on an empty ledger."""
    return start_server()


@pytest.fixture(scope="session")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """A ClickHouse node; each test asks it for a ledger of its own."""
    with running_node(tmp_path_factory.mktemp("node")) as running:
        yield running


@pytest.fixture(scope="module")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server for the tests of one file that do not mind one another's calls; each filters by a service of its own."""
    running = Server(tmp_path_factory.mktemp("shared") / "data")
    yield running
    running.kill()
