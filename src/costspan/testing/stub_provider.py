"""A model provider for tests: the providers' HTTP APIs on a free local port, answering with usage you choose.

    with StubProvider(usage=StubUsage(input_tokens=1000, cached_tokens=200, output_tokens=50)) as provider:
        client = openai.OpenAI(base_url=provider.base_url, api_key="test")

Deterministic: ids count up from 1, the answer's text never changes, nothing leaves the machine.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Final, Self

from costspan.testing.stub_anthropic import ANTHROPIC_ROUTES
from costspan.testing.stub_api import Route, StubAnswer, StubCall, StubUsage, json_answer
from costspan.testing.stub_bedrock import BEDROCK_ROUTES
from costspan.testing.stub_gemini import GEMINI_ROUTES
from costspan.testing.stub_openai import OPENAI_ROUTES

__all__ = ["StubProvider", "StubRequest", "StubUsage"]

ROUTES: Final[tuple[Route, ...]] = OPENAI_ROUTES + ANTHROPIC_ROUTES + GEMINI_ROUTES + BEDROCK_ROUTES
"""Every API the stub speaks, one after the other."""

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
    """A context manager. Everything but `requests` may be set, and changed between calls.

    `rate_limited` requests are refused with 429 before the first success, and every request that names one of
    `refused_parameters` with 400. `response_model` names the model that answers (default: the one asked for).
    A streamed answer comes in `deltas` pieces; after `cut_after` events the connection is closed.
    """

    usage: StubUsage = field(default_factory=StubUsage)
    response_model: str | None = None
    rate_limited: int = 0
    refused_parameters: frozenset[str] = frozenset()
    finish_reason: str = "stop"
    deltas: int = 1
    cut_after: int | None = None
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
    def url(self) -> str:
        """Where the provider listens. Raises RuntimeError outside the `with` block."""
        if self._server is None:
            raise RuntimeError("the stub provider runs inside its with block only")
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def base_url(self) -> str:
        """What to give an OpenAI client as its base URL."""
        return f"{self.url}/v1"

    def reset(self, **settings: Any) -> None:
        """Answer as a new provider with these settings would; the ids of the answers go on."""
        fresh = StubProvider(**settings)
        for name in (setting.name for setting in fields(StubProvider) if not setting.name.startswith("_")):
            setattr(self, name, getattr(fresh, name))

    def answer(self, path: str, body: Mapping[str, Any], headers: Mapping[str, str]) -> StubAnswer:
        """Log a request and return what it is answered with."""
        with self._lock:
            found = self._refusal(body) or self._routed(path, body)
            self.requests.append(StubRequest(path, body, headers, found.status))
            return found

    def _refusal(self, body: Mapping[str, Any]) -> StubAnswer | None:
        if self.rate_limited > 0:
            self.rate_limited -= 1
            return json_answer(_RATE_LIMITED, 429, Retry_After_Ms="1")
        refused = next((name for name in sorted(self.refused_parameters) if name in body), None)
        return None if refused is None else _invalid(400, f"Unrecognized request argument supplied: {refused}")

    def _routed(self, path: str, body: Mapping[str, Any]) -> StubAnswer:
        place = path.partition("?")[0]
        for route in ROUTES:
            if found := route.path.search(place):
                self._answers += 1
                named = found.groupdict()
                return route.answer(
                    StubCall(
                        number=self._answers,
                        path=place,
                        named=named,
                        body=body,
                        model=self.response_model or str(body.get("model") or named.get("model", "")),
                        usage=self.usage,
                        finish_reason=self.finish_reason,
                        deltas=self.deltas,
                    )
                )
        return _invalid(404, f"the stub has no {place}")


def _invalid(status: int, message: str) -> StubAnswer:
    return json_answer({"error": {"message": message, "type": "invalid_request_error"}}, status)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, stub: StubProvider, *connection: Any) -> None:
        self.stub = stub
        super().__init__(*connection)

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
        answer = self.stub.answer(self.path, body, dict(self.headers))
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.events is None:
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)
        else:
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self._send_events(answer.events)

    def _send_events(self, events: Iterable[bytes]) -> None:
        """Write a chunk an event; a stream that is cut lacks the chunk that says it is whole."""
        try:
            for sent, event in enumerate(events):
                if sent == self.stub.cut_after:
                    self.close_connection = True
                    return
                self.wfile.write(f"{len(event):x}\r\n".encode() + event + b"\r\n")
            self.wfile.write(b"0\r\n\r\n")
        except ConnectionError:
            self.close_connection = True  # the reader went away

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the base class's
        """Keep quiet: the requests are in `StubProvider.requests`."""
