"""`/api/v1/tools`: which tool costs, and which one breaks."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from costspan.core.clock import Clock
from costspan.server.analytics.tools import parse_tool_question, tools_document
from costspan.server.store.tenancy import Questions
from costspan.server.web.api.documents import Quantiles, Usd
from costspan.server.web.api.routes import in_zone
from costspan.server.web.problem import Problem
from costspan.server.web.tenant import seen_by


class ToolMeasures(BaseModel):
    """Measures of one tool. `cost_usd` = `fees_usd` + `inside_usd` + `follow_up_usd`; each null where nothing is known.

    `calls` are tool spans and, in `charged_calls`, uses a provider ran and billed itself; `errors`, `error_rate` and
    `latency_ms` are of the spans alone. A completion that reads the results of several tools is among the
    `follow_up_calls` of each, with its cost split evenly; in the total it is one.
    """

    calls: int
    charged_calls: int
    errors: int
    error_rate: float | None
    cost_usd: Usd
    fees_usd: Usd
    inside_usd: Usd
    follow_up_usd: Usd
    cost_per_call_usd: Usd
    follow_up_calls: int
    latency_ms: Quantiles | None


class ToolRow(ToolMeasures):
    """A tool, in one time bucket where there are any. What it caused inside another tool is its own alone."""

    tool: str
    start: str | None = None


class ToolCompleteness(BaseModel):
    """What the costs leave out: tool calls whose reader was not found, and calls of tools that have no price."""

    follow_up_unknown_calls: int
    unpriced_calls: int


class ToolsDocument(BaseModel):
    """The answer of `/api/v1/tools`."""

    since: str
    until: str
    interval: str
    tz: str
    currency: str
    rows: list[ToolRow]
    total: ToolMeasures
    completeness: ToolCompleteness


def tool_routes(reader: Questions, clock: Clock) -> APIRouter:
    """Return the route over one ledger."""
    routes = APIRouter(prefix="/api/v1")
    problems: dict[int | str, dict[str, Any]] = {400: {"model": Problem}, 503: {"model": Problem}}

    @routes.get("/tools", dependencies=[Depends(in_zone)], responses={200: {"model": ToolsDocument}, **problems})
    async def tools(
        request: Request,
        since: Annotated[str | None, Query(description="ISO 8601, a month or an age: 2026-10, 7d")] = None,
        until: Annotated[str | None, Query(description="as since; the end of what it names")] = None,
        interval: Annotated[str | None, Query(description="1h, 1d or total")] = None,
        filter: Annotated[list[str] | None, Query(description="key:value, key:!value, key:")] = None,  # noqa: A002
    ) -> Response:
        """What each tool cost, in three parts: its fees, the calls inside it, the completions that read its results."""
        del since, until, interval, filter  # declared for the OpenAPI document
        question = parse_tool_question(request.query_params.multi_items(), clock())
        document = await run_in_threadpool(tools_document, seen_by(request, reader), question)
        body = msgspec.json.encode(document)
        return Response(body, media_type="application/json", headers={"Cache-Control": "no-store"})

    return routes
