"""The one HTTP application: OTLP, API, health, dashboard."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from costspan import __version__
from costspan.core.clock import Clock
from costspan.server.config import ServerConfig
from costspan.server.pipeline.caretaker import Caretaker
from costspan.server.pipeline.pipeline import Pipeline
from costspan.server.pipeline.replay import Replay
from costspan.server.pipeline.repricing import Repricing
from costspan.server.pipeline.signals import SIGNALS
from costspan.server.receiver.otlp_http import otlp_handler
from costspan.server.store.ports import Store
from costspan.server.web.api.calls import call_routes
from costspan.server.web.api.documents import Health
from costspan.server.web.api.price_routes import price_routes
from costspan.server.web.api.routes import api_routes
from costspan.server.web.api.tools import tool_routes
from costspan.server.web.api.upkeep import upkeep_routes
from costspan.server.web.assets import mount_dashboard
from costspan.server.web.auth import RequireKey
from costspan.server.web.problem import answer_errors_as_problems

DECODE_WORKERS = 2


def make_app(
    config: ServerConfig,
    store: Store,
    pipeline: Pipeline,
    repricing: Repricing,
    caretaker: Caretaker,
    replay: Replay,
    clock: Clock,
    on_stop: Callable[[], None],
) -> FastAPI:
    """Return the application over parts that are already wired. `on_stop` runs once the last request is answered."""
    workers = ThreadPoolExecutor(DECODE_WORKERS, thread_name_prefix="costspan-decode")

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        workers.shutdown()
        on_stop()

    app = FastAPI(
        title="costspan",
        version=__version__,
        description="The LLM cost ledger on OpenTelemetry.",
        lifespan=lifespan,
        root_path=config.root_path,
        docs_url=None,
        redoc_url=None,
    )
    answer_errors_as_problems(app)
    for signal in SIGNALS:
        handler = otlp_handler(signal, pipeline, workers)
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

    app.include_router(api_routes(store, pipeline.counters, clock))
    app.include_router(call_routes(store, lambda: repricing.card, clock))
    app.include_router(tool_routes(store, clock))
    app.include_router(price_routes(repricing, clock))
    app.include_router(upkeep_routes(caretaker, replay, clock))
    mount_dashboard(app)
    if config.api_key is not None:
        app.add_middleware(RequireKey, key=config.api_key)
    return app
