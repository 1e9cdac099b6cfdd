"""`/api/v1/growth`: who grew, and why."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict
from starlette.concurrency import run_in_threadpool

from costspan.core.clock import Clock
from costspan.server.analytics.growth import growth_document, parse_growth
from costspan.server.store.tenancy import Questions
from costspan.server.web.api.anomalies import Behind, Drivers, Span
from costspan.server.web.api.documents import Completeness
from costspan.server.web.api.routes import PROBLEMS, json_answer
from costspan.server.web.tenant import seen_by


class Grown(BaseModel):
    """What was spent beside the period before; the drivers add up to `change_usd` exactly."""

    model_config = ConfigDict(extra="allow")

    cost_usd: str
    before_usd: str
    change_usd: str
    change_share: float | None
    drivers: Drivers
    behind: list[Behind]
    reasons: list[str]


class GrowthDocument(BaseModel):
    """The answer of `/api/v1/growth`, the group that grew most first."""

    since: str
    until: str
    compared_with: Span
    currency: str
    group_by: list[str]
    rows: list[Grown]
    total: Grown
    completeness: Completeness


def growth_routes(reader: Questions, clock: Clock) -> APIRouter:
    """Return the route over one ledger."""
    routes = APIRouter(prefix="/api/v1")

    @routes.get("/growth", responses={200: {"model": GrowthDocument}, **PROBLEMS})
    async def growth(
        request: Request,
        group_by: Annotated[str | None, Query(description="keys, comma separated; feature unless said")] = None,
        since: Annotated[str | None, Query(description="ISO 8601, a month or an age; 7d unless said")] = None,
        until: Annotated[str | None, Query(description="as since; the end of what it names")] = None,
        filter: Annotated[list[str] | None, Query(description="key:value, key:!value, key:")] = None,  # noqa: A002
        limit: Annotated[str | None, Query(description="how many groups: 5 unless said, 20 at most")] = None,
    ) -> Response:
        """The groups that grew most since the period before, and what drove it."""
        del group_by, since, until, filter, limit  # declared for the OpenAPI document
        question = parse_growth(request.query_params.multi_items(), clock())
        return json_answer(await run_in_threadpool(growth_document, seen_by(request, reader), question))

    return routes
