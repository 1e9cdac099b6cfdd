"""`/api/v1/whatif`: history priced otherwise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from costspan.core.clock import Clock
from costspan.pricing.rate_card import RateCard
from costspan.server.analytics.whatif_document import parse_whatif, whatif_document
from costspan.server.store.tenancy import Questions
from costspan.server.web.api.documents import Completeness
from costspan.server.web.api.routes import PROBLEMS, json_answer
from costspan.server.web.tenant import seen_by


class Between(BaseModel):
    """US dollars, exact for what is assumed at either end."""

    low: str
    high: str


class ShareBetween(BaseModel):
    """Parts of the actual cost; null where that is nothing."""

    low: float | None
    high: float | None


class Reason(BaseModel):
    """Why calls are in no figure."""

    reason: str
    calls: int


class CacheFigures(BaseModel):
    """What caching did: saved by reads, paid for writes beyond plain input, and of that not earned back by any read;
    and what it could have saved more. `unknown_calls` have no price for it."""

    saved_usd: str
    write_premium_usd: str
    not_earned_back_usd: str
    missed_usd: Between
    unknown_calls: int


class Otherwise(BaseModel):
    """Actual and alternative cost of the calls that have both; `unpriced` has the others."""

    model_config = ConfigDict(extra="allow")

    calls: int
    changed_calls: int
    unpriced_calls: int
    actual_cost_usd: str
    alternative_cost_usd: Between
    difference_usd: Between
    difference_share: ShareBetween
    unpriced: list[Reason]
    cache: CacheFigures | None = None


class ChangeDocument(BaseModel):
    """What was changed."""

    from_: str | None = Field(alias="from")
    to: str | None
    to_provider: str | None
    mode: str | None
    cache: bool


class WhatIfDocument(BaseModel):
    """The answer of `/api/v1/whatif`."""

    since: str
    until: str
    currency: str
    change: ChangeDocument
    group_by: list[str]
    rows: list[Otherwise]
    total: Otherwise
    assumptions: list[str]
    completeness: Completeness


def of_calls(
    group_by: Annotated[str | None, Query(description="keys, comma separated; feature unless said")] = None,
    since: Annotated[str | None, Query(description="ISO 8601, a month or an age: 2026-10, 7d")] = None,
    until: Annotated[str | None, Query(description="as since; the end of what it names")] = None,
    filter: Annotated[list[str] | None, Query(description="key:value, key:!value, key:")] = None,  # noqa: A002
) -> None:
    """Declare which calls are asked about for the OpenAPI document; the parser reads it."""


def whatif_routes(reader: Questions, card: Callable[[], RateCard], clock: Clock) -> APIRouter:
    """Return the route over one ledger and the prices of the moment."""
    routes = APIRouter(prefix="/api/v1")

    @routes.get("/whatif", dependencies=[Depends(of_calls)], responses={200: {"model": WhatIfDocument}, **PROBLEMS})
    async def whatif(
        request: Request,
        from_: Annotated[str | None, Query(alias="from", description="the model whose calls are meant")] = None,
        to: Annotated[str | None, Query(description="another model for them")] = None,
        to_provider: Annotated[str | None, Query(description="its provider, where several have it")] = None,
        mode: Annotated[str | None, Query(description="another mode: batch, flex, priority, standard")] = None,
        cache: Annotated[
            str | None,
            Query(description="1, meant unless another is said: with caching; adds what caching did"),
        ] = None,
        tokens: Annotated[str | None, Query(description="tokens of the other model for one: 0.9-1.2")] = None,
    ) -> Response:
        """What calls would have cost under another model, in another mode or with caching: a range, and why."""
        del from_, to, to_provider, mode, cache, tokens  # declared for the OpenAPI document
        ask = parse_whatif(request.query_params.multi_items(), clock())
        return json_answer(await run_in_threadpool(whatif_document, seen_by(request, reader), ask, card()))

    return routes
