"""The one place that picks concrete parts and wires them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from costspan.core.clock import Clock, system_clock
from costspan.core.errors import NotFound, Unreachable
from costspan.pricing.load import load_rate_card
from costspan.pricing.rate_card import RateCard
from costspan.pricing.rate_list import last_checked
from costspan.pricing.versions import active, folder_of
from costspan.semconv.settlement.rules import SettlingRules
from costspan.server.alerts.alerting import Alerting
from costspan.server.alerts.conditions.base import Sources
from costspan.server.alerts.notification import example
from costspan.server.alerts.notifiers.base import Notifier, Sending
from costspan.server.analytics.budget_checks import check_budgets
from costspan.server.analytics.call_log import CallLog
from costspan.server.config import CONFIG_FILE, ServerConfig, Settings, read_settings, settings_file
from costspan.server.drifts import drifts_of
from costspan.server.exporters.warehouse import Copied, Fetch, Warehouse, bring_up_to_date
from costspan.server.pipeline.caretaker import Caretaker
from costspan.server.pipeline.committer import Committer
from costspan.server.pipeline.counters import IngestCounters
from costspan.server.pipeline.pipeline import Pipeline
from costspan.server.pipeline.reading import Reading
from costspan.server.pipeline.replay import ReadingSettings, Replay
from costspan.server.pipeline.repricing import PriceSettings, Repricing
from costspan.server.pipeline.settlement import NO_RULES
from costspan.server.reader import Reader
from costspan.server.receiver.gate import Gate
from costspan.server.receiver.inbox import recordings, take_inbox
from costspan.server.receiver.intake import Intake
from costspan.server.receiver.otlp_grpc import otlp_services
from costspan.server.reconciliation.reconciler import Reconciler
from costspan.server.reconciliation.schedule import Bookkeeper
from costspan.server.runtime import Application
from costspan.server.store.duckdb.alerts import DuckDBAlerts
from costspan.server.store.duckdb.backup import manifest_of, restore
from costspan.server.store.duckdb.connection import LEDGER_FILE
from costspan.server.store.duckdb.export import DuckDBTables
from costspan.server.store.duckdb.files import rows_of, values_of
from costspan.server.store.duckdb.forward import DuckDBForward
from costspan.server.store.duckdb.migration import DuckDBOrigin
from costspan.server.store.duckdb.posted import DuckDBPosted
from costspan.server.store.duckdb.reconciliations import DuckDBReconciliations
from costspan.server.store.duckdb.repair import Mended, repair
from costspan.server.store.duckdb.replay import DuckDBReplay
from costspan.server.store.duckdb.repricing import DuckDBRepricing
from costspan.server.store.duckdb.store import DuckDBStore
from costspan.server.store.duckdb.upkeep import DuckDBUpkeep
from costspan.server.store.export import TableSource
from costspan.server.store.migration import Held, migrate
from costspan.server.store.upkeep import Manifest
from costspan.server.web.api.live import LiveFeed
from costspan.server.web.app import Parts, make_app
from costspan.server.web.metrics import ForwardCollector, IngestCollector, LedgerCollector, ServerMetrics
from costspan.server.web.self_trace import TraceQuestions, own_tracer

if TYPE_CHECKING:
    from costspan.server.exporters.forwarder import Forwarder


def make_server(config: ServerConfig, clock: Clock = system_clock) -> Application:
    """Return what `costspan serve` answers with, its ledger open. Raise Unreachable, ConfigError, StoreUnavailable."""
    return _file_server(config, clock) if config.store is None else _cluster_server(config, config.store, clock)


def _file_server(config: ServerConfig, clock: Clock) -> Application:
    # First, so that a damaged file of keys or a notifier without its secret is named before anything is open.
    gate = Gate(config.api_key, config.settings.keys_file)
    notifiers = {name: entry.open(os.environ) for name, entry in config.settings.notifiers.items()}
    tracer, stop_tracing = own_tracer(config, os.environ) if config.self_trace else (None, lambda: None)
    _clear_leftovers(config.data)
    card = _card(config.data, config.settings)
    check_budgets(config.settings.budgets, config.settings.budget_places, card, clock())
    store = DuckDBStore(config.data, clock=clock)
    metrics = ServerMetrics()
    committer = Committer(store, card, config.settings.rules, metrics.observe_commit)
    keeps = config.settings.retention.keeps_records
    pipeline = Pipeline(committer, IngestCounters(clock), Reading(config.settings.dialects, keeps))
    file = config.file or config.data / CONFIG_FILE
    repricing = Repricing(committer, DuckDBRepricing(store), lambda: price_settings(config.data, file), clock)
    caretaker = Caretaker(committer.write, DuckDBUpkeep(store), config.settings.retention, clock)
    replay = Replay(pipeline, committer, DuckDBReplay(store), lambda: reading_settings(file))
    reconciler = _reconciler(store, committer, lambda: repricing.card, config.settings, clock)
    alerting = _alerting(config, notifiers, store, committer, clock)
    take_inbox(config.data, pipeline)
    intake = Intake(pipeline, config.settings.limits)
    forwarders, followers = _followers(config, store, committer, clock)
    background: tuple[Any, ...] = (caretaker, *followers, alerting, Bookkeeper(reconciler, clock))
    for each in background:
        each.start()

    def close() -> None:
        intake.close()
        for each in reversed(background):
            each.stop()
        pipeline.close()
        store.close()
        stop_tracing()

    metrics.watch(IngestCollector(pipeline.counters, pipeline, intake))
    metrics.watch(LedgerCollector(store))
    if forwarders:
        metrics.watch(ForwardCollector(forwarders))
    live = LiveFeed(pipeline.counters)
    parts = Parts(
        config=config,
        store=store,
        pipeline=pipeline,
        repricing=repricing,
        caretaker=caretaker,
        replay=replay,
        reconciler=reconciler,
        tables=DuckDBTables(store),
        intake=intake,
        gate=gate,
        metrics=metrics,
        live=live,
        alerting=alerting,
        clock=clock,
    )
    app = make_app(parts)
    if tracer is not None:
        app.add_middleware(TraceQuestions, tracer=tracer)
    return Application(app, otlp_services(intake, gate), live.stop, close)


def _cluster_server(config: ServerConfig, store_url: str, clock: Clock) -> Application:
    # What reaches ClickHouse is imported where it is asked for, since it is an extra.
    from costspan.server.cluster import make_cluster_server  # noqa: PLC0415

    card = _card(config.data, config.settings)
    check_budgets(config.settings.budgets, config.settings.budget_places, card, clock())
    file = config.file or config.data / CONFIG_FILE
    return make_cluster_server(config, store_url, card, lambda: price_settings(config.data, file), clock)


def _followers(
    config: ServerConfig, store: DuckDBStore, committer: Committer, clock: Clock
) -> tuple[list[Forwarder], list[Forwarder | CallLog]]:
    """Return what sends records on, and with it the log of calls: all that follows the ledger."""
    logs = [CallLog(DuckDBPosted(store), config.log_calls, config.data)] if config.log_calls else []
    if not config.settings.forward:
        return [], [*logs]
    from costspan.server.exporters.forwarder import Forwarder  # noqa: PLC0415 - its HTTP client takes half a second

    forwarders = [Forwarder(committer, DuckDBForward(store), target, clock) for target in config.settings.forward]
    return forwarders, [*forwarders, *logs]


def _alerting(
    config: ServerConfig, notifiers: Mapping[str, Notifier], store: DuckDBStore, committer: Committer, clock: Clock
) -> Alerting:
    settings = config.settings
    sources = Sources(
        ledger=store,
        budgets=settings.budgets,
        catalogue_checked=lambda: last_checked(committer.card),
        drifts=partial(drifts_of, DuckDBReconciliations(store)),
    )
    log = DuckDBAlerts(store, clock)
    return Alerting(settings.alerts, notifiers, sources, log, committer.write, clock, config.url)


def send_test(data: Path, notifier: str) -> dict[str, Any]:
    """Send a test notification as the folder's costspan.yaml says, without a server; return what the API would.

    Raise NotFound for an unknown notifier, ConfigError for one that cannot be used, and what sending raises.
    """
    entries = read_settings(settings_file(data)).notifiers
    if notifier not in entries:
        raise NotFound(f"no notifier {notifier!r}; notifiers of costspan.yaml: {', '.join(entries) or 'none'}")
    said = example(notifier, system_clock(), ServerConfig(data=data).url)
    entries[notifier].open(os.environ).send(Sending(said))
    return {"notifier": notifier, "id": said.id}


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
        drifts = partial(drifts_of, DuckDBReconciliations(store))
        yield Reader(store, DuckDBAlerts(store), settings, cache(lambda: _card(data, settings())), drifts)
    finally:
        store.close()


@contextmanager
def open_pipeline(data: Path, config: Path | None = None) -> Iterator[Pipeline]:
    """Open the ledger in `data` for writing, without a server; settings from `config` or the folder's costspan.yaml."""
    settings = read_settings(settings_file(data, config))
    store = DuckDBStore(data)
    committer = Committer(store, _card(data, settings), settings.rules)
    keeps = settings.retention.keeps_records
    pipeline = Pipeline(committer, IngestCounters(system_clock), Reading(settings.dialects, keeps))
    try:
        yield pipeline
    finally:
        pipeline.close()
        store.close()


@contextmanager
def open_repricing(data: Path, config: Path | None = None) -> Iterator[Repricing]:
    """Open the ledger in `data` for re-pricing, without a server. Raise Unreachable where there is none."""
    file = config or data / CONFIG_FILE
    with _open_committer(data, lambda: price_settings(data, file).card) as (store, committer):
        yield Repricing(committer, DuckDBRepricing(store), lambda: price_settings(data, file), system_clock)


@contextmanager
def open_caretaker(data: Path, config: Path | None = None) -> Iterator[Caretaker]:
    """Open the ledger in `data` to look after it, without a server. Raise Unreachable where there is none."""
    settings = read_settings(settings_file(data, config))
    with _open_committer(data, lambda: _card(data, settings), settings.rules) as (store, committer):
        yield Caretaker(committer.write, DuckDBUpkeep(store), settings.retention, system_clock)


@contextmanager
def open_replay(data: Path, config: Path | None = None) -> Iterator[Replay]:
    """Open the ledger in `data` to read its records again, without a server. Raise Unreachable where there is none."""
    file = config or data / CONFIG_FILE
    with _open_committer(data, lambda: price_settings(data, file).card) as (store, committer):
        pipeline = Pipeline(committer, IngestCounters(system_clock))
        yield Replay(pipeline, committer, DuckDBReplay(store), lambda: reading_settings(file))


@contextmanager
def _open_committer(
    data: Path, card: Callable[[], RateCard], rules: SettlingRules = NO_RULES
) -> Iterator[tuple[DuckDBStore, Committer]]:
    _need_ledger(data)
    prices = card()
    store = DuckDBStore(data)
    committer = Committer(store, prices, rules)
    try:
        yield store, committer
    finally:
        committer.close()
        store.close()


@contextmanager
def open_reconciler(data: Path, config: Path | None = None) -> Iterator[Reconciler]:
    """Open the ledger in `data` to compare it with bills, without a server. Raise Unreachable where there is none."""
    _need_ledger(data)
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


@contextmanager
def open_tables(data: Path) -> Iterator[tuple[TableSource, RateCard]]:
    """Open the ledger in `data` to give its tables away; and its price lists. Raise Unreachable where there is none."""
    store = DuckDBStore(data, read_only=True)
    try:
        yield DuckDBTables(store), _card(data, read_settings(settings_file(data)))
    finally:
        store.close()


def copy_postings(url: str, fetch: Fetch, show: Callable[[str], None] = lambda _: None) -> Copied:
    """Bring the copy of the ledger in a warehouse up to date; see `exporters.warehouse`."""
    with Warehouse(url, values_of) as warehouse:
        return bring_up_to_date(warehouse, fetch, rows_of, show)


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


def migrate_ledger(data: Path, store_url: str, show: Callable[[float], None]) -> Held:
    """Bring the ledger in `data`, which nobody serves, to ClickHouse; see `store.migration.migrate`.

    Raise Unreachable where one of them cannot be opened.
    """
    from costspan.server.cluster import opened_destination  # noqa: PLC0415 - an extra

    _need_ledger(data)
    origin = DuckDBStore(data, read_only=True)
    try:
        with opened_destination(store_url) as destination:
            return migrate(DuckDBOrigin(origin), destination, show)
    finally:
        origin.close()


def _need_ledger(data: Path) -> None:
    if not has_ledger(data):
        raise Unreachable(f"no ledger in {data}; start one with: costspan serve --data {data}")


def _clear_leftovers(data: Path) -> None:
    for left in (*data.glob("backup-*.tmp"), *data.glob("export-*.tmp")):
        left.unlink(missing_ok=True)


def _reconciler(
    store: DuckDBStore, committer: Committer, card: Callable[[], RateCard], settings: Settings, clock: Clock
) -> Reconciler:
    return Reconciler(store, DuckDBReconciliations(store), card, lambda: settings.reconcile, clock, committer.write)


def _card(data: Path, settings: Settings) -> RateCard:
    return load_rate_card(settings.prices, folder_of(data, active(data)))
