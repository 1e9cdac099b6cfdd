"""OTLP/HTTP: reads the body within bounds, hands it to the intake, answers after the commit as OTLP prescribes.

Source: opentelemetry-proto docs/specification.md, "OTLP/HTTP Response": 200 with partial success, 400 for what can
never be taken, 429/503 with Retry-After for what can later; the body of an error is a google.rpc.Status in the encoding
of the request.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from google.protobuf import json_format
from google.protobuf.message import Message
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from costspan.core.errors import CostspanError, PermanentError, RetryableError
from costspan.server.pipeline.pipeline import Taken
from costspan.server.pipeline.signals import CONTENT_TYPES, JSON, PROTOBUF
from costspan.server.receiver import answers
from costspan.server.receiver.gate import CHALLENGE, Forbidden, Gate, Unauthenticated
from costspan.server.receiver.in_flight import Share, TooSlow
from costspan.server.receiver.intake import Intake
from costspan.server.receiver.keys import Key, Role
from costspan.server.receiver.limits import MAX_WIRE_BYTES, TooLarge, UnknownEncoding
from costspan.server.receiver.quota import QuotaExceeded

_DRAIN_BYTES: Final = 256 * 1024 * 1024
"""How much of an oversized body is read and thrown away so that the sender, still sending, gets its answer."""

Handler = Callable[[Request], Awaitable[Response]]

_log = logging.getLogger("costspan.otlp")


class UnreadableType(PermanentError):
    """The Content-Type is neither of OTLP's (HTTP 415)."""


def otlp_handler(signal: str, intake: Intake, gate: Gate) -> Handler:
    """Return the handler of `POST /v1/<signal>`."""

    async def take(request: Request) -> Response:
        content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        try:
            key = gate.admit(request.headers.get("authorization", "").encode("latin-1"), Role.INGEST)
            taken = await _take(request, key, content_type, signal, intake)
        except ClientDisconnect:
            intake.counters.count_refused_request("sender went away")
            return Response(status_code=400)
        except CostspanError as error:
            intake.counters.count_refused_request(type(error).__name__)
            return _refusal(error, content_type)
        except Exception as error:  # noqa: BLE001 - whatever it is, the sender gets an answer
            _log.exception("unexpected error in %s", request.url.path)
            intake.counters.count_refused_request("unexpected error")
            return _refusal(error, content_type)
        return _message(answers.response(taken, signal), content_type, 200)

    return take


async def _take(request: Request, key: Key, content_type: str, signal: str, intake: Intake) -> Taken:
    if content_type not in CONTENT_TYPES:
        raise UnreadableType(f"Content-Type {content_type!r} is not OTLP; use {PROTOBUF} or {JSON}")
    intake.admit(key)
    with intake.room.share() as share:
        try:
            async with asyncio.timeout(intake.limits.receive_timeout_s):
                body = await _body(request, share)
        except TimeoutError:
            raise TooSlow(f"the body did not arrive within {intake.limits.receive_timeout_s} s") from None
        return await intake.take(key, body, content_type, request.headers.get("content-encoding", ""), signal)


async def _body(request: Request, share: Share) -> bytes:
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size <= MAX_WIRE_BYTES:
            share.grow(len(part))
            parts.append(part)
        elif size > _DRAIN_BYTES:
            break
        else:
            parts.clear()
    if size > MAX_WIRE_BYTES:
        raise TooLarge(f"more than {MAX_WIRE_BYTES} bytes; send smaller batches")
    return b"".join(parts)


def _refusal(error: Exception, content_type: str) -> Response:
    response = _message(answers.status(error), content_type, _http_status(error))
    if isinstance(error, RetryableError):
        response.headers["Retry-After"] = str(error.retry_after_s)
    if isinstance(error, TooSlow):
        response.headers["Connection"] = "close"
    if isinstance(error, Unauthenticated):
        response.headers["WWW-Authenticate"] = CHALLENGE
    return response


def _http_status(error: Exception) -> int:
    match error:
        case QuotaExceeded():
            return 429
        case RetryableError():
            return 503
        case Unauthenticated():
            return 401
        case Forbidden():
            return 403
        case TooLarge():
            return 413
        case UnreadableType() | UnknownEncoding():
            return 415
        case PermanentError():
            return 400
    return 500


def _message(message: Message, content_type: str, status: int) -> Response:
    if content_type == JSON:
        return Response(json_format.MessageToJson(message, indent=None), status_code=status, media_type=JSON)
    return Response(message.SerializeToString(), status_code=status, media_type=PROTOBUF)
