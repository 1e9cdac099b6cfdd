"""A receiver for tests of the sending side: takes OTLP/HTTP as any backend does and keeps the spans."""

from __future__ import annotations

import gzip
import threading
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Status


@dataclass
class ReceivedSpan:
    """One span: its name, its attributes, its resource's and scope as plain values, and how it came."""

    name: str
    attributes: dict[str, Any]
    resource: dict[str, Any]
    headers: dict[str, str]
    trace_id: str
    parent_span_id: str
    status: str
    connection: int
    span_id: str
    scope: str


@dataclass
class OtlpReceiver:
    """Listens inside its `with` block; `status` is what every export is answered with, once `answering` is set."""

    status: int = 200
    keep_alive: bool = False
    answering: threading.Event = field(default_factory=threading.Event)
    asked: threading.Event = field(default_factory=threading.Event)
    spans: list[ReceivedSpan] = field(default_factory=list)
    bodies: list[tuple[str, bytes]] = field(default_factory=list)
    """Path and protobuf of every export that was taken, in the order they came."""
    connections: list[tuple[str, int]] = field(default_factory=list)
    """Path and the sender's port of every request, in the order they came."""
    attempts: int = 0

    def __post_init__(self) -> None:
        self.answering.set()

    def __enter__(self) -> Self:
        handler = _KeepAlive if self.keep_alive else _Handler
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, self))
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        self.endpoint = f"http://127.0.0.1:{self._server.server_address[1]}"
        return self

    def __exit__(self, *_: object) -> None:
        self.answering.set()
        self._server.shutdown()
        self._server.server_close()

    def calls(self) -> list[dict[str, Any]]:
        """The attributes of the spans that are model calls, in the order they arrived."""
        return [span.attributes for span in self.spans if "gen_ai.operation.name" in span.attributes]


class _Handler(BaseHTTPRequestHandler):
    def __init__(self, receiver: OtlpReceiver, *connection: Any) -> None:
        self.receiver = receiver
        super().__init__(*connection)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        self.receiver.attempts += 1
        self.receiver.connections.append((self.path, self.client_address[1]))
        self.receiver.asked.set()
        self.receiver.answering.wait(60)
        if self.receiver.status == 200:
            self.receiver.bodies.append((self.path, body))
        if self.path.endswith("/v1/traces") and self.receiver.status == 200:
            self.receiver.spans.extend(_spans(body, dict(self.headers), self.client_address[1]))
        self.send_response(self.receiver.status)
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Stay quiet."""


class _KeepAlive(_Handler):
    protocol_version = "HTTP/1.1"


def _spans(body: bytes, headers: dict[str, str], connection: int) -> list[ReceivedSpan]:
    return [
        ReceivedSpan(
            span.name,
            _plain(span.attributes),
            _plain(resource_spans.resource.attributes),
            headers,
            span.trace_id.hex(),
            span.parent_span_id.hex(),
            Status.StatusCode.Name(span.status.code).removeprefix("STATUS_CODE_"),
            connection,
            span.span_id.hex(),
            scope_spans.scope.name,
        )
        for resource_spans in ExportTraceServiceRequest.FromString(body).resource_spans
        for scope_spans in resource_spans.scope_spans
        for span in scope_spans.spans
    ]


def _plain(key_values: Any) -> dict[str, Any]:
    return {item.key: _value(item.value) for item in key_values}


def _value(any_value: Any) -> Any:
    kind = any_value.WhichOneof("value")
    if kind == "array_value":
        return [_value(item) for item in any_value.array_value.values]
    return getattr(any_value, kind) if kind else None
