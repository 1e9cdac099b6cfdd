"""Routes that look after the ledger."""

from __future__ import annotations

import json
from pathlib import Path
from secrets import token_hex

from fastapi import APIRouter, Response
from fastapi.responses import FileResponse
from pydantic import BaseModel, ConfigDict
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool

from costspan.core.clock import Clock
from costspan.server.analytics.upkeep import manifest_document, replay_document, verify_document
from costspan.server.pipeline.caretaker import Caretaker
from costspan.server.pipeline.replay import Replay
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


class ReplayRequest(BaseModel):
    """Which records are read again, by when they began, and whether the ledger is corrected."""

    model_config = ConfigDict(extra="forbid")
    since: str | None = None
    until: str | None = None
    dry_run: bool = True


class ReplayDocument(BaseModel):
    """What reading again changes, or changed."""

    dry_run: bool
    records: int
    new_calls: int
    changed_calls: int
    lost_calls: int
    corrected_entries: int
    cost_before_usd: str
    cost_after_usd: str
    difference_usd: str


class ReplayProgress(BaseModel):
    """The share of records that the run under way has read, null where none is."""

    share_done: float | None


def upkeep_routes(caretaker: Caretaker, replay: Replay, data: Path, clock: Clock) -> APIRouter:
    """Return the routes over one ledger's caretaker and its received records."""
    routes = APIRouter(prefix="/api/v1")

    @routes.post("/verify", responses={200: {"model": VerifyDocument}, **PROBLEMS})
    async def verify(request: VerifyRequest) -> Response:
        """Compare charges with calls, reversals with what they take back, roll-ups with rows."""
        return json_answer(await run_in_threadpool(verify_document, caretaker, request.model_dump()))

    @routes.post("/replay", responses={200: {"model": ReplayDocument}, **PROBLEMS})
    async def replay_records(request: ReplayRequest) -> Response:
        """Read received records again in the words costspan.yaml knows now; correct what is read otherwise."""
        asked = request.model_dump(exclude_none=True)
        return json_answer(await run_in_threadpool(replay_document, replay, asked, clock()))

    @routes.get("/replay", responses={200: {"model": ReplayProgress}, **PROBLEMS})
    async def replay_progress() -> Response:
        """How far the run under way has come."""
        return json_answer({"share_done": replay.share_done})

    @routes.post("/backup", response_class=FileResponse, responses=PROBLEMS)
    async def backup() -> Response:
        """A consistent copy of the ledger as it is now; what it has to hold is in the header Costspan-Manifest."""
        copy = data / f"backup-{token_hex(4)}.tmp"
        try:
            manifest = await run_in_threadpool(caretaker.backup, copy)
        except BaseException:
            copy.unlink(missing_ok=True)
            raise
        told = {"Costspan-Manifest": json.dumps(manifest_document(manifest)), "Cache-Control": "no-store"}
        return FileResponse(copy, headers=told, background=BackgroundTask(copy.unlink))

    return routes
