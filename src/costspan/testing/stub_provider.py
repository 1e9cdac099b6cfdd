"""A model provider for tests: the OpenAI HTTP API on a free local port, answering with usage you choose.

    with StubProvider(usage=StubUsage(input_tokens=1000, cached_tokens=200, output_tokens=50)) as provider:
        client = openai.OpenAI(base_url=provider.base_url, api_key="test")

Deterministic: ids count up from 1, the answer's text never changes, nothing leaves the machine.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Final, Self

from costspan.testing.stub_answers import StubUsage, chat_answer, chat_chunks, embeddings_answer, responses_answer

__all__ = ["StubProvider", "StubRequest", "StubUsage"]

_RATE_LIMITED: Final = {"error": {"message": "Rate limit reached", "type": "requests", "code": "rate_limit_exceeded"}}


@dataclass(frozen=True, slots=True)
class StubRequest:
    """One request the provider received; `status` is the HTTP status it was answered with."""

    path: str
    body: Mapping[str, Any]
    headers: Mapping[str, str]
    status: int


@dataclass(slots=True)
class StubProvider:
    """A context manager. `rate_limited` requests are refused with 429 before the first success; `response_model`
    names the model that answers (default: the one asked for); both and `usage` may be changed between calls."""

    usage: StubUsage = field(default_factory=StubUsage)
    response_model: str | None = None
    rate_limited: int = 0
    requests: list[StubRequest] = field(default_factory=list)
    _server: ThreadingHTTPServer | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _answers: int = 0

    def __enter__(self) -> Self:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, self))
        threading.Thread(target=self._server.serve_forever, args=(0.05,), name="stub-provider", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    @property
    def base_url(self) -> str:
        """What to give a client as its base URL. Raises RuntimeError outside the `with` block."""
        if self._server is None:
            raise RuntimeError("the stub provider runs inside its with block only")
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def admit(self, path: str, body: Mapping[str, Any], headers: Mapping[str, str]) -> int | None:
        """Log a request and return the number of the answer it gets, or None where it is refused."""
        with self._lock:
            refused = self.rate_limited > 0
            self.requests.append(StubRequest(path, body, headers, 429 if refused else 200))
            if refused:
                self.rate_limited -= 1
                return None
            self._answers += 1
            return self._answers


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, stub: StubProvider, *connection: Any) -> None:
        self.stub = stub
        super().__init__(*connection)

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
        number = self.stub.admit(self.path, body, dict(self.headers))
        if number is None:
            self._send_json(429, _RATE_LIMITED, {"Retry-After-Ms": "1"})
            return
        model = self.stub.response_model or str(body.get("model", ""))
        if self.path.endswith("/chat/completions") and body.get("stream"):
            with_usage = bool((body.get("stream_options") or {}).get("include_usage"))
            self._send_stream(chat_chunks(number, model, self.stub.usage, with_usage=with_usage))
        elif self.path.endswith("/chat/completions"):
            self._send_json(200, chat_answer(number, model, self.stub.usage))
        elif self.path.endswith("/responses"):
            self._send_json(200, responses_answer(number, model, self.stub.usage))
        elif self.path.endswith("/embeddings"):
            self._send_json(200, embeddings_answer(model, self.stub.usage))
        else:
            self._send_json(
                404, {"error": {"message": f"the stub has no {self.path}", "type": "invalid_request_error"}}
            )

    def _send_json(self, status: int, document: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> None:
        payload = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(payload)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(payload)

    def _send_stream(self, chunks: Iterator[dict[str, Any]]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        for chunk in chunks:
            self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
        self.wfile.write(b"data: [DONE]\n\n")
        self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the base class's
        """Keep quiet: the requests are in `StubProvider.requests`."""
