"""Routes that look after the ledger."""

from __future__ import annotations

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict
from starlette.concurrency import run_in_threadpool

from costspan.server.analytics.upkeep import verify_document
from costspan.server.pipeline.caretaker import Caretaker
from costspan.server.web.api.routes import PROBLEMS, json_answer


class VerifyRequest(BaseModel):
    """Whether roll-ups that differ from their rows are made anew."""

    model_config = ConfigDict(extra="forbid")
    repair: bool = False


class FindingDocument(BaseModel):
    """Something that does not add up; `rolled_up` says that the rows are right and it can be mended."""

    day: str
    what: str
    rows: int
    rolled_up: bool


class VerifyDocument(BaseModel):
    """What a look over the ledger came to."""

    well: bool
    entries: int
    findings: list[FindingDocument]
    repaired_days: list[str]


def upkeep_routes(caretaker: Caretaker) -> APIRouter:
    """Return the routes over one ledger's caretaker."""
    routes = APIRouter(prefix="/api/v1")

    @routes.post("/verify", responses={200: {"model": VerifyDocument}, **PROBLEMS})
    async def verify(request: VerifyRequest) -> Response:
        """Compare charges with calls, reversals with what they take back, roll-ups with rows."""
        return json_answer(await run_in_threadpool(verify_document, caretaker, request.model_dump()))

    return routes
