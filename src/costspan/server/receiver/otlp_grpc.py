"""OTLP/gRPC: the three Export services over the same intake as OTLP/HTTP.

A generic handler without (de)serialisers passes the bytes of a message on. gRPC unpacks gzip and deflate itself and
stops at the largest message. Source: opentelemetry-proto docs/specification.md, "OTLP/gRPC": retryable is what says
UNAVAILABLE, or carries a RetryInfo.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final

import grpc

from costspan.core.errors import CostspanError, PermanentError, RetryableError
from costspan.server.pipeline import views
from costspan.server.pipeline.pipeline import Taken
from costspan.server.pipeline.signals import PROTOBUF
from costspan.server.receiver import answers
from costspan.server.receiver.gate import Gate
from costspan.server.receiver.in_flight import TooSlow
from costspan.server.receiver.intake import Intake
from costspan.server.receiver.keys import Key, Role
from costspan.server.receiver.limits import MAX_WIRE_BYTES

_SERVICES: Final = {
    "traces": "opentelemetry.proto.collector.trace.v1.TraceService",
    "logs": "opentelemetry.proto.collector.logs.v1.LogsService",
    "metrics": "opentelemetry.proto.collector.metrics.v1.MetricsService",
}
OPTIONS: Final = (
    ("grpc.so_reuseport", 0),  # or a second server would share the port, and half of the telemetry, unnoticed
    ("grpc.max_receive_message_length", MAX_WIRE_BYTES),
    ("grpc.max_concurrent_streams", 256),
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
)
_STATUS_DETAILS: Final = "grpc-status-details-bin"
_RETRY_INFO: Final = "type.googleapis.com/google.rpc.RetryInfo"
_CODES: Final = {code.value[0]: code for code in grpc.StatusCode}

Context = Any
_log = logging.getLogger("costspan.otlp")


class NoMessage(PermanentError):
    """The call ended without one: the sender went away, or gRPC refused it for its size."""


def otlp_services(intake: Intake, gate: Gate) -> list[Any]:
    """Return gRPC's generic handlers of the three services."""
    return [
        grpc.method_handlers_generic_handler(
            service,
            # On the wire a call with one request is a stream of one. A handler of streams is called before the request
            # is read, so that nobody's bytes are taken in before the key is seen and there is room for them.
            {"Export": grpc.stream_unary_rpc_method_handler(_exporter(signal, intake, gate))},
        )
        for signal, service in _SERVICES.items()
    ]


def _exporter(signal: str, intake: Intake, gate: Gate) -> Callable[[Any, Context], Awaitable[bytes]]:
    async def export(_: Any, context: Context) -> bytes:
        try:
            key = gate.admit(_authorization(context), Role.INGEST)
            taken = await _take(context, key, signal, intake)
        except CostspanError as error:
            intake.counters.count_refused_request(type(error).__name__)
            return await _refuse(context, error)
        except Exception as error:  # noqa: BLE001 - whatever it is, the sender gets an answer
            _log.exception("unexpected error in an OTLP/gRPC export of %s", signal)
            intake.counters.count_refused_request("unexpected error")
            return await _refuse(context, error)
        return answers.response(taken, signal).SerializeToString()

    return export


async def _take(context: Context, key: Key, signal: str, intake: Intake) -> Taken:
    intake.admit(key)
    try:
        async with asyncio.timeout(intake.limits.receive_timeout_s):
            message: Any = await context.read()
    except TimeoutError:
        raise TooSlow(f"the message did not arrive within {intake.limits.receive_timeout_s} s") from None
    if message is grpc.aio.EOF:
        raise NoMessage(f"no message of at most {MAX_WIRE_BYTES} bytes came")
    with intake.room.share() as share:
        share.grow(len(message))
        return await intake.take(key, message, PROTOBUF, "identity", signal)


def _authorization(context: Context) -> bytes:
    for key, value in context.invocation_metadata() or ():
        if key == "authorization":
            return value if isinstance(value, bytes) else value.encode()
    return b""


async def _refuse(context: Context, error: Exception) -> bytes:
    status = answers.status(error)
    if isinstance(error, RetryableError):
        retry = views.RetryInfo()
        retry.retry_delay.seconds = error.retry_after_s
        status.details.add(type_url=_RETRY_INFO, value=retry.SerializeToString())
    details = ((_STATUS_DETAILS, status.SerializeToString()),)
    await context.abort(_CODES[status.code], status.message, details)
    return b""
