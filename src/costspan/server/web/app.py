"""The one HTTP application: OTLP, API, health, dashboard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from fastapi import FastAPI
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool
from starlette.middleware.gzip import GZipMiddleware

from costspan import __version__
from costspan.core.clock import Clock
from costspan.server.alerts.alerting import Alerting
from costspan.server.config import ServerConfig
from costspan.server.pipeline.caretaker import Caretaker
from costspan.server.pipeline.pipeline import Pipeline
from costspan.server.pipeline.replay import Replay
from costspan.server.pipeline.repricing import Repricing
from costspan.server.pipeline.signals import SIGNALS
from costspan.server.receiver.gate import Gate
from costspan.server.receiver.intake import Intake
from costspan.server.receiver.otlp_http import otlp_handler
from costspan.server.reconciliation.reconciler import Reconciler
from costspan.server.store.export import TableSource
from costspan.server.store.ports import Store
from costspan.server.web.api.alerts import alert_routes
from costspan.server.web.api.anomalies import anomaly_routes
from costspan.server.web.api.budgets import budget_routes
from costspan.server.web.api.calls import call_routes
from costspan.server.web.api.documents import Health
from costspan.server.web.api.export import export_routes
from costspan.server.web.api.forecast import forecast_routes
from costspan.server.web.api.growth import growth_routes
from costspan.server.web.api.latency import latency_routes
from costspan.server.web.api.live import LiveFeed, live_routes
from costspan.server.web.api.price_routes import price_routes
from costspan.server.web.api.reconciliations import reconciliation_routes
from costspan.server.web.api.routes import api_routes
from costspan.server.web.api.tools import tool_routes
from costspan.server.web.api.upkeep import upkeep_routes
from costspan.server.web.api.whatif import whatif_routes
from costspan.server.web.assets import mount_dashboard
from costspan.server.web.auth import RequireKey
from costspan.server.web.bodies import BoundBodies
from costspan.server.web.headers import SecureHeaders
from costspan.server.web.login import login_routes
from costspan.server.web.metrics import ServerMetrics
from costspan.server.web.problem import answer_errors_as_problems
from costspan.server.web.session import Sessions

_WORTH_PACKING_BYTES: Final = 2048


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the application stands on, wired already."""

    config: ServerConfig
    store: Store
    pipeline: Pipeline
    repricing: Repricing
    caretaker: Caretaker
    replay: Replay
    reconciler: Reconciler
    tables: TableSource
    intake: Intake
    gate: Gate
    metrics: ServerMetrics
    live: LiveFeed
    alerting: Alerting
    clock: Clock


def make_app(parts: Parts) -> FastAPI:
    """Return the application over its parts."""
    config, store, pipeline, clock = parts.config, parts.store, parts.pipeline, parts.clock
    app = FastAPI(
        title="costspan",
        version=__version__,
        description="The LLM cost ledger on OpenTelemetry.",
        root_path=config.root_path,
        docs_url=None,
        redoc_url=None,
    )
    answer_errors_as_problems(app)
    for signal in SIGNALS:
        handler = otlp_handler(signal, parts.intake, parts.gate)
        app.add_route(f"/v1/{signal}", handler, methods=["POST"], include_in_schema=False)

    @app.get("/healthz", responses={200: {"model": Health}})
    async def healthz() -> JSONResponse:
        """Alive."""
        return JSONResponse({"service": "costspan", "status": "ok", "version": __version__})

    @app.get("/readyz", responses={200: {"model": Health}, 503: {"model": Health}})
    async def readyz() -> JSONResponse:
        """Able to take telemetry: the ledger answers and the queue has room."""
        await run_in_threadpool(store.summary)
        trouble = "queue full" if pipeline.is_full else await run_in_threadpool(pipeline.check)
        status, word = (503, trouble) if trouble else (200, "ok")
        return JSONResponse({"service": "costspan", "status": word, "version": __version__}, status)

    app.add_route("/metrics", parts.metrics.answer, include_in_schema=False)
    app.include_router(api_routes(store, pipeline.counters, clock))
    app.include_router(call_routes(store, lambda: parts.repricing.card, clock))
    app.include_router(tool_routes(store, clock))
    app.include_router(latency_routes(store, clock))
    app.include_router(forecast_routes(store, clock))
    app.include_router(growth_routes(store, clock))
    app.include_router(whatif_routes(store, lambda: parts.repricing.card, clock))
    app.include_router(anomaly_routes(store, clock))
    app.include_router(budget_routes(store, config.settings.budgets, clock))
    app.include_router(alert_routes(parts.alerting, clock))
    app.include_router(live_routes(parts.live))
    app.include_router(price_routes(parts.repricing, clock))
    app.include_router(reconciliation_routes(parts.reconciler, clock))
    app.include_router(upkeep_routes(parts.caretaker, parts.replay, config.data, clock))
    app.include_router(export_routes(parts.tables, lambda: parts.repricing.card, config.data, clock))
    sessions = Sessions(parts.gate)
    app.router.routes += login_routes(parts.gate, sessions)
    mount_dashboard(app)
    # Rows repeat their keys: a month by model is 30 times smaller. What is packed already or streams events stays.
    app.add_middleware(GZipMiddleware, minimum_size=_WORTH_PACKING_BYTES, compresslevel=4)
    app.add_middleware(BoundBodies, timeout_s=config.settings.limits.receive_timeout_s)
    app.add_middleware(RequireKey, gate=parts.gate, sessions=sessions)
    app.add_middleware(SecureHeaders)
    return app
