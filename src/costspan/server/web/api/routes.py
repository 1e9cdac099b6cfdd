"""The routes of the API. Each asks analytics in a worker thread and sends the document as it is."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Depends, Query, Response
from starlette.concurrency import run_in_threadpool

from costspan import __version__
from costspan.core.clock import Clock
from costspan.core.period import iso
from costspan.server.analytics.spend import parse_question, spend_document
from costspan.server.pipeline.counters import IngestCounters
from costspan.server.store.question import Interval
from costspan.server.store.tenancy import Questions
from costspan.server.web.api.csv_answer import CSV, Asked, asked, columns_of, csv_answer
from costspan.server.web.api.documents import IngestDocument, SpendDocument, SpendMeasures
from costspan.server.web.problem import Problem
from costspan.server.web.tenant import seen_by

PROBLEMS: Final[dict[int | str, dict[str, Any]]] = {400: {"model": Problem}, 503: {"model": Problem}}


def api_routes(reader: Questions, counters: IngestCounters, clock: Clock) -> APIRouter:
    """Return the `/api/v1` routes over one ledger."""
    routes = APIRouter(prefix="/api/v1")

    @routes.get(
        "/spend",
        dependencies=[Depends(in_zone), Depends(of_measures)],
        responses={200: {"model": SpendDocument, **CSV}, **PROBLEMS},
    )
    async def spend(
        asked: Annotated[Asked, Depends(asked)],
        group_by: Annotated[str | None, Query(description="keys, comma separated: model,feature")] = None,
        since: Annotated[str | None, Query(description="ISO 8601, a month or an age: 2026-10, 7d")] = None,
        until: Annotated[str | None, Query(description="as since; the end of what it names")] = None,
        interval: Annotated[str | None, Query(description="1h, 1d or total")] = None,
        filter: Annotated[list[str] | None, Query(description="key:value, key:!value, key:")] = None,  # noqa: A002
        order: Annotated[str | None, Query(description="a measure, - for the largest first")] = None,
        limit: Annotated[str | None, Query(description="how many groups")] = None,
    ) -> Response:
        """What was spent, grouped and filtered; every total with what it leaves out."""
        del group_by, since, until, interval, filter, order, limit  # declared for the OpenAPI document
        question = parse_question(asked.parameters, clock())
        document = await run_in_threadpool(spend_document, seen_by(asked.request, reader), question)
        if not asked.as_csv:
            return json_answer(document)
        keys = (*question.group_by, *(["start"] if question.interval is not Interval.TOTAL else []))
        told = [column for column in columns_of(SpendMeasures) if column.split(".")[0] in document["total"]]
        return await csv_answer("spend", (*keys, *told), document["rows"])

    @routes.get("/ingest", responses={200: {"model": IngestDocument}, **PROBLEMS})
    async def ingest() -> Response:
        """What came in, what was refused and why, which dialects were seen."""
        summary = await run_in_threadpool(reader.summary)
        counts = counters.read()
        return json_answer(
            {
                "received_spans": counts.received_spans,
                "new_calls": counts.calls,
                "retransmitted": counts.retransmitted,
                "other_spans": counts.other_spans,
                "refused": counts.refused,
                "refused_requests": counts.refused_requests,
                "dialects": summary.dialects,
                "calls": summary.calls,
                "spans_per_minute": counts.spans_per_minute,
                "last_received_at": iso(counts.last_received_at) if counts.last_received_at else None,
                "clock_skew_s": counts.clock_skew_s,
                "first_call_at": iso(summary.first_call_at) if summary.first_call_at else None,
                "last_call_at": iso(summary.last_call_at) if summary.last_call_at else None,
                "server_time": iso(clock()),
                "version": __version__,
            }
        )

    return routes


def in_zone(
    tz: Annotated[str | None, Query(description="IANA zone whose days the buckets are: UTC unless said")] = None,
) -> None:
    """Declare the zone of a question with buckets for the OpenAPI document; its parser reads it."""


def of_measures(
    measures: Annotated[
        str | None, Query(description="the measures to answer with, comma separated: cost_usd,calls; all unless said")
    ] = None,
) -> None:
    """Declare which measures are asked for, for the OpenAPI document; the question's parser reads it."""


def json_answer(document: Any) -> Response:
    """Return a document as it is sent: never from a cache."""
    return Response(msgspec.json.encode(document), media_type="application/json", headers={"Cache-Control": "no-store"})
