"""`/api/v1/budgets`: where budgets stand, and the verdict the SDK's guard asks for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from costspan.core.budget import Budget
from costspan.core.clock import Clock
from costspan.server.analytics.budget_outlook import outlooks_document
from costspan.server.analytics.budgets import budgets_document, verdict_document
from costspan.server.store.ports import LedgerReader
from costspan.server.web.api.forecast import ExpectedDay, Range
from costspan.server.web.api.routes import PROBLEMS, json_answer
from costspan.server.web.problem import Problem


class Verdict(BaseModel):
    """Whether a call is allowed. `state` is ok, soft (nearly spent, or calls without a price) or exceeded; `spent_usd`
    the estimate of all calls where the recorded ones are a sample. Ask again after `max_age_s` seconds."""

    name: str
    allowed: bool
    state: str
    reason: str
    amount_usd: str
    spent_usd: str
    remaining_usd: str
    period: str
    since: str
    until: str
    unpriced_calls: int
    max_age_s: int


class BudgetStanding(BaseModel):
    """A budget and its period. `remaining_usd` below 0 is overspent; `share_elapsed` null is a period that rolls."""

    name: str
    scope: dict[str, str]
    allowed: bool
    state: str
    reason: str
    amount_usd: str
    spent_usd: str
    recorded_usd: str
    remaining_usd: str
    share_spent: float
    share_elapsed: float | None
    period: str
    since: str
    until: str
    calls: int
    unpriced_calls: int
    partial_calls: int
    share_priced: float | None
    on_unpriced: str
    notify: list[str]


class BudgetsDocument(BaseModel):
    """The answer of `/api/v1/budgets`, in the order of costspan.yaml."""

    currency: str
    now: str
    budgets: list[BudgetStanding]


class Burn(BaseModel):
    """What a window took of the amount, and how many times its usual share of the period; `fast` is worth a page."""

    window: str
    spent_usd: str
    share_of_amount: float
    times_usual: float
    fast: bool


class BudgetOutlook(BudgetStanding):
    """A budget and how its period is expected to end: within, over (P50), surely_over (P10), or unknown where history
    is too short. One that rolls is looked at as it will be at `forecast_until`."""

    expectation: str
    forecast_until: str
    forecast_usd: Range | None
    explanation: str
    burn: list[Burn]
    burn_note: str | None
    days: list[ExpectedDay]


class BudgetOutlooks(BaseModel):
    """The answer of `/api/v1/budgets/outlook`, in the order of costspan.yaml."""

    currency: str
    now: str
    budgets: list[BudgetOutlook]


def budget_routes(reader: LedgerReader, budgets: Sequence[Budget], clock: Clock) -> APIRouter:
    """Return the routes over one ledger and the budgets of its configuration."""
    routes = APIRouter(prefix="/api/v1/budgets")

    @routes.get("", responses={200: {"model": BudgetsDocument}, **PROBLEMS})
    async def standing(request: Request) -> Response:
        """Every budget: spent, left, how much of its period is over."""
        asked = request.query_params.multi_items()
        return json_answer(await run_in_threadpool(budgets_document, reader, budgets, asked, clock()))

    @routes.get("/outlook", responses={200: {"model": BudgetOutlooks}, **PROBLEMS})
    async def outlook(request: Request) -> Response:
        """Every budget, what its period will come to, and whether it is being spent faster than usual."""
        asked = request.query_params.multi_items()
        return json_answer(await run_in_threadpool(outlooks_document, reader, budgets, asked, clock()))

    @routes.get("/verdict", responses={200: {"model": Verdict}, 404: {"model": Problem}, **PROBLEMS})
    async def verdict(
        request: Request,
        budget: Annotated[str, Query(description="its name in costspan.yaml")],
    ) -> Response:
        """May one more call be made under a budget?"""
        del budget  # declared for the OpenAPI document
        asked = request.query_params.multi_items()
        return json_answer(await run_in_threadpool(verdict_document, reader, budgets, asked, clock()))

    return routes
