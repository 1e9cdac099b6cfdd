"""`/api/v1/forecast`: what a period will come to."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict
from starlette.concurrency import run_in_threadpool

from costspan.core.clock import Clock
from costspan.server.analytics.forecast_document import forecast_document, parse_forecast
from costspan.server.store.tenancy import Questions
from costspan.server.web.api.documents import Completeness, Usd
from costspan.server.web.api.routes import PROBLEMS, in_zone, json_answer
from costspan.server.web.tenant import seen_by


class Range(BaseModel):
    """US dollars, approximate: nine in ten times more than `p10`, one in ten more than `p90`."""

    p10: str
    p50: str
    p90: str


class Expected(BaseModel):
    """What is spent, and what it is expected to come to by the end; `forecast_usd` null where history is too short,
    which `explanation` says."""

    calls: int
    unpriced_calls: int
    spent_usd: str
    forecast_usd: Range | None
    trend_per_day: float | None
    explanation: str


class ExpectedRow(Expected):
    """A group with its keys."""

    model_config = ConfigDict(extra="allow")


class ExpectedDay(BaseModel):
    """A local day: what is spent by its end, known (today: so far), expected, or both."""

    day: str
    spent_usd: Usd
    forecast_usd: Range | None


class ExpectedTotal(Expected):
    """All calls together, day by day."""

    days: list[ExpectedDay]


class ForecastDocument(BaseModel):
    """The answer of `/api/v1/forecast`. A period that rolls is looked at as it will be at `until`."""

    now: str
    since: str
    until: str
    period: str
    tz: str
    currency: str
    group_by: list[str]
    rows: list[ExpectedRow]
    total: ExpectedTotal
    completeness: Completeness


def forecast_routes(reader: Questions, clock: Clock) -> APIRouter:
    """Return the route over one ledger."""
    routes = APIRouter(prefix="/api/v1")

    @routes.get("/forecast", dependencies=[Depends(in_zone)], responses={200: {"model": ForecastDocument}, **PROBLEMS})
    async def forecast(
        request: Request,
        period: Annotated[str | None, Query(description="month (default), week, day, or days that roll: 30d")] = None,
        group_by: Annotated[str | None, Query(description="keys, comma separated: model,feature")] = None,
        filter: Annotated[list[str] | None, Query(description="key:value, key:!value, key:")] = None,  # noqa: A002
        limit: Annotated[str | None, Query(description="how many groups, the dearest first: 20 unless said")] = None,
    ) -> Response:
        """What the period will come to: expected, at least, at most, and what that adds up."""
        del period, group_by, filter, limit  # declared for the OpenAPI document
        ask = parse_forecast(request.query_params.multi_items(), clock())
        return json_answer(await run_in_threadpool(forecast_document, seen_by(request, reader), ask))

    return routes
