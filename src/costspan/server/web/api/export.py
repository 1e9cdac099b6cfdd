"""Routes that give tables away as files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from secrets import token_hex
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import FileResponse
from pydantic import BaseModel
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool

from costspan.core.clock import Clock
from costspan.pricing.rate_card import RateCard
from costspan.server.exporters.tables import parse_export, stretch_document
from costspan.server.store.export import TableSource
from costspan.server.web.api.routes import PROBLEMS, json_answer

_KINDS = {"parquet": "application/vnd.apache.parquet", "csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl"}


class StretchDocument(BaseModel):
    """What was posted after a moment, up to another; null where nothing was."""

    posted_after: str | None
    posted_to: str | None


def export_routes(source: TableSource, card: Callable[[], RateCard], data: Path, clock: Clock) -> APIRouter:
    """Return the routes over one ledger's tables; files are made in `data` and go when they are sent."""
    routes = APIRouter(prefix="/api/v1/export")

    @routes.get("", dependencies=[Depends(of_postings)], response_class=FileResponse, responses=PROBLEMS)
    async def export(
        request: Request,
        table: Annotated[str | None, Query(description="calls, charges, focus, entries or charge_entries")] = None,
        format: Annotated[str | None, Query(description="parquet, csv or jsonl")] = None,  # noqa: A002
        since: Annotated[str | None, Query(description="ISO 8601, a month or an age: 2026-10, 7d")] = None,
        until: Annotated[str | None, Query(description="as since; the end of what it names")] = None,
        filter: Annotated[list[str] | None, Query(description="key:value, key:!value, key:")] = None,  # noqa: A002
        as_of: Annotated[str | None, Query(description="the ledger as it stood then")] = None,
    ) -> Response:
        """One table of the ledger as a file; Costspan-Rows says how many rows it has."""
        del table, format, since, until, filter, as_of  # declared for the OpenAPI document
        wanted = parse_export(request.query_params.multi_items(), clock())
        file = data / f"export-{token_hex(4)}.tmp"
        try:
            rows = await run_in_threadpool(wanted.write, source, card(), file)
        except BaseException:
            file.unlink(missing_ok=True)
            raise
        told = {
            "Costspan-Rows": str(rows),
            "Cache-Control": "no-store",
            "Content-Disposition": f'attachment; filename="costspan-{wanted.name}.{wanted.form}"',
        }
        return FileResponse(file, headers=told, media_type=_KINDS[wanted.form], background=BackgroundTask(file.unlink))

    @routes.get("/postings", responses={200: {"model": StretchDocument}, **PROBLEMS})
    async def postings(
        request: Request,
        after: Annotated[str | None, Query(description="a moment of the ledger")] = None,
        most: Annotated[str | None, Query(description="about how many entries, 100000 unless said")] = None,
    ) -> Response:
        """The next stretch of what was posted after a moment."""
        del after, most  # declared for the OpenAPI document
        asked = request.query_params.multi_items()
        return json_answer(await run_in_threadpool(stretch_document, source, asked, clock()))

    return routes


def of_postings(
    posted_after: Annotated[str | None, Query(description="of entries: what was posted after this")] = None,
    posted_to: Annotated[str | None, Query(description="of entries: and up to this")] = None,
) -> None:
    """Declare the stretch of a table of postings for the OpenAPI document; its parser reads it."""
