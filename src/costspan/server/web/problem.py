"""Errors of the API as RFC 9457 problem documents."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from costspan.core.errors import CostspanError, NotFound, RetryableError, UsageError

_log = logging.getLogger("costspan.web")


class Problem(BaseModel):
    """What went wrong, for people (`detail`) and programs (`status`, `title`)."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str


def problem(status: int, detail: str, headers: dict[str, str] | None = None) -> JSONResponse:
    """Return a problem document as a response."""
    document = Problem(title=HTTPStatus(status).phrase, status=status, detail=detail)
    return JSONResponse(document.model_dump(), status, headers=headers, media_type="application/problem+json")


def answer_errors_as_problems(app: FastAPI) -> None:
    """Make every error of `app` a problem document, none a traceback."""

    async def known(_: Request, error: Any) -> JSONResponse:
        if isinstance(error, NotFound):
            return problem(404, str(error))
        if isinstance(error, UsageError):
            return problem(400, str(error))
        if isinstance(error, RetryableError):
            return problem(503, str(error), {"Retry-After": str(error.retry_after_s)})
        return problem(500, str(error))

    async def http(_: Request, error: Any) -> JSONResponse:
        return problem(error.status_code, str(error.detail), error.headers)

    async def invalid(_: Request, error: Any) -> JSONResponse:
        return problem(400, "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()))

    async def unforeseen(request: Request, error: Exception) -> JSONResponse:
        _log.error("unexpected error in %s %s", request.method, request.url.path, exc_info=error)
        return problem(500, "unexpected error; the server's log has the cause")

    app.add_exception_handler(CostspanError, known)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(Exception, unforeseen)
