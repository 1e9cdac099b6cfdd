"""The one place that picks concrete parts and wires them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from costspan.core.clock import Clock, system_clock
from costspan.core.errors import Unreachable, UsageError
from costspan.pricing.load import load_rate_card
from costspan.pricing.rate_card import RateCard
from costspan.pricing.versions import active, folder_of
from costspan.server.analytics.budgets import budgets_document, verdict_document
from costspan.server.analytics.calls import calls_document, parse_calls_question
from costspan.server.analytics.spend import parse_question, spend_document
from costspan.server.analytics.tools import parse_tool_question, tools_document
from costspan.server.analytics.traces import parse_trace_parameters, trace_document
from costspan.server.config import CONFIG_FILE, ServerConfig, Settings, read_settings, settings_file
from costspan.server.pipeline.caretaker import Caretaker
from costspan.server.pipeline.committer import Committer
from costspan.server.pipeline.counters import IngestCounters
from costspan.server.pipeline.pipeline import Pipeline
from costspan.server.pipeline.replay import ReadingSettings, Replay
from costspan.server.pipeline.repricing import PriceSettings, Repricing
from costspan.server.receiver.gate import Gate
from costspan.server.receiver.inbox import recordings, take_inbox
from costspan.server.receiver.intake import Intake
from costspan.server.receiver.otlp_grpc import otlp_services
from costspan.server.reconciliation.reconciler import Reconciler
from costspan.server.reconciliation.schedule import Bookkeeper
from costspan.server.runtime import Application
from costspan.server.store.bill_form import BillForm
from costspan.server.store.duckdb import bill_files
from costspan.server.store.duckdb.backup import manifest_of, restore
from costspan.server.store.duckdb.connection import LEDGER_FILE
from costspan.server.store.duckdb.reconciliations import DuckDBReconciliations
from costspan.server.store.duckdb.repair import Mended, repair
from costspan.server.store.duckdb.replay import DuckDBReplay
from costspan.server.store.duckdb.repricing import DuckDBRepricing
from costspan.server.store.duckdb.store import DuckDBStore
from costspan.server.store.duckdb.upkeep import DuckDBUpkeep
from costspan.server.store.ports import Store
from costspan.server.store.upkeep import Manifest
from costspan.server.web.api.live import LiveFeed
from costspan.server.web.app import Parts, make_app
from costspan.server.web.metrics import IngestCollector, LedgerCollector, ServerMetrics
from costspan.server.web.self_trace import TraceQuestions, own_tracer

_TRACES = "/api/v1/traces/"


def make_server(config: ServerConfig, clock: Clock = system_clock) -> Application:
    """Return what `costspan serve` answers with, its ledger open. Raise Unreachable, ConfigError, StoreUnavailable."""
    # First, so that a damaged file of keys is named before anything is open.
    gate = Gate(config.api_key, config.settings.keys_file)
    tracer, stop_tracing = own_tracer(config, os.environ) if config.self_trace else (None, lambda: None)
    for left in config.data.glob("backup-*.tmp"):
        left.unlink(missing_ok=True)
    store = DuckDBStore(config.data, clock=clock)
    metrics = ServerMetrics()
    card = _card(config.data, config.settings)
    committer = Committer(store, card, config.settings.rules, metrics.observe_commit)
    keeps = config.settings.retention.keeps_records
    pipeline = Pipeline(committer, IngestCounters(clock), config.settings.dialects, keeps_records=keeps)
    file = config.file or config.data / CONFIG_FILE
    repricing = Repricing(committer, DuckDBRepricing(store), lambda: price_settings(config.data, file), clock)
    caretaker = Caretaker(committer, DuckDBUpkeep(store), config.settings.retention, clock)
    replay = Replay(pipeline, committer, DuckDBReplay(store), lambda: reading_settings(file))
    reconciler = _reconciler(store, committer, lambda: repricing.card, config.settings, clock)
    bookkeeper = Bookkeeper(reconciler, clock)
    take_inbox(config.data, pipeline)
    caretaker.start()
    bookkeeper.start()

    intake = Intake(pipeline, config.settings.limits)

    def close() -> None:
        intake.close()
        bookkeeper.stop()
        caretaker.stop()
        pipeline.close()
        store.close()
        stop_tracing()

    metrics.watch(IngestCollector(pipeline.counters, pipeline, intake))
    metrics.watch(LedgerCollector(store))
    live = LiveFeed(pipeline.counters)
    parts = Parts(
        config=config,
        store=store,
        pipeline=pipeline,
        repricing=repricing,
        caretaker=caretaker,
        replay=replay,
        reconciler=reconciler,
        intake=intake,
        gate=gate,
        metrics=metrics,
        live=live,
        clock=clock,
    )
    app = make_app(parts)
    if tracer is not None:
        app.add_middleware(TraceQuestions, tracer=tracer)
    return Application(app, otlp_services(intake, gate), live.stop, close)


class Reader:
    """The API's questions, answered in process from a data folder."""

    def __init__(
        self, store: Store, settings: Callable[[], Settings], card: Callable[[], RateCard], clock: Clock = system_clock
    ) -> None:
        self._store = store
        self._settings = settings
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
        if path == "/api/v1/budgets":
            return budgets_document(self._store, self._settings().budgets, parameters, self._clock())
        if path == "/api/v1/budgets/verdict":
            return verdict_document(self._store, self._settings().budgets, parameters, self._clock())
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
        settings = cache(lambda: read_settings(settings_file(data)))
        yield Reader(store, settings, cache(lambda: _card(data, settings())))
    finally:
        store.close()


@contextmanager
def open_pipeline(data: Path, config: Path | None = None) -> Iterator[Pipeline]:
    """Open the ledger in `data` for writing, without a server; settings from `config` or the folder's costspan.yaml."""
    settings = read_settings(settings_file(data, config))
    store = DuckDBStore(data)
    committer = Committer(store, _card(data, settings), settings.rules)
    keeps = settings.retention.keeps_records
    pipeline = Pipeline(committer, IngestCounters(system_clock), settings.dialects, keeps_records=keeps)
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


@contextmanager
def open_caretaker(data: Path, config: Path | None = None) -> Iterator[Caretaker]:
    """Open the ledger in `data` to look after it, without a server. Raise Unreachable where there is none."""
    if not has_ledger(data):
        raise Unreachable(f"no ledger in {data}; start one with: costspan serve --data {data}")
    settings = read_settings(settings_file(data, config))
    store = DuckDBStore(data)
    committer = Committer(store, _card(data, settings), settings.rules)
    try:
        yield Caretaker(committer, DuckDBUpkeep(store), settings.retention, system_clock)
    finally:
        committer.close()
        store.close()


@contextmanager
def open_replay(data: Path, config: Path | None = None) -> Iterator[Replay]:
    """Open the ledger in `data` to read its records again, without a server. Raise Unreachable where there is none."""
    if not has_ledger(data):
        raise Unreachable(f"no ledger in {data}; start one with: costspan serve --data {data}")
    file = config or data / CONFIG_FILE
    store = DuckDBStore(data)
    committer = Committer(store, price_settings(data, file).card)
    pipeline = Pipeline(committer, IngestCounters(system_clock))
    try:
        yield Replay(pipeline, committer, DuckDBReplay(store), lambda: reading_settings(file))
    finally:
        committer.close()
        store.close()


@contextmanager
def open_reconciler(data: Path, config: Path | None = None) -> Iterator[Reconciler]:
    """Open the ledger in `data` to compare it with bills, without a server. Raise Unreachable where there is none."""
    if not has_ledger(data):
        raise Unreachable(f"no ledger in {data}; start one with: costspan serve --data {data}")
    if recordings(data):
        with open_pipeline(data, config) as pipeline:
            take_inbox(data, pipeline)
    settings = read_settings(settings_file(data, config))
    store = DuckDBStore(data)
    try:
        yield Reconciler(
            store, DuckDBReconciliations(store), lambda: _card(data, settings), lambda: settings.reconcile, system_clock
        )
    finally:
        store.close()


def read_bill_file(path: Path, forms: Sequence[BillForm]) -> tuple[str, list[dict[str, str | None]]]:
    """Return the form of a billing export and its lines added up. Raise UsageError where it cannot be read."""
    return bill_files.read_bill_file(path, forms)


def restore_folder(file: Path, data: Path, *, replaces: bool) -> tuple[Manifest, Path | None]:
    """Put a backup where the ledger of `data` belongs; see `store.duckdb.backup.restore`."""
    return restore(file, data, system_clock(), replaces=replaces)


def backup_manifest(file: Path) -> Manifest:
    """Return what a backup holds. Raise Unreachable where it is none or does not add up."""
    return manifest_of(file)


def repair_folder(data: Path) -> Mended:
    """Mend the damaged ledger in `data`. Raise Unreachable when there is none or nothing of it can be read."""
    return repair(data, system_clock())


def reading_settings(file: Path) -> ReadingSettings:
    """Return what a `costspan.yaml` says of reading telemetry and settling it."""
    settings = read_settings(file if file.exists() else None)
    return ReadingSettings(settings.dialects, settings.rules)


def price_settings(data: Path, file: Path) -> PriceSettings:
    """Return what a `costspan.yaml` says of prices, over the catalogue that is active in the data folder."""
    settings = read_settings(file if file.exists() else None)
    return PriceSettings(_card(data, settings), settings.closed_before, file)


def has_ledger(data: Path) -> bool:
    """Return True when `data` holds a ledger."""
    return (data / LEDGER_FILE).exists()


def _reconciler(
    store: DuckDBStore, committer: Committer, card: Callable[[], RateCard], settings: Settings, clock: Clock
) -> Reconciler:
    def write(act: Callable[[], Any]) -> Any:
        return committer.between_commits(lambda _: act()).result()

    return Reconciler(store, DuckDBReconciliations(store), card, lambda: settings.reconcile, clock, write)


def _card(data: Path, settings: Settings) -> RateCard:
    return load_rate_card(settings.prices, folder_of(data, active(data)))
