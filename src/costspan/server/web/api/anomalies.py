"""`/api/v1/anomalies`: who spends more than usual, since when, and why."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from costspan.core.clock import Clock
from costspan.server.store.tenancy import Questions
from costspan.server.web.api.routes import PROBLEMS, in_zone, json_answer
from costspan.server.web.tenant import seen_by

if TYPE_CHECKING:
    from costspan.server.analytics.anomaly.finder import Finder


class Span(BaseModel):
    """From `since` up to, not including, `until`."""

    since: str
    until: str


class Behind(BaseModel):
    """What one value of a key changed by."""

    key: str
    value: str | None
    change_usd: str


class Drivers(BaseModel):
    """What the change is made of; the parts add up to `change_usd` exactly."""

    calls_usd: str
    retries_usd: str
    model_mix_usd: str
    input_tokens_usd: str
    output_tokens_usd: str
    cache_share_usd: str
    price_usd: str
    fees_usd: str
    other_usd: str


class Why(BaseModel):
    """The window's exact cost less the mean of earlier windows, taken apart. `reasons` says the weightiest in words."""

    observed_usd: str
    usual_usd: str
    change_usd: str
    compared_with: list[Span]
    drivers: Drivers
    behind: list[Behind]
    reasons: list[str]


class Links(BaseModel):
    """Where the calls behind it are: a page of the dashboard, a path of the API."""

    dashboard: str
    calls: str


class AnomalyDocument(BaseModel):
    """An anomaly of one group. Dollars and `ratio` are of `window`, the one that was furthest past its limits.

    `channel` is what gave alarm: calls, cost, cost_per_call, input_per_call, output_per_call, price_per_token or
    new_group. `score` is 1 at the limits. Expected and observed dollars are statistics; `why` has the ledger's.
    """

    group: dict[str, str | None]
    channel: str
    cause: str
    text: str
    first_alarm_at: str
    last_alarm_at: str
    ongoing: bool
    window: Span
    expected_usd: str
    observed_usd: str
    ratio: float | None
    score: float
    why: Why | None
    links: Links


class AnomaliesDocument(BaseModel):
    """The answer of `/api/v1/anomalies`, the latest first.

    By all that was posted up to `as_of`; what comes later for days that are over counts within a minute.
    """

    since: str
    until: str
    as_of: str
    tz: str
    currency: str
    group_by: list[str]
    sensitivity: float
    anomalies: list[AnomalyDocument]


def anomaly_routes(reader: Questions, clock: Clock) -> APIRouter:
    """Return the route over one ledger."""
    routes = APIRouter(prefix="/api/v1")

    @cache
    def finder() -> Finder:
        from costspan.server.analytics.anomaly.finder import Finder  # noqa: PLC0415 - as below

        return Finder()

    @routes.get(
        "/anomalies", dependencies=[Depends(in_zone)], responses={200: {"model": AnomaliesDocument}, **PROBLEMS}
    )
    async def anomalies(
        request: Request,
        since: Annotated[str | None, Query(description="ISO 8601, a month or an age: 2026-10, 7d")] = None,
        until: Annotated[str | None, Query(description="as since; the end of what it names")] = None,
        group_by: Annotated[str | None, Query(description="keys, comma separated; feature unless said")] = None,
        filter: Annotated[list[str] | None, Query(description="key:value, key:!value, key:")] = None,  # noqa: A002
        sensitivity: Annotated[str | None, Query(description="3 unless said; more is told below, less above")] = None,
        explain: Annotated[str | None, Query(description="true: with drivers, of the latest 20")] = None,
        limit: Annotated[str | None, Query(description="how many")] = None,
    ) -> Response:
        """Which groups spent far more than they usually do, when it was noticed, expected and observed dollars."""
        del since, until, group_by, filter, sensitivity, explain, limit  # declared for the OpenAPI document
        # With it comes numpy: a quarter of a second, and only where anomalies are asked for.
        from costspan.server.analytics.anomaly.document import (  # noqa: PLC0415
            anomalies_document,
            parse_anomaly_question,
        )

        question = parse_anomaly_question(request.query_params.multi_items(), clock())
        return json_answer(await run_in_threadpool(anomalies_document, finder(), seen_by(request, reader), question))

    return routes
