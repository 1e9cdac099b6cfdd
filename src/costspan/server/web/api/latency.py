"""`/api/v1/latency`: how long calls take, and how soon they begin to answer."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict
from starlette.concurrency import run_in_threadpool

from costspan.core.clock import Clock
from costspan.server.analytics.latency import latency_document, parse_latency_question
from costspan.server.store.tenancy import Questions
from costspan.server.web.api.documents import Quantiles
from costspan.server.web.api.routes import PROBLEMS, in_zone, json_answer
from costspan.server.web.tenant import seen_by


class LatencyMeasures(BaseModel):
    """Milliseconds by quantile; null where no call says. `ttft_ms` is of the calls that report a first chunk."""

    calls: int
    errors: int
    error_rate: float | None
    latency_ms: Quantiles | None
    ttft_ms: Quantiles | None


class LatencyRow(LatencyMeasures):
    """A group: its measures, one key per grouped dimension, and `start` where there are time buckets."""

    model_config = ConfigDict(extra="allow")

    start: str | None = None


class LatencyDocument(BaseModel):
    """The answer of `/api/v1/latency`."""

    since: str
    until: str
    interval: str
    tz: str
    group_by: list[str]
    rows: list[LatencyRow]
    total: LatencyMeasures


def latency_routes(reader: Questions, clock: Clock) -> APIRouter:
    """Return the route over one ledger."""
    routes = APIRouter(prefix="/api/v1")

    @routes.get("/latency", dependencies=[Depends(in_zone)], responses={200: {"model": LatencyDocument}, **PROBLEMS})
    async def latency(
        request: Request,
        group_by: Annotated[str | None, Query(description="keys, comma separated; operation,model unless said")] = None,
        since: Annotated[str | None, Query(description="ISO 8601, a month or an age: 2026-10, 7d")] = None,
        until: Annotated[str | None, Query(description="as since; the end of what it names")] = None,
        interval: Annotated[str | None, Query(description="1h, 1d or total")] = None,
        filter: Annotated[list[str] | None, Query(description="key:value, key:!value, key:")] = None,  # noqa: A002
        order: Annotated[
            str | None, Query(description="a measure, - for the largest first; -calls unless said")
        ] = None,
        limit: Annotated[str | None, Query(description="how many groups")] = None,
    ) -> Response:
        """How long calls took and how soon they began to answer: p50, p95, p99."""
        del group_by, since, until, interval, filter, order, limit  # declared for the OpenAPI document
        question = parse_latency_question(request.query_params.multi_items(), clock())
        return json_answer(await run_in_threadpool(latency_document, seen_by(request, reader), question))

    return routes
