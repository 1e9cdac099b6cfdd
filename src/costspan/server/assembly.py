"""The one place that picks concrete parts and wires them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from costspan.core.clock import Clock, system_clock
from costspan.core.errors import Unreachable, UsageError
from costspan.pricing.load import load_rate_card
from costspan.pricing.versions import active, folder_of
from costspan.server.analytics.spend import parse_question, spend_document
from costspan.server.config import CONFIG_FILE, ServerConfig, closed_before, read_config_file
from costspan.server.pipeline.committer import Committer
from costspan.server.pipeline.counters import IngestCounters
from costspan.server.pipeline.pipeline import Pipeline
from costspan.server.pipeline.repricing import PriceSettings, Repricing
from costspan.server.store.duckdb.connection import LEDGER_FILE
from costspan.server.store.duckdb.repricing import DuckDBRepricing
from costspan.server.store.duckdb.store import DuckDBStore
from costspan.server.store.ports import LedgerReader
from costspan.server.web.app import make_app


def make_server(config: ServerConfig, clock: Clock = system_clock) -> FastAPI:
    """Return the application of `costspan serve`, its ledger open. Raise Unreachable, ConfigError, StoreUnavailable."""
    card = load_rate_card(config.prices, folder_of(config.data, active(config.data)))
    store = DuckDBStore(config.data, clock=clock)
    committer = Committer(store, card)
    pipeline = Pipeline(committer, IngestCounters(clock))
    file = config.file or config.data / CONFIG_FILE
    repricing = Repricing(committer, DuckDBRepricing(store), lambda: price_settings(config.data, file), clock)

    def stop() -> None:
        pipeline.close()
        store.close()

    return make_app(config, store, pipeline, repricing, clock, stop)


class Reader:
    """The API's questions, answered in process from a data folder."""

    def __init__(self, reader: LedgerReader, clock: Clock = system_clock) -> None:
        self._reader = reader
        self._clock = clock

    def ask(self, path: str, parameters: Sequence[tuple[str, str]]) -> dict[str, Any]:
        """Return the document the API would send for `path`. Raise UsageError for a path that is not answered here."""
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
    store = DuckDBStore(data)
    card = load_rate_card(read_config_file(path).get("prices") or (), folder_of(data, active(data)))
    pipeline = Pipeline(Committer(store, card), IngestCounters(system_clock))
    try:
        yield pipeline
    finally:
        pipeline.close()
        store.close()


@contextmanager
def open_repricing(data: Path, config: Path | None = None) -> Iterator[Repricing]:
    """Open the ledger in `data` for re-pricing, without a server. Raise Unreachable where there is none."""
    if not has_ledger(data):
        raise Unreachable(f"no ledger in {data}; start one with: costspan serve --data {data}")
    file = config or data / CONFIG_FILE
    store = DuckDBStore(data)
    committer = Committer(store, price_settings(data, file).card)
    try:
        yield Repricing(committer, DuckDBRepricing(store), lambda: price_settings(data, file), system_clock)
    finally:
        committer.close()
        store.close()


def price_settings(data: Path, file: Path) -> PriceSettings:
    """Return what a `costspan.yaml` says of prices, over the catalogue that is active in the data folder."""
    settings = read_config_file(file if file.exists() else None)
    card = load_rate_card(settings.get("prices") or (), folder_of(data, active(data)))
    return PriceSettings(card, closed_before(settings), file)


def has_ledger(data: Path) -> bool:
    """Return True when `data` holds a ledger."""
    return (data / LEDGER_FILE).exists()
