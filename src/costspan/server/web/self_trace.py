"""Spans of the server's own work, off unless asked for: one for each question to the API, sent where OTEL_* says.

OTLP requests make none, so what is sent can come back through any number of collectors without making more of itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import urlsplit

from opentelemetry.trace import SpanKind, StatusCode, Tracer
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from costspan import __version__
from costspan.core.errors import UsageError
from costspan.server.config import ServerConfig
from costspan.server.web.paths import route_path

_ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_OWN_HOSTS: Final = frozenset({"localhost", "127.0.0.1", "::1", "0.0.0.0"})  # noqa: S104 - not bound, compared with


def own_tracer(config: ServerConfig, environment: Mapping[str, str]) -> tuple[Tracer, Callable[[], None]]:
    """Return a tracer that sends to the endpoint of the environment, and what sends the rest and stops it.

    Raise UsageError where there is no endpoint, or it is this server itself.
    """
    # A third of a second for what few switch on.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    endpoint = next((environment[name] for name in _ENDPOINTS if environment.get(name)), None)
    if endpoint is None:
        raise UsageError(f"--self-trace sends to {_ENDPOINTS[1]}, which is not set")
    address = urlsplit(endpoint)
    if address.port == config.port and address.hostname in {*_OWN_HOSTS, config.host}:
        raise UsageError(f"--self-trace would send to this server itself: {_ENDPOINTS[1]} is {endpoint}")
    provider = TracerProvider(resource=Resource.create({"service.name": "costspan", "service.version": __version__}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider.get_tracer("costspan.server"), provider.shutdown


class TraceQuestions:
    """ASGI middleware that makes a span of each request to the API."""

    def __init__(self, app: ASGIApp, tracer: Tracer) -> None:
        self._app = app
        self._tracer = tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on within a span."""
        if scope["type"] != "http" or not route_path(scope).startswith("/api/"):
            await self._app(scope, receive, send)
            return
        with self._tracer.start_as_current_span(scope["method"], kind=SpanKind.SERVER) as span:

            async def watched(message: Message) -> None:
                if message["type"] == "http.response.start":
                    span.set_attribute("http.response.status_code", message["status"])
                    if message["status"] >= 500:
                        span.set_status(StatusCode.ERROR)
                await send(message)

            span.set_attribute("http.request.method", scope["method"])
            await self._app(scope, receive, watched)
            if (route := getattr(scope.get("route"), "path", None)) is not None:
                span.update_name(f"{scope['method']} {route}")
                span.set_attribute("http.route", route)
