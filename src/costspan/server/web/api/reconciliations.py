"""`/api/v1/reconciliations`: how far providers' bills are from the ledger, and why."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict
from starlette.concurrency import run_in_threadpool

from costspan.core.clock import Clock
from costspan.server.reconciliation.documents import judge, list_document, marks_document, put_sheet
from costspan.server.reconciliation.reconciler import Reconciler
from costspan.server.web.api.routes import PROBLEMS, json_answer
from costspan.server.web.problem import Problem


class Configured(BaseModel):
    """A provider of `reconcile:`, the variable of its admin key, and whether that is set."""

    provider: str
    key_env: str | None
    has_key: bool


class Verdict(BaseModel):
    """A verdict in short. Shares are of the bill; `net_share` is null where nothing was billed."""

    id: str
    made_at: str
    provider: str
    source: str
    since: str
    until: str
    settled_until: str
    state: str
    reasons: list[str]
    limit: float
    billed_usd: str
    ledger_usd: str
    drift_usd: str
    net_share: float | None
    gross_share: float | None
    unexplained_share: float | None


class VerdictsDocument(BaseModel):
    """Every verdict, the latest first."""

    currency: str
    reconciliations: list[Verdict]
    configured: list[Configured]
    providers: list[str]


class DriftPart(BaseModel):
    """What a cause adds in one scope and model."""

    scope: str | None
    model: str | None
    amount_usd: str


class DriftCause(BaseModel):
    """A cause, what it adds to the bill beyond the ledger, and what to do."""

    cause: str
    amount_usd: str
    share: float | None
    meaning: str
    next_step: str
    parts: list[DriftPart]


class BothSides(BaseModel):
    """Bill and ledger of days that are not settled."""

    billed_usd: str
    ledger_usd: str


class NamedAmount(BaseModel):
    """A line of the bill by its name."""

    line_item: str
    billed_usd: str


class Unseen(BaseModel):
    """A project or key that spends where no telemetry comes from."""

    project: str | None
    api_key: str | None
    billed_usd: str


class Whose(Unseen):
    """A project or key of the bill; `unseen_usd` is the part of which no telemetry came."""

    unseen_usd: str


class SteadyPrice(BaseModel):
    """A price that the bill shows, and ours, for `per` units."""

    model: str
    mode: str | None
    unit: str
    since: str
    until: str
    days: int
    per: int
    billed_usd: str
    our_usd: str
    amount_usd: str
    is_list_price: bool


class ReconciliationDocument(Verdict):
    """A verdict. The amounts of `causes` add up to `drift_usd`; `patch` is YAML for `prices:` of costspan.yaml."""

    currency: str
    unexplained_limit: float
    gross_usd: str
    unexplained_usd: str
    days_of: str
    causes: list[DriftCause]
    provisional: BothSides
    apart: list[NamedAmount]
    apart_ledger_usd: str
    unmapped: list[NamedAmount]
    told_apart_by: str | None
    unseen: list[Unseen]
    origins: list[Whose]
    prices: list[SteadyPrice]
    patch: str | None
    patch_usd: str


class SheetMarkDocument(BaseModel):
    """A part of a bill that is kept."""

    source: str
    report: str
    since: str
    until: str
    fetched_at: str


class SheetsDocument(BaseModel):
    """What is kept of a bill."""

    sheets: list[SheetMarkDocument]


class SheetRequest(BaseModel):
    """Pages of one report of a bill over one period: JSON, gzipped, base64."""

    model_config = ConfigDict(extra="forbid")
    provider: str
    source: str
    report: str
    since: str
    until: str
    fetched_at: str
    body: str


class Kept(BaseModel):
    """It is kept."""

    kept: bool


class JudgeRequest(BaseModel):
    """Whose bill, of which month (the last whole one where none is said), read from `api` or a `file`."""

    model_config = ConfigDict(extra="forbid")
    provider: str
    month: str | None = None
    source: str | None = None


def reconciliation_routes(reconciler: Reconciler, clock: Clock) -> APIRouter:
    """Return the routes over one ledger."""
    routes = APIRouter(prefix="/api/v1/reconciliations")

    @routes.get("", responses={200: {"model": VerdictsDocument}, **PROBLEMS})
    async def verdicts(provider: Annotated[str | None, Query(description="only this one's bills")] = None) -> Response:
        """Every verdict in short."""
        return json_answer(await run_in_threadpool(list_document, reconciler, provider))

    @routes.get("/sheets", responses={200: {"model": SheetsDocument}, **PROBLEMS})
    async def sheets(
        provider: Annotated[str, Query(description="whose bill")],
        month: Annotated[str | None, Query(description="2026-10; the last whole one where none is said")] = None,
    ) -> Response:
        """What is kept of a month's bill."""
        return json_answer(await run_in_threadpool(marks_document, reconciler, provider, month, clock()))

    @routes.post("/sheets", responses={200: {"model": Kept}, **PROBLEMS})
    async def keep(request: SheetRequest) -> Response:
        """Keep a part of a bill that was fetched elsewhere."""
        return json_answer(await run_in_threadpool(put_sheet, reconciler, request.model_dump(), clock()))

    @routes.post("", responses={200: {"model": ReconciliationDocument}, **PROBLEMS})
    async def compare(request: JudgeRequest) -> Response:
        """Compare what is kept of a month's bill with the ledger."""
        return json_answer(await run_in_threadpool(judge, reconciler, request.model_dump(), clock()))

    @routes.get(
        "/{reconciliation_id}", responses={200: {"model": ReconciliationDocument}, 404: {"model": Problem}, **PROBLEMS}
    )
    async def verdict(reconciliation_id: str) -> Response:
        """One verdict, with its causes."""
        return json_answer((await run_in_threadpool(reconciler.one, reconciliation_id)).document)

    return routes
