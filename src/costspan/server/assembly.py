"""The one place that picks concrete parts and wires them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from costspan.core.clock import Clock, system_clock
from costspan.core.errors import UsageError
from costspan.pricing.load import load_rate_card
from costspan.semconv.settlement.rules import SettlingRules
from costspan.server.analytics.spend import parse_question, spend_document
from costspan.server.analytics.tools import parse_tool_question, tools_document
from costspan.server.config import ServerConfig, read_config_file, settling_rules
from costspan.server.pipeline.committer import Committer
from costspan.server.pipeline.counters import IngestCounters
from costspan.server.pipeline.pipeline import Pipeline
from costspan.server.store.duckdb.connection import LEDGER_FILE
from costspan.server.store.duckdb.store import DuckDBStore
from costspan.server.store.ports import LedgerReader, Store
from costspan.server.web.app import make_app

CONFIG_FILE = "costspan.yaml"


def make_server(config: ServerConfig, clock: Clock = system_clock) -> FastAPI:
    """Return the application of `costspan serve`, its ledger open. Raise Unreachable, ConfigError, StoreUnavailable."""
    card = load_rate_card(config.prices)
    store = DuckDBStore(config.data, clock=clock)
    pipeline = _pipeline(store, config.prices, config.rules, clock)

    def stop() -> None:
        pipeline.close()
        store.close()

    return make_app(config, store, pipeline, card, clock, stop)


class Reader:
    """The API's questions, answered in process from a data folder."""

    def __init__(self, reader: LedgerReader, clock: Clock = system_clock) -> None:
        self._reader = reader
        self._clock = clock

    def ask(self, path: str, parameters: Sequence[tuple[str, str]]) -> dict[str, Any]:
        """Return the document the API would send for `path`. Raise UsageError for a path that is not answered here."""
        if path == "/api/v1/tools":
            return tools_document(self._reader, parse_tool_question(parameters, self._clock()))
        if path != "/api/v1/spend":
            raise UsageError(f"{path} is answered by a running server only")
        return spend_document(self._reader, parse_question(parameters, self._clock()))


@contextmanager
def open_reader(data: Path) -> Iterator[Reader]:
    """Open the ledger in `data` for reading. Raise Unreachable where there is none or another process holds it."""
    store = DuckDBStore(data, read_only=True)
    try:
        yield Reader(store)
    finally:
        store.close()


@contextmanager
def open_pipeline(data: Path, config: Path | None = None) -> Iterator[Pipeline]:
    """Open the ledger in `data` for writing, without a server; prices from `config` or the folder's costspan.yaml."""
    path = config or (data / CONFIG_FILE if (data / CONFIG_FILE).exists() else None)
    settings = read_config_file(path)
    rules = settling_rules(path, settings)
    store = DuckDBStore(data)
    pipeline = _pipeline(store, tuple(settings.get("prices") or ()), rules, system_clock)
    try:
        yield pipeline
    finally:
        pipeline.close()
        store.close()


def has_ledger(data: Path) -> bool:
    """Return True when `data` holds a ledger."""
    return (data / LEDGER_FILE).exists()


def _pipeline(store: Store, prices: Sequence[Any], rules: SettlingRules, clock: Clock) -> Pipeline:
    return Pipeline(Committer(store, load_rate_card(prices), rules), IngestCounters(clock))
