"""A server on a real socket that says it is costspan, records what it gets and answers what a test scripted."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest


@dataclass
class StubServer:
    url: str = ""
    service: str = "costspan"
    spend: dict[str, Any] = field(default_factory=dict)
    asked: list[tuple[str, list[tuple[str, str]]]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    answers: list[tuple[int, dict[str, str], bytes]] = field(default_factory=list)
    """Scripted answers to POSTs, used up first; afterwards 200."""


@pytest.fixture
def stub_server() -> Iterator[StubServer]:
    stub = StubServer()
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = urlsplit(self.path)
            if path.path == "/healthz":
                self._reply(200, {}, json.dumps({"service": stub.service}).encode())
                return
            stub.asked.append((path.path, parse_qsl(path.query)))
            status = stub.spend.get("status", 200)
            self._reply(status if isinstance(status, int) else 200, {}, json.dumps(stub.spend).encode())

        def do_POST(self) -> None:
            body = gzip.decompress(self.rfile.read(int(self.headers["Content-Length"])))
            with lock:
                answer = stub.answers.pop(0) if stub.answers else (200, {}, b"")
                if answer[0] == 200:
                    stub.bodies.append(body)
                    stub.headers.append(dict(self.headers))
                    stub.paths.append(self.path)
            self._reply(*answer)

        def _reply(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    stub.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield stub
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def _nothing_at_the_usual_places(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COSTSPAN_URL", "http://127.0.0.1:9")
    for name in ("COSTSPAN_DATA", "COSTSPAN_CONFIG", "COSTSPAN_API_KEY", "COSTSPAN_API_KEY_FILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
