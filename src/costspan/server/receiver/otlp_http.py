"""OTLP/HTTP: reads the body within bounds, hands it to the pipeline, answers after the commit as OTLP prescribes.

Source: opentelemetry-proto docs/specification.md, "OTLP/HTTP Response": 200 with partial success, 400 for what can
never be taken, 429/503 with Retry-After for what can later; the body of an error is a google.rpc.Status in the encoding
of the request.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from google.protobuf import json_format
from google.protobuf.message import Message
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from costspan.core.errors import CostspanError, RetryableError
from costspan.server.pipeline import views
from costspan.server.pipeline.pipeline import Pipeline, Taken
from costspan.server.pipeline.signals import CONTENT_TYPES, JSON, PROTOBUF
from costspan.server.receiver.limits import MAX_WIRE_BYTES, TooLarge, UnknownEncoding, unpack

_INVALID_ARGUMENT: Final = 3
_UNAVAILABLE: Final = 14
MAX_IN_FLIGHT: Final = 64
"""Requests being decoded or waiting for their commit, beyond which a sender is told to come back."""
_DRAIN_BYTES: Final = 256 * 1024 * 1024
"""How much of an oversized body is read and thrown away so that the sender, still sending, gets its answer."""

Handler = Callable[[Request], Awaitable[Response]]


class UnreadableType(CostspanError):
    """The Content-Type is neither of OTLP's (HTTP 415)."""


def otlp_handler(signal: str, pipeline: Pipeline, workers: ThreadPoolExecutor) -> Handler:
    """Return the handler of `POST /v1/<signal>`. Decoding runs on `workers`, so the network loop stays free."""

    in_flight = 0

    async def take(request: Request) -> Response:
        nonlocal in_flight
        content_type = _content_type(request)
        in_flight += 1
        try:
            if in_flight > MAX_IN_FLIGHT or pipeline.is_full:
                raise RetryableError("too many requests at once", retry_after_s=1)
            taken = await _take(request, content_type, signal, pipeline, workers)
        except ClientDisconnect:
            pipeline.counters.count_refused_request("sender went away")
            return Response(status_code=400)
        except CostspanError as error:
            pipeline.counters.count_refused_request(type(error).__name__)
            return _refusal(error, content_type)
        finally:
            in_flight -= 1
        return _message(_answer(taken, signal), content_type, 200)

    return take


async def _take(
    request: Request, content_type: str, signal: str, pipeline: Pipeline, workers: ThreadPoolExecutor
) -> Taken:
    if content_type not in CONTENT_TYPES:
        raise UnreadableType(f"Content-Type {content_type!r} is not OTLP; use {PROTOBUF} or {JSON}")
    body = await _body(request)
    loop = asyncio.get_running_loop()
    encoding = request.headers.get("content-encoding", "")
    pending = await loop.run_in_executor(workers, lambda: pipeline.start(unpack(body, encoding), content_type, signal))
    new = await asyncio.wrap_future(pending.committed)
    return pipeline.finish(pending, new)


async def _body(request: Request) -> bytes:
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size <= MAX_WIRE_BYTES:
            parts.append(part)
        elif size > _DRAIN_BYTES:
            break
        else:
            parts.clear()
    if size > MAX_WIRE_BYTES:
        raise TooLarge(f"more than {MAX_WIRE_BYTES} bytes; send smaller batches")
    return b"".join(parts)


def _content_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _answer(taken: Taken, signal: str) -> Message:
    answer: Message = views.RESPONSES[signal]()
    if taken.refused_items:
        reasons = "; ".join(f"{count} x {reason}" for reason, count in sorted(taken.refused.items()))
        setattr(answer.partial_success, views.REJECTED[signal], taken.refused_items)  # type: ignore[attr-defined]
        answer.partial_success.error_message = reasons  # type: ignore[attr-defined]
    return answer


def _refusal(error: CostspanError, content_type: str) -> Response:
    retryable = isinstance(error, RetryableError)
    status = views.RpcStatus(code=_UNAVAILABLE if retryable else _INVALID_ARGUMENT, message=str(error))
    response = _message(status, content_type, _http_status(error))
    if isinstance(error, RetryableError):
        response.headers["Retry-After"] = str(error.retry_after_s)
    return response


def _http_status(error: CostspanError) -> int:
    if isinstance(error, RetryableError):
        return 503
    if isinstance(error, TooLarge):
        return 413
    return 415 if isinstance(error, UnreadableType | UnknownEncoding) else 400


def _message(message: Message, content_type: str, status: int) -> Response:
    if content_type == JSON:
        return Response(json_format.MessageToJson(message, indent=None), status_code=status, media_type=JSON)
    return Response(message.SerializeToString(), status_code=status, media_type=PROTOBUF)
