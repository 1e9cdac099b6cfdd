"""What `costspan serve --store clickhouse://...` is made of: one of many processes over one ledger.

Each receives, and answers questions; one at a time settles. What needs the one writer of a ledger file and is not there
for ClickHouse yet is refused by name, when the server starts or when it is asked for.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import Any, NoReturn, TypeVar

from costspan.core.clock import Clock
from costspan.core.errors import ConfigError, UsageError
from costspan.pricing.rate_card import RateCard
from costspan.pricing.rate_list import last_checked
from costspan.server.alerts.alerting import Alerting
from costspan.server.alerts.conditions.base import Drift, Sources
from costspan.server.config import CONFIG_FILE, ServerConfig
from costspan.server.drifts import drifts_of
from costspan.server.pipeline.caretaker import Caretaker
from costspan.server.pipeline.committer import Committer
from costspan.server.pipeline.counters import IngestCounters
from costspan.server.pipeline.pipeline import Pipeline
from costspan.server.pipeline.reading import Reading
from costspan.server.pipeline.replay import ReadingSettings, Replay
from costspan.server.pipeline.repricing import PriceSettings, Repricing
from costspan.server.pipeline.settler import Settler, leave
from costspan.server.receiver.gate import Gate
from costspan.server.receiver.inbox import take_inbox
from costspan.server.receiver.intake import Intake
from costspan.server.receiver.otlp_grpc import otlp_services
from costspan.server.reconciliation.reconciler import Reconciler
from costspan.server.reconciliation.schedule import Bookkeeper
from costspan.server.runtime import Application
from costspan.server.store.clickhouse.alerts import ClickHouseAlerts
from costspan.server.store.clickhouse.connection import parse_target
from costspan.server.store.clickhouse.export import ClickHouseTables
from costspan.server.store.clickhouse.migration import ClickHouseDestination
from costspan.server.store.clickhouse.reconciliations import ClickHouseReconciliations
from costspan.server.store.clickhouse.repricing import ClickHouseRepricing
from costspan.server.store.clickhouse.store import ClickHouseStore
from costspan.server.store.clickhouse.upkeep import ClickHouseUpkeep
from costspan.server.store.duckdb.files import DuckDBFiles
from costspan.server.store.migration import Destination
from costspan.server.web.api.live import LiveFeed
from costspan.server.web.app import Parts, make_app
from costspan.server.web.metrics import IngestCollector, LedgerCollector, ServerMetrics
from costspan.server.web.self_trace import TraceQuestions, own_tracer

Result = TypeVar("Result")


class NotYet:
    """Stands where a ledger file has a part that a ledger on ClickHouse has not got."""

    def __init__(self, what: str) -> None:
        self._what = what

    def __getattr__(self, name: str) -> NoReturn:
        raise UsageError(f"{self._what} is not there for a ledger on ClickHouse yet")


def make_cluster_server(
    config: ServerConfig, store_url: str, card: RateCard, prices: Callable[[], PriceSettings], clock: Clock
) -> Application:
    """Return one process's server over the ledger at `store_url`, which prices with `card`; `prices` reads what the
    settings say by then. Raise Unreachable, ConfigError, StoreUnavailable."""
    check_settings(config)
    gate = Gate(config.api_key, config.settings.keys_file)
    tracer, stop_tracing = own_tracer(config, os.environ) if config.self_trace else (None, lambda: None)
    settings = config.settings
    store = ClickHouseStore(parse_target(store_url), clock=clock)
    metrics = ServerMetrics()
    committer = Committer(store, card, settings.rules, metrics.observe_commit, leave(store))
    pipeline = Pipeline(committer, IngestCounters(clock), Reading(settings.dialects, keeps_records=False))
    settler = Settler(store, card, settings.rules)
    repricing = Repricing(settler, ClickHouseRepricing(store), prices, clock)
    log = ClickHouseReconciliations(store)
    reconciler = Reconciler(store, log, lambda: settler.card, lambda: settings.reconcile, clock)
    bookkeeper = Bookkeeper(reconciler, clock, store.is_on_duty)
    alerting = _alerting(config, store, committer, partial(drifts_of, log), lambda: last_checked(settler.card), clock)
    caretaker = Caretaker(_at_once, ClickHouseUpkeep(store), settings.retention, clock, is_on_duty=store.is_on_duty)
    take_inbox(config.data, pipeline)
    intake = Intake(pipeline, settings.limits)
    tending = (alerting, caretaker, bookkeeper)
    for each in (settler, *tending):
        each.start()

    def close() -> None:
        intake.close()
        for each in reversed(tending):
            each.stop()
        pipeline.close()
        settler.stop()
        store.close()
        stop_tracing()

    metrics.watch(IngestCollector(pipeline.counters, pipeline, intake))
    metrics.watch(LedgerCollector(store))
    live = LiveFeed(pipeline.counters)
    app = make_app(
        Parts(
            config=config,
            store=store,
            pipeline=pipeline,
            intake=intake,
            gate=gate,
            metrics=metrics,
            live=live,
            alerting=alerting,
            caretaker=caretaker,
            repricing=repricing,
            reconciler=reconciler,
            tables=ClickHouseTables(store, DuckDBFiles()),
            clock=clock,
            replay=_no_replay(config, committer, pipeline),
        )
    )
    if tracer is not None:
        app.add_middleware(TraceQuestions, tracer=tracer)
    return Application(app, otlp_services(intake, gate), live.stop, close)


def check_settings(config: ServerConfig) -> None:
    """Raise ConfigError for a setting that would do nothing."""
    settings = config.settings
    asked = {
        "forward": settings.forward,
        "--log-calls": config.log_calls,
    }
    for what, said in asked.items():
        if said:
            place = config.file or config.data / CONFIG_FILE
            raise ConfigError(f"{place}: {what}: does nothing yet for a ledger on ClickHouse; take it out")


def _alerting(
    config: ServerConfig,
    store: ClickHouseStore,
    committer: Committer,
    drifts: Callable[[], list[Drift]],
    catalogue_checked: Callable[[], datetime | None],
    clock: Clock,
) -> Alerting:
    settings = config.settings
    notifiers = {name: entry.open(os.environ) for name, entry in settings.notifiers.items()}
    sources = Sources(
        ledger=store,
        budgets=settings.budgets,
        catalogue_checked=catalogue_checked,
        drifts=drifts,
    )
    log = ClickHouseAlerts(store, clock)
    return Alerting(
        settings.alerts, notifiers, sources, log, committer.write, clock, config.url, is_on_duty=store.is_on_duty
    )


def _at_once(act: Callable[[], Result]) -> Result:
    """Run upkeep where it is: the ledger lets one thread write at a time, and receivers wait for none of them."""
    return act()


def _no_replay(config: ServerConfig, committer: Committer, pipeline: Pipeline) -> Replay:
    missing: Any = NotYet("replay")
    reading = ReadingSettings(config.settings.dialects, config.settings.rules)
    return Replay(pipeline, committer, missing, lambda: reading)


@contextmanager
def opened_destination(store_url: str) -> Iterator[Destination]:
    """Open a ledger on ClickHouse to migrate to. Raise ConfigError for its URL, Unreachable where it is not there."""
    store = ClickHouseStore(parse_target(store_url))
    try:
        yield ClickHouseDestination(store)
    finally:
        store.close()
