"""Routes about prices: the catalogue in use, and correcting the ledger when it changes."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response
from starlette.concurrency import run_in_threadpool

from costspan.core.clock import Clock
from costspan.pricing.rate_list import rate_documents
from costspan.server.analytics.repricing import reprice_document, runs_document
from costspan.server.analytics.unpriced import map_document, unpriced_document
from costspan.server.pipeline.repricing import Repricing
from costspan.server.web.api.documents import PricesDocument
from costspan.server.web.api.price_documents import (
    MapDocument,
    MapRequest,
    RatesDocument,
    RepriceDocument,
    RepriceRequest,
    RunsDocument,
    UnpricedDocument,
)
from costspan.server.web.api.routes import PROBLEMS, json_answer


def price_routes(repricing: Repricing, clock: Clock) -> APIRouter:
    """Return the routes over one ledger and the configuration it is priced by."""
    routes = APIRouter(prefix="/api/v1")

    @routes.get("/prices", responses={200: {"model": PricesDocument}})
    async def prices() -> Response:
        """The catalogue in use."""
        card = repricing.card
        return json_answer(
            {"version": card.version, "providers": sorted(card.profiles.keys() | card.overlay_providers)}
        )

    @routes.get("/prices/rates", responses={200: {"model": RatesDocument}, 400: PROBLEMS[400]})
    async def rates(
        provider: Annotated[str | None, Query(description="only this provider")] = None,
        model: Annotated[str | None, Query(description="only models whose name contains this")] = None,
    ) -> Response:
        """Every rate in use, with the time it holds for, its layer and its source."""
        card = repricing.card
        found = await run_in_threadpool(rate_documents, card, provider, model)
        return json_answer({"version": card.version, "rates": found})

    @routes.get("/prices/unpriced", responses={200: {"model": UnpricedDocument}, **PROBLEMS})
    async def unpriced(
        since: Annotated[str | None, Query(description="ISO 8601, a month or an age (default: all)")] = None,
        until: Annotated[str | None, Query(description="as since; the end of what it names")] = None,
    ) -> Response:
        """Models without a full price: how much went through them, and known names that are like theirs."""
        return json_answer(await run_in_threadpool(unpriced_document, repricing, since, until, clock()))

    @routes.post("/prices/map", responses={200: {"model": MapDocument}, **PROBLEMS})
    async def map_model(request: MapRequest) -> Response:
        """Give a model the price of another in costspan.yaml, and price its calls by it."""
        return json_answer(await run_in_threadpool(map_document, repricing, request.model_dump(exclude_none=True)))

    @routes.get("/reprice", responses={200: {"model": RunsDocument}, **PROBLEMS})
    async def runs() -> Response:
        """Every re-pricing, and how far the one under way has come."""
        return json_answer(await run_in_threadpool(runs_document, repricing))

    @routes.post("/reprice", responses={200: {"model": RepriceDocument}, **PROBLEMS})
    async def reprice(request: RepriceRequest) -> Response:
        """Compare the ledger with the prices costspan.yaml says now; apply, finish or undo the difference."""
        asked = request.model_dump(exclude_none=True)
        return json_answer(await run_in_threadpool(reprice_document, repricing, asked, clock()))

    return routes
