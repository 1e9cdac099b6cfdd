"""A collector that answers 200 to everything, and remembers which costs the spans it was sent report."""

from __future__ import annotations

import gzip
import json
import threading
from collections import Counter, defaultdict
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

_ENOUGH = 2
"""Requests of a peer that are read; the rest is only answered, so that reading them does not disturb measuring."""


class Sink:
    """A context manager. A peer sends to `address(peer)`; `reported` is read once it has sent."""

    def __enter__(self) -> Self:
        self._bodies: dict[str, list[bytes]] = defaultdict(list)
        self._server = _Server(("127.0.0.1", 0), partial(_Handler, self._bodies))
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def address(self, peer: str) -> str:
        """Return the base URL to give the peer as its OTLP endpoint."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/{peer}"

    def spans(self, peer: str) -> list[Any]:
        """Return the spans read."""
        requests = [ExportTraceServiceRequest.FromString(body) for body in self._bodies[peer]]
        return [
            span for one in requests for of in one.resource_spans for scope in of.scope_spans for span in scope.spans
        ]

    def reported_usd(self, peer: str) -> float | None:
        """Return the cost that the peer's spans report for a call, or None where they report none."""
        costs = Counter(cost for span in self.spans(peer) if (cost := _cost(span)) is not None)
        return costs.most_common(1)[0][0] if costs else None


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep quiet: a process that has been measured is ended with its connections open."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, bodies: dict[str, list[bytes]], *connection: Any) -> None:
        self._bodies = bodies
        super().__init__(*connection)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        peer = self.path.split("/")[1]
        if self.path.endswith("/v1/traces") and len(self._bodies[peer]) < _ENOUGH:
            self._bodies[peer].append(gzip.decompress(body) if self.headers["Content-Encoding"] == "gzip" else body)
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the base class's
        """Keep quiet."""


def _cost(span: Any) -> float | None:
    """Return the number under the first key that speaks of cost, be it inside a JSON text as with Langfuse."""
    for attribute in span.attributes:
        if "cost" in attribute.key and (cost := _number(attribute.value)) is not None:
            return cost
    return None


def _number(value: Any) -> float | None:
    if value.HasField("double_value"):
        return float(value.double_value)
    if value.HasField("string_value"):
        try:
            told = json.loads(value.string_value)
        except ValueError:
            return None
        total = told.get("total") if isinstance(told, dict) else told
        return float(total) if isinstance(total, int | float) else None
    return None
