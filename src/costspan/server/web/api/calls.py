"""The routes of rows: `/api/v1/calls` and `/api/v1/traces/{trace_id}`. Included by the application factory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from costspan.core.clock import Clock
from costspan.pricing.rate_card import RateCard
from costspan.server.analytics.calls import all_call_documents, calls_document, parse_calls_question
from costspan.server.analytics.traces import parse_trace_parameters, trace_document
from costspan.server.store.tenancy import Questions
from costspan.server.web.api.call_documents import CallDocument, CallsDocument, TraceDocument
from costspan.server.web.api.csv_answer import CSV, Asked, asked, columns_of, csv_answer
from costspan.server.web.api.routes import PROBLEMS, json_answer
from costspan.server.web.problem import Problem
from costspan.server.web.tenant import seen_by


def call_routes(reader: Questions, card: Callable[[], RateCard], clock: Clock) -> APIRouter:
    """Return the routes over one ledger; `card()` describes the rates in use."""
    routes = APIRouter(prefix="/api/v1")

    @routes.get("/calls", responses={200: {"model": CallsDocument, **CSV}, **PROBLEMS})
    async def calls(
        asked: Annotated[Asked, Depends(asked)],
        since: Annotated[str | None, Query(description="ISO 8601, a month or an age: 2026-10, 7d")] = None,
        until: Annotated[str | None, Query(description="as since; the end of what it names")] = None,
        filter: Annotated[list[str] | None, Query(description="key:value, key:!value, key:")] = None,  # noqa: A002
        role: Annotated[str | None, Query(description="owner (default), duplicate, aggregate or all")] = None,
        order: Annotated[str | None, Query(description="time (the latest first) or cost (the dearest first)")] = None,
        limit: Annotated[str | None, Query(description="rows of a page: 50 unless said, 1000 at most")] = None,
        cursor: Annotated[str | None, Query(description="next_cursor of the page before")] = None,
    ) -> Response:
        """The calls behind a figure, page by page; later pages see the ledger as the first one did.

        As CSV without limit or cursor: all of them, as the ledger was when it was asked.
        """
        del since, until, filter, role, order  # declared for the OpenAPI document
        question = parse_calls_question(asked.parameters, clock())
        seen = seen_by(asked.request, reader)
        if asked.as_csv and limit is None and cursor is None:
            return await csv_answer("calls", columns_of(CallDocument), all_call_documents(seen, question, card()))
        document = await run_in_threadpool(calls_document, seen, question, card())
        if asked.as_csv:
            return await csv_answer("calls", columns_of(CallDocument), document["rows"])
        return json_answer(document)

    @routes.get("/traces/{trace_id}", responses={200: {"model": TraceDocument}, 404: {"model": Problem}, **PROBLEMS})
    async def trace(request: Request, trace_id: str) -> Response:
        """One trace as a priced tree, by its id or the first digits of it: what counts, what does not and why."""
        parse_trace_parameters(request.query_params.multi_items())
        return json_answer(await run_in_threadpool(trace_document, seen_by(request, reader), trace_id, card()))

    return routes
