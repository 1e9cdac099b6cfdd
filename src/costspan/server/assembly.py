"""The one place that picks concrete parts and wires them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from costspan.core.clock import Clock, system_clock
from costspan.core.errors import UsageError
from costspan.pricing.load import load_rate_card
from costspan.pricing.rate_card import RateCard
from costspan.server.analytics.calls import calls_document, parse_calls_question
from costspan.server.analytics.spend import parse_question, spend_document
from costspan.server.analytics.tools import parse_tool_question, tools_document
from costspan.server.analytics.traces import parse_trace_parameters, trace_document
from costspan.server.config import ServerConfig, Settings, read_settings, settings_file
from costspan.server.pipeline.committer import Committer
from costspan.server.pipeline.counters import IngestCounters
from costspan.server.pipeline.pipeline import Pipeline
from costspan.server.receiver.inbox import recordings, take_inbox
from costspan.server.store.duckdb.connection import LEDGER_FILE
from costspan.server.store.duckdb.store import DuckDBStore
from costspan.server.store.ports import Store
from costspan.server.web.app import make_app

_TRACES = "/api/v1/traces/"


def make_server(config: ServerConfig, clock: Clock = system_clock) -> FastAPI:
    """Return the application of `costspan serve`, its ledger open. Raise Unreachable, ConfigError, StoreUnavailable."""
    card = load_rate_card(config.settings.prices)
    store = DuckDBStore(config.data, clock=clock)
    pipeline = _pipeline(store, card, config.settings, clock)
    take_inbox(config.data, pipeline)

    def stop() -> None:
        pipeline.close()
        store.close()

    return make_app(config, store, pipeline, card, clock, stop)


class Reader:
    """The API's questions, answered in process from a data folder."""

    def __init__(self, store: Store, card: Callable[[], RateCard], clock: Clock = system_clock) -> None:
        self._store = store
        self._card = card
        self._clock = clock

    def ask(self, path: str, parameters: Sequence[tuple[str, str]]) -> dict[str, Any]:
        """Return the document the API would send for `path`. Raise UsageError for a path that is not answered here."""
        if path == "/api/v1/spend":
            return spend_document(self._store, parse_question(parameters, self._clock()))
        if path == "/api/v1/calls":
            return calls_document(self._store, parse_calls_question(parameters, self._clock()), self._card())
        if path == "/api/v1/tools":
            return tools_document(self._store, parse_tool_question(parameters, self._clock()))
        if path.startswith(_TRACES):
            parse_trace_parameters(parameters)
            return trace_document(self._store, path.removeprefix(_TRACES), self._card())
        raise UsageError(f"{path} is answered by a running server only")


@contextmanager
def open_reader(data: Path) -> Iterator[Reader]:
    """Open the ledger in `data` for reading, with what waits in its inbox taken in first.

    Raise Unreachable where there is no ledger or another process holds it.
    """
    if recordings(data):
        with open_pipeline(data) as pipeline:
            take_inbox(data, pipeline)
    store = DuckDBStore(data, read_only=True)
    try:
        yield Reader(store, cache(lambda: load_rate_card(read_settings(settings_file(data)).prices)))
    finally:
        store.close()


@contextmanager
def open_pipeline(data: Path, config: Path | None = None) -> Iterator[Pipeline]:
    """Open the ledger in `data` for writing, without a server; settings from `config` or the folder's costspan.yaml."""
    settings = read_settings(settings_file(data, config))
    store = DuckDBStore(data)
    pipeline = _pipeline(store, load_rate_card(settings.prices), settings, system_clock)
    try:
        yield pipeline
    finally:
        pipeline.close()
        store.close()


def has_ledger(data: Path) -> bool:
    """Return True when `data` holds a ledger."""
    return (data / LEDGER_FILE).exists()


def _pipeline(store: Store, card: RateCard, settings: Settings, clock: Clock) -> Pipeline:
    committer = Committer(store, card, settings.rules)
    return Pipeline(committer, IngestCounters(clock), settings.dialects)
